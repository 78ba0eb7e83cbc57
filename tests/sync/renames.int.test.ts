import { listItems } from '#platform/db/repositories/items.ts';
import { listVersions } from '#platform/db/repositories/fileVersions.ts';
import { reconcile } from '#activities/session/reconcile.ts';
import { createTestDatabase, type TestDatabase } from '#tests/support/database.ts';
import { afterScan, createEditor, type Editor } from '#tests/support/editor.ts';
import { createAgentGround, type AgentGround } from '#tests/support/openedSession.ts';
import { createRenameSteps, QUIET, type RenameSteps } from '#tests/support/renameSteps.ts';

let test: TestDatabase;
let ground: AgentGround;
let editor: Editor;
let steps: RenameSteps;
beforeAll(async () => {
  test = await createTestDatabase();
  ground = await createAgentGround(test);
  editor = createEditor(ground);
  steps = createRenameSteps(ground, editor);
});
afterAll(async () => {
  await ground.close();
  await test.drop();
});

describe('what a program renames goes on as the same item', () => {
  it('a file, with its versions, its content untouched, and every page is told', async () => {
    const session = await steps.opened({ 'a.py': 'print(1)\n' });
    const before = await steps.idsOf(session);
    session.workspace.rename('a.py', 'b.py');
    expect(await session.reconcile()).toEqual({ ...QUIET, changed: 1 });
    expect(await steps.idsOf(session)).toEqual({ 'b.py': before['a.py'] });
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
    await steps.settles(session);
  });

  it('a link, a name that differs in case alone, an empty file, into a new folder', async () => {
    const session = await steps.opened({ 'readme.md': 'read\n', empty: '', 'x/deep.py': 'deep\n' });
    session.workspace.link('link', 'empty');
    await session.reconcile();
    const before = await steps.idsOf(session);
    session.workspace.rename('readme.md', 'README.md');
    session.workspace.rename('link', 'shortcut');
    session.workspace.mkdir('new/folder');
    session.workspace.rename('empty', 'new/folder/empty');
    session.workspace.rename('x', 'new/x');
    await session.reconcile();
    expect(await steps.idsOf(session)).toMatchObject({
      'README.md': before['readme.md'],
      shortcut: before['link'],
      'new/folder/empty': before['empty'],
      'new/x': before['x'],
      'new/x/deep.py': before['x/deep.py'],
    });
    await steps.settles(session);
  });

  it('a folder of 60 files, at once: that is no mass deletion', async () => {
    const files = Array.from({ length: 60 }, (_, index) => [`src/${index % 3}/f${index}.py`, `print(${index})\n`]);
    const session = await steps.opened(Object.fromEntries(files) as Record<string, string>);
    const before = await steps.idsOf(session);
    let scans = 0;
    session.workspace.rename('src', 'lib');
    const counted = afterScan(ground, () => Promise.resolve(void (scans += 1)));
    await reconcile(counted, { ...session.ref, cause: 'test' }, () => undefined);
    expect(scans).toBe(1);
    const moved = Object.entries(before).map(([path, id]) => [path.replace('src', 'lib'), id]);
    expect(await steps.idsOf(session)).toEqual(Object.fromEntries(moved));
    await steps.settles(session);
  });

  it('a folder and something out of it, and a folder into one that came from it', async () => {
    const session = await steps.opened({ 'p/one': '1\n', 'p/two': '2\n', 'p/sub/three': '3\n' });
    const before = await steps.idsOf(session);
    session.workspace.rename('p/one', 'a-one');
    session.workspace.rename('p/sub', 'a-sub');
    session.workspace.rename('p', 'a-sub/p');
    session.workspace.rename('a-sub/p/two', 'z-two');
    await session.reconcile();
    expect(await steps.idsOf(session)).toEqual({
      'a-one': before['p/one'],
      'a-sub': before['p/sub'],
      'a-sub/p': before['p'],
      'a-sub/three': before['p/sub/three'],
      'z-two': before['p/two'],
    });
    await steps.settles(session);
  });

  it('twice and thrice between two scans', async () => {
    const session = await steps.opened({ a: 'a\n' });
    const before = await steps.idsOf(session);
    for (const [from, to] of [
      ['a', 'b'],
      ['b', 'c'],
      ['c', 'd'],
    ] as const)
      session.workspace.rename(from, to);
    await session.reconcile();
    expect(await steps.idsOf(session)).toEqual({ d: before['a'] });
    await steps.settles(session);
  });

  it('though it was edited before the next scan, or made only before the last', async () => {
    const session = await steps.opened({ 'a.py': 'one\ntwo\nthree\n' });
    session.workspace.write('made', 'new\n');
    await session.reconcile();
    const before = await steps.idsOf(session);
    session.workspace.rename('a.py', 'b.py');
    session.workspace.write('b.py', 'one\n2\nthree\n');
    session.workspace.rename('made', 'kept');
    session.workspace.write('kept', 'edited\n');
    await session.reconcile();
    expect(await steps.idsOf(session)).toEqual({ 'b.py': before['a.py'], kept: before['made'] });
    expect(await editor.files(session)).toEqual({ 'b.py': 'one\n2\nthree\n', kept: 'edited\n' });
    await steps.settles(session);
  });
});

