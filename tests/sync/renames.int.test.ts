import { handOffsSettled } from '#api/commands/items/handOffChange.ts';
import { updateItem } from '#api/commands/items/updateItem.ts';
import { findSession } from '#platform/db/repositories/sessions.ts';
import { listItems } from '#platform/db/repositories/items.ts';
import { listVersions } from '#platform/db/repositories/fileVersions.ts';
import { reconcile } from '#activities/session/reconcile.ts';
import { createTestDatabase, type TestDatabase } from '#tests/support/database.ts';
import { afterScan, createEditor, losingAnswers, type Editor } from '#tests/support/editor.ts';
import { createAgentGround, type AgentGround, type GroundSession } from '#tests/support/openedSession.ts';

const QUIET = { changed: 0, conflicts: 0, notSaved: 0, more: false };

let test: TestDatabase;
let ground: AgentGround;
let editor: Editor;
beforeAll(async () => {
  test = await createTestDatabase();
  ground = await createAgentGround(test);
  editor = createEditor(ground);
});
afterAll(async () => {
  await ground.close();
  await test.drop();
});

/** A session whose database and volume hold these files. */
async function opened(files: Record<string, string>): Promise<GroundSession> {
  const session = await ground.open();
  for (const [path, content] of Object.entries(files)) session.workspace.write(path, content);
  await session.reconcile();
  await session.reconcile();
  return session;
}

/** The ids of all items by path. */
async function idsOf({ ref }: GroundSession): Promise<Record<string, number>> {
  return Object.fromEntries((await listItems(test.database, ref.sessionId)).map(({ path, id }) => [path, id]));
}

/** One cycle that comes to an end, after which both sides hold the same and nothing is left to do. */
async function settles(session: GroundSession): Promise<void> {
  expect(await session.reconcile()).toMatchObject({ conflicts: 0, notSaved: 0, more: false });
  expect(await session.reconcile()).toEqual(QUIET);
  expect(await editor.isClean(session)).toBe(true);
  const onVolume = [...session.workspace.contents()].map(([path, bytes]) => [path, bytes.toString()]);
  const inDatabase = Object.entries(await editor.files(session)).filter(([, content]) => content !== null);
  expect(Object.fromEntries(inDatabase)).toEqual(Object.fromEntries(onVolume));
}

/** From now on the editor's changes are found by a reconcile only. */
async function stopHandingOn({ ref }: GroundSession): Promise<void> {
  await test.database.query(`UPDATE sessions SET phase = 'loading' WHERE id = $1`, [ref.sessionId]);
}

describe('what a program renames goes on as the same item', () => {
  it('a file, with its versions, its content untouched, and every page is told', async () => {
    const session = await opened({ 'a.py': 'print(1)\n' });
    const before = await idsOf(session);
    session.workspace.rename('a.py', 'b.py');
    expect(await session.reconcile()).toEqual({ ...QUIET, changed: 1 });
    expect(await idsOf(session)).toEqual({ 'b.py': before['a.py'] });
    const { sessionId } = session.ref;
    const [item] = await listItems(test.database, sessionId);
    expect(item?.version).toBe(1);
    const page = { sessionId, itemId: item!.id, cursor: null, limit: 10 };
    expect((await listVersions(test.database, page)).map(({ path }) => path)).toEqual(['a.py']);
    const events = await test.database.query<{ payload: unknown }>(
      `SELECT payload FROM events WHERE subject_id = $1 AND kind = 'items' ORDER BY id DESC LIMIT 1`,
      [sessionId],
    );
    expect(events[0]?.payload).toEqual({ paths: ['a.py', 'b.py'], truncated: false, source: 'terminal' });
    await settles(session);
  });

  it('a link, a name that differs in case alone, an empty file, into a new folder', async () => {
    const session = await opened({ 'readme.md': 'read\n', empty: '', 'x/deep.py': 'deep\n' });
    session.workspace.link('link', 'empty');
    await session.reconcile();
    const before = await idsOf(session);
    session.workspace.rename('readme.md', 'README.md');
    session.workspace.rename('link', 'shortcut');
    session.workspace.mkdir('new/folder');
    session.workspace.rename('empty', 'new/folder/empty');
    session.workspace.rename('x', 'new/x');
    await session.reconcile();
    expect(await idsOf(session)).toMatchObject({
      'README.md': before['readme.md'],
      shortcut: before['link'],
      'new/folder/empty': before['empty'],
      'new/x': before['x'],
      'new/x/deep.py': before['x/deep.py'],
    });
    await settles(session);
  });

  it('a folder of 60 files, at once: that is no mass deletion', async () => {
    const files = Array.from({ length: 60 }, (_, index) => [`src/${index % 3}/f${index}.py`, `print(${index})\n`]);
    const session = await opened(Object.fromEntries(files) as Record<string, string>);
    const before = await idsOf(session);
    let scans = 0;
    session.workspace.rename('src', 'lib');
    const counted = afterScan(ground, () => Promise.resolve(void (scans += 1)));
    await reconcile(counted, { ...session.ref, cause: 'test' }, () => undefined);
    expect(scans).toBe(1);
    const moved = Object.entries(before).map(([path, id]) => [path.replace('src', 'lib'), id]);
    expect(await idsOf(session)).toEqual(Object.fromEntries(moved));
    await settles(session);
  });

  it('a folder and something out of it, and a folder into one that came from it', async () => {
    const session = await opened({ 'p/one': '1\n', 'p/two': '2\n', 'p/sub/three': '3\n' });
    const before = await idsOf(session);
    session.workspace.rename('p/one', 'a-one');
    session.workspace.rename('p/sub', 'a-sub');
    session.workspace.rename('p', 'a-sub/p');
    session.workspace.rename('a-sub/p/two', 'z-two');
    await session.reconcile();
    expect(await idsOf(session)).toEqual({
      'a-one': before['p/one'],
      'a-sub': before['p/sub'],
      'a-sub/p': before['p'],
      'a-sub/three': before['p/sub/three'],
      'z-two': before['p/two'],
    });
    await settles(session);
  });

  it('twice and thrice between two scans', async () => {
    const session = await opened({ a: 'a\n' });
    const before = await idsOf(session);
    for (const [from, to] of [
      ['a', 'b'],
      ['b', 'c'],
      ['c', 'd'],
    ] as const)
      session.workspace.rename(from, to);
    await session.reconcile();
    expect(await idsOf(session)).toEqual({ d: before['a'] });
    await settles(session);
  });

  it('though it was edited before the next scan, or made only before the last', async () => {
    const session = await opened({ 'a.py': 'one\ntwo\nthree\n' });
    session.workspace.write('made', 'new\n');
    await session.reconcile();
    const before = await idsOf(session);
    session.workspace.rename('a.py', 'b.py');
    session.workspace.write('b.py', 'one\n2\nthree\n');
    session.workspace.rename('made', 'kept');
    session.workspace.write('kept', 'edited\n');
    await session.reconcile();
    expect(await idsOf(session)).toEqual({ 'b.py': before['a.py'], kept: before['made'] });
    expect(await editor.files(session)).toEqual({ 'b.py': 'one\n2\nthree\n', kept: 'edited\n' });
    await settles(session);
  });
});

describe('an edit in the editor under the old name', () => {
  it('lands at the new one, merged with what the program wrote there', async () => {
    const session = await opened({ 'a.py': '1\n2\n3\n' });
    const before = await idsOf(session);
    await stopHandingOn(session);
    await editor.save(session, 'a.py', 'ONE\n2\n3\n');
    session.workspace.rename('a.py', 'b.py');
    session.workspace.write('b.py', '1\n2\nTHREE\n');
    await session.reconcile();
    expect(await idsOf(session)).toEqual({ 'b.py': before['a.py'] });
    expect(session.workspace.read('b.py')).toBe('ONE\n2\nTHREE\n');
    await settles(session);
  });

  it('is a conflict at the new name where both overlap', async () => {
    const session = await opened({ 'd/a.py': 'base\n' });
    const before = await idsOf(session);
    await stopHandingOn(session);
    await editor.save(session, 'd/a.py', 'editor\n');
    session.workspace.rename('d', 'e');
    session.workspace.write('e/a.py', 'terminal\n');
    expect(await session.reconcile()).toMatchObject({ conflicts: 1 });
    const ids = await idsOf(session);
    expect(ids['e/a.py']).toBe(before['d/a.py']);
    expect(Object.keys(ids).filter((path) => path.startsWith('e/a.conflict-'))).toHaveLength(1);
    expect(Object.values(await editor.files(session)).sort()).toEqual(['editor\n', null, 'terminal\n']);
    await settles(session);
  });

  it('is saved while the rename is known to the volume alone, and reaches it', async () => {
    const session = await opened({ 'a.py': 'one\n' });
    const before = await idsOf(session);
    session.workspace.rename('a.py', 'b.py');
    await editor.save(session, 'a.py', 'two\n');
    await handOffsSettled();
    expect(session.workspace.list()).toEqual(['b.py']);
    await settles(session);
    expect(await idsOf(session)).toEqual({ 'b.py': before['a.py'] });
    expect(session.workspace.read('b.py')).toBe('two\n');
  });

  it('is saved right before the rename: what the agent wrote is known to it', async () => {
    const session = await opened({ 'a.py': 'one\n' });
    const before = await idsOf(session);
    await editor.save(session, 'a.py', 'two\n');
    await handOffsSettled();
    session.workspace.rename('a.py', 'b.py');
    session.workspace.write('b.py', 'three\n');
    await settles(session);
    expect(await idsOf(session)).toEqual({ 'b.py': before['a.py'] });
  });

  it('is saved between the scan and its commit', async () => {
    const session = await opened({ 'a.py': 'one\n' });
    const before = await idsOf(session);
    session.workspace.rename('a.py', 'b.py');
    const work = afterScan(ground, async () => {
      await editor.save(session, 'a.py', 'two\n');
      await handOffsSettled();
    });
    await reconcile(work, { ...session.ref, cause: 'test' }, () => undefined);
    await settles(session);
    expect(await idsOf(session)).toEqual({ 'b.py': before['a.py'] });
    expect(session.workspace.read('b.py')).toBe('two\n');
  });

  it('was answered by nobody, went along, and is no edit of the program', async () => {
    const session = await opened({ 'a.py': 'one\n' });
    const dying = createEditor({ ...ground, deps: losingAnswers(ground, 'after') });
    await dying.save(session, 'a.py', 'two\n');
    await handOffsSettled();
    expect(session.workspace.read('a.py')).toBe('two\n');
    session.workspace.rename('a.py', 'b.py');
    await stopHandingOn(session);
    await editor.save(session, 'a.py', 'one\n');
    await settles(session);
    expect(await editor.files(session)).toEqual({ 'b.py': 'one\n' });
  });
});