describe('what is no rename', () => {
  it('a file over another one: the other one was edited', async () => {
    const session = await steps.opened({ a: 'a\n', b: 'b\n' });
    const before = await steps.idsOf(session);
    session.workspace.rename('a', 'b');
    await session.reconcile();
    expect(await steps.idsOf(session)).toEqual({ b: before['b'] });
    expect(await editor.files(session)).toEqual({ b: 'a\n' });
    await steps.settles(session);
  });

  it('a save by way of a temporary file, whether a scan came in between or not', async () => {
    const session = await steps.opened({ 'a.txt': 'one\n' });
    const before = await steps.idsOf(session);
    session.workspace.write('.a.txt.swp', 'two\n');
    session.workspace.rename('.a.txt.swp', 'a.txt');
    await steps.settles(session);
    session.workspace.write('4913', 'three\n');
    await session.reconcile();
    session.workspace.rename('4913', 'a.txt');
    await steps.settles(session);
    // Some keep the old file under another name first.
    session.workspace.rename('a.txt', 'a.txt~');
    session.workspace.write('a.txt', 'four\n');
    await session.reconcile();
    expect((await steps.idsOf(session))['a.txt']).toBe(before['a.txt']);
    session.workspace.remove('a.txt~');
    await steps.settles(session);
    expect(await steps.idsOf(session)).toEqual(before);
    expect(await editor.files(session)).toEqual({ 'a.txt': 'four\n' });
  });

  it('a swap, and a chain over a name that stays', async () => {
    const session = await steps.opened({ a: 'a\n', b: 'b\n', log: 'new\n', 'log.1': 'old\n' });
    const before = await steps.idsOf(session);
    session.workspace.rename('a', 'x');
    session.workspace.rename('b', 'a');
    session.workspace.rename('x', 'b');
    session.workspace.rename('log.1', 'log.2');
    session.workspace.rename('log', 'log.1');
    await session.reconcile();
    const after = await steps.idsOf(session);
    expect(after).toMatchObject({ a: before['a'], b: before['b'], 'log.1': before['log.1'] });
    expect(await editor.files(session)).toEqual({ a: 'b\n', b: 'a\n', 'log.1': 'new\n', 'log.2': 'old\n' });
    await steps.settles(session);
  });

  it('a file that got the number of one that was deleted', async () => {
    const session = await steps.opened({ 'gone.txt': 'gone\n' });
    const before = await steps.idsOf(session);
    session.workspace.remove('gone.txt');
    session.workspace.write('other.txt', 'other\n');
    await session.reconcile();
    expect(Object.keys(await steps.idsOf(session))).toEqual(['other.txt']);
    expect((await steps.idsOf(session))['other.txt']).not.toBe(before['gone.txt']);
    await steps.settles(session);
  });

  it('of something that the editor has deleted, or onto something that it has made', async () => {
    const session = await steps.opened({ a: 'a\n', b: 'b\n' });
    await steps.stopHandingOn(session);
    await test.database.query(`DELETE FROM workspace_items WHERE session_id = $1 AND name = 'a'`, [
      session.ref.sessionId,
    ]);
    const made = await editor.make(session, 'd', 'from the editor\n');
    session.workspace.rename('a', 'c');
    session.workspace.rename('b', 'd');
    await session.reconcile();
    const ids = await steps.idsOf(session);
    expect(ids['d']).toBe(made.id);
    expect(Object.values(await editor.files(session)).sort()).toEqual(['a\n', 'b\n', 'from the editor\n']);
    await steps.settles(session);
  });
});