describe('what is no rename', () => {
  it('a file over another one: the other one was edited', async () => {
    const session = await opened({ a: 'a\n', b: 'b\n' });
    const before = await idsOf(session);
    session.workspace.rename('a', 'b');
    await session.reconcile();
    expect(await idsOf(session)).toEqual({ b: before['b'] });
    expect(await editor.files(session)).toEqual({ b: 'a\n' });
    await settles(session);
  });

  it('a save by way of a temporary file, whether a scan came in between or not', async () => {
    const session = await opened({ 'a.txt': 'one\n' });
    const before = await idsOf(session);
    session.workspace.write('.a.txt.swp', 'two\n');
    session.workspace.rename('.a.txt.swp', 'a.txt');
    await settles(session);
    session.workspace.write('4913', 'three\n');
    await session.reconcile();
    session.workspace.rename('4913', 'a.txt');
    await settles(session);
    // Some keep the old file under another name first.
    session.workspace.rename('a.txt', 'a.txt~');
    session.workspace.write('a.txt', 'four\n');
    await session.reconcile();
    expect((await idsOf(session))['a.txt']).toBe(before['a.txt']);
    session.workspace.remove('a.txt~');
    await settles(session);
    expect(await idsOf(session)).toEqual(before);
    expect(await editor.files(session)).toEqual({ 'a.txt': 'four\n' });
  });

  it('a swap, and a chain over a name that stays', async () => {
    const session = await opened({ a: 'a\n', b: 'b\n', log: 'new\n', 'log.1': 'old\n' });
    const before = await idsOf(session);
    session.workspace.rename('a', 'x');
    session.workspace.rename('b', 'a');
    session.workspace.rename('x', 'b');
    session.workspace.rename('log.1', 'log.2');
    session.workspace.rename('log', 'log.1');
    await session.reconcile();
    const after = await idsOf(session);
    expect(after).toMatchObject({ a: before['a'], b: before['b'], 'log.1': before['log.1'] });
    expect(await editor.files(session)).toEqual({ a: 'b\n', b: 'a\n', 'log.1': 'new\n', 'log.2': 'old\n' });
    await settles(session);
  });

  it('a file that got the number of one that was deleted', async () => {
    const session = await opened({ 'gone.txt': 'gone\n' });
    const before = await idsOf(session);
    session.workspace.remove('gone.txt');
    session.workspace.write('other.txt', 'other\n');
    await session.reconcile();
    expect(Object.keys(await idsOf(session))).toEqual(['other.txt']);
    expect((await idsOf(session))['other.txt']).not.toBe(before['gone.txt']);
    await settles(session);
  });

  it('of something that the editor has deleted, or onto something that it has made', async () => {
    const session = await opened({ a: 'a\n', b: 'b\n' });
    await stopHandingOn(session);
    await test.database.query(`DELETE FROM workspace_items WHERE session_id = $1 AND name = 'a'`, [
      session.ref.sessionId,
    ]);
    const made = await editor.make(session, 'd', 'from the editor\n');
    session.workspace.rename('a', 'c');
    session.workspace.rename('b', 'd');
    await session.reconcile();
    const ids = await idsOf(session);
    expect(ids['d']).toBe(made.id);
    expect(Object.values(await editor.files(session)).sort()).toEqual(['a\n', 'b\n', 'from the editor\n']);
    await settles(session);
  });
});

describe('a rename is not lost', () => {
  it('when the worker dies after the manifest, and the file is renamed again', async () => {
    const session = await opened({ a: 'a\n', 'p/x': '' });
    const before = await idsOf(session);
    session.workspace.rename('a', 'b');
    session.workspace.rename('p', 'q');
    for (const last of ['b', 'c']) {
      if (last === 'c') session.workspace.rename('b', 'c');
      const dies = afterScan(ground, () => Promise.reject(new Error('died')));
      const died = reconcile(dies, { ...session.ref, cause: 'test' }, () => undefined);
      await expect(died).rejects.toThrow('died');
    }
    await session.reconcile();
    expect(await idsOf(session)).toEqual({ c: before['a'], q: before['p'], 'q/x': before['p/x'] });
    await settles(session);
  });

  it('when the worker dies after the commit, before the volume has its edit', async () => {
    const session = await opened({ a: 'a\n' });
    const before = await idsOf(session);
    await stopHandingOn(session);
    await editor.save(session, 'a', 'edited\n');
    session.workspace.rename('a', 'b');
    const dies = reconcile(losingAnswers(ground, 'before'), { ...session.ref, cause: 'test' }, () => undefined);
    await expect(dies).rejects.toMatchObject({ code: 'AGENT_UNREACHABLE' });
    session.workspace.rename('b', 'c');
    await settles(session);
    expect(await idsOf(session)).toEqual({ c: before['a'] });
    expect(session.workspace.read('c')).toBe('edited\n');
  });

  it('when the agent was started again in between: equal content tells, also of whole folders', async () => {
    const session = await opened({ a: 'a\n', 'p/__init__.py': '', 'p/x': 'x\n', 'p/y': 'y\n', 'p/in/z': 'z\n' });
    const before = await idsOf(session);
    session.workspace.rename('a', 'b');
    session.workspace.rename('p', 'q');
    session.workspace.write('q/y', 'edited\n');
    await session.replacePod();
    await session.reconcile();
    const moved = Object.entries(before).map(([path, id]) => [path === 'a' ? 'b' : path.replace('p', 'q'), id]);
    expect(await idsOf(session)).toEqual(Object.fromEntries(moved));
    await settles(session);
  });

  it('when programs copy and delete, as a checkout of another branch does', async () => {
    const files = Array.from({ length: 40 }, (_, index) => [`old/f${index}.py`, `print(${index})\n`]);
    const session = await opened({ ...Object.fromEntries(files), 'stays.py': 'print()\n' } as Record<string, string>);
    const before = await idsOf(session);
    for (const [path, content] of files as Array<[string, string]>) {
      session.workspace.remove(path);
      session.workspace.write(path.replace('old', 'new'), content);
    }
    session.workspace.remove('old');
    session.workspace.remove('stays.py');
    session.workspace.write('stays.py', 'print(None)\n');
    await session.reconcile();
    const moved = Object.entries(before).map(([path, id]) => [path.replace('old', 'new'), id]);
    expect(await idsOf(session)).toEqual(Object.fromEntries(moved));
    await settles(session);
  });

  it('when the session closes right after it: what is drained has the new name', async () => {
    const session = await opened({ a: 'a\n' });
    const before = await idsOf(session);
    session.workspace.rename('a', 'b');
    expect(await session.save()).toEqual({ drained: true, superseded: false, notSaved: 0 });
    expect(await idsOf(session)).toEqual({ b: before['a'] });
  });

  it('when the editor renames the same file: no byte is lost, and both come to rest', async () => {
    const session = await opened({ a: 'a\n' });
    const record = (await findSession(test.database, session.ref.uuid))!;
    await stopHandingOn(session);
    const [item] = await listItems(test.database, session.ref.sessionId);
    const change = { session: { ...record, phase: 'loading' as const }, userId: session.userId, expectedVersion: null };
    await updateItem(editor.deps, { ...change, id: item!.id, wanted: { name: 'by-editor' } });
    session.workspace.rename('a', 'by-terminal');
    await session.reconcile();
    expect((await idsOf(session))['by-editor']).toBe(item!.id);
    await settles(session);
  });
});
