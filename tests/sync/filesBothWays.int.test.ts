import { createItem } from '#api/commands/items/createItem.ts';
import { deleteItem } from '#api/commands/items/deleteItem.ts';
import { handOffsSettled } from '#api/commands/items/handOffChange.ts';
import { updateItem } from '#api/commands/items/updateItem.ts';
import { CreateItem } from '#shared/contracts/item.ts';
import { listItems } from '#platform/db/repositories/items.ts';
import { findSession } from '#platform/db/repositories/sessions.ts';
import { dirtyPaths } from '#platform/db/repositories/syncBase.ts';
import { findVolume } from '#platform/db/repositories/volumes.ts';
import { reconcile } from '#activities/session/reconcile.ts';
import { createTestDatabase, type TestDatabase } from '#tests/support/database.ts';
import { afterScan, createEditor, losingAnswers, type Editor } from '#tests/support/editor.ts';
import { build } from '#tests/support/factories.ts';
import { createAgentGround, type AgentGround, type GroundSession } from '#tests/support/openedSession.ts';
import { waitFor } from '#tests/support/waitFor.ts';

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

const oneFile = (session: GroundSession): Promise<void> => editor.oneFile(session);

/** Resolves once the volume is so and the base knows it: the next change of these paths starts from that base. */
async function carriedOut(isSo: () => boolean): Promise<void> {
  await waitFor(isSo);
  await handOffsSettled();
}

describe('loading', () => {
  it('puts all files on a new volume, verified, and only then calls it live', async () => {
    const session = await ground.open({ plant: oneFile });
    expect(session.workspace.read('main.py')).toBe('print(1)\n');
    expect((await findVolume(test.database, session.ref.sessionId))?.state).toBe('live');
    expect(await editor.isClean(session)).toBe(true);
    expect(await session.reconcile()).toEqual({ changed: 0, conflicts: 0, notSaved: 0, more: false });
  });

  it('may be run twice, and leaves a live volume alone', async () => {
    const session = await ground.open({ plant: oneFile });
    session.workspace.write('main.py', 'edited in the terminal');
    expect(await session.load()).toEqual({ files: 1 });
    expect(session.workspace.read('main.py')).toBe('edited in the terminal');
  });

  it('goes on after it was cut off in the middle', async () => {
    const session = await ground.open({ state: 'loading', plant: oneFile });
    session.workspace.write('half.txt', 'left by a try that was killed');
    session.workspace.write('main.py', 'pri');
    expect(await session.load()).toEqual({ files: 1 });
    expect(session.workspace.list()).toEqual(['main.py']);
    expect(session.workspace.read('main.py')).toBe('print(1)\n');
    expect(Object.keys(await editor.files(session))).toEqual(['main.py']);
  });

  it('loads 1,000 files', async () => {
    const session = await ground.open({
      plant: (planted) => editor.manyFiles(planted, 1_000),
    });
    expect(session.workspace.list()).toHaveLength(1_000);
    expect(session.workspace.read('f777')).toBe('f777');
  });

  it('ends, and deletes nothing, though the volume will not name what it was given', async () => {
    const session = await ground.open({
      plant: async ({ ref }) => {
        await build.folder(test.database, { sessionId: ref.sessionId, name: '.git' });
        await build.file(test.database, { sessionId: ref.sessionId, name: 'main.py', content: 'print(1)\n' });
      },
    });
    expect((await findVolume(test.database, session.ref.sessionId))?.state).toBe('live');
    await session.reconcile();
    expect(Object.keys(await editor.files(session)).sort()).toEqual(['.git', 'main.py']);
  });

  it('that never ended deletes nothing when the session closes', async () => {
    const session = await ground.open({ state: 'loading', plant: oneFile });
    expect(await session.save()).toEqual({ drained: false, superseded: false, notSaved: 0 });
    expect(await session.reconcile()).toMatchObject({ changed: 0 });
    expect(await editor.files(session)).toEqual({ 'main.py': 'print(1)\n' });
  });
});

describe('a change in the session', () => {
  it('reaches the database: new, changed, moved, deleted, executable, linked, binary', async () => {
    const session = await ground.open({ plant: oneFile });
    const { workspace } = session;
    workspace.write('a/b/c.txt', 'hi\n');
    workspace.write('main.py', 'print(2)\n');
    workspace.write('run.sh', '#!/bin/sh\n', true);
    workspace.link('latest', 'a/b/c.txt');
    workspace.write('data.bin', Buffer.from([255, 1, 2]));
    workspace.write('nul.bin', 'a\0b');
    expect(await session.reconcile()).toMatchObject({ changed: 8, conflicts: 0, more: false });
    expect(await editor.files(session)).toEqual({
      a: null,
      'a/b': null,
      'a/b/c.txt': 'hi\n',
      'main.py': 'print(2)\n',
      'run.sh': '#!/bin/sh\n',
      latest: 'a/b/c.txt',
      'data.bin': '/wEC',
      'nul.bin': 'YQBi',
    });
    const items = await listItems(test.database, session.ref.sessionId);
    expect(items.find((item) => item.path === 'run.sh')?.executable).toBe(true);
    expect(items.find((item) => item.path === 'latest')?.encoding).toBe('symlink');
    workspace.rename('a/b', 'moved');
    workspace.remove('run.sh');
    await session.reconcile();
    expect(Object.keys(await editor.files(session)).sort()).toEqual([
      'a',
      'data.bin',
      'latest',
      'main.py',
      'moved',
      'moved/c.txt',
      'nul.bin',
    ]);
    expect(await session.reconcile()).toEqual({ changed: 0, conflicts: 0, notSaved: 0, more: false });
  });

  it('tells which paths changed, in the transaction that changes them', async () => {
    const session = await ground.open({ plant: oneFile });
    session.workspace.write('new.txt', 'x');
    await session.reconcile();
    const events = await test.database.query<{ payload: unknown }>(
      `SELECT payload FROM events WHERE subject = 'session' AND subject_id = $1 AND kind = 'items' ORDER BY id DESC LIMIT 1`,
      [session.ref.sessionId],
    );
    expect(events[0]?.payload).toEqual({ paths: ['new.txt'], truncated: false, source: 'terminal' });
  });
});

describe('a change in the editor', () => {
  it('is on the volume at once, and the base moves with the acknowledgement', async () => {
    const session = await ground.open({ plant: oneFile });
    await editor.save(session, 'main.py', 'print(3)\n');
    await waitFor(() => session.workspace.read('main.py') === 'print(3)\n');
    await waitFor(() => editor.isClean(session));
    expect(await session.reconcile()).toMatchObject({ changed: 0 });
  });

  it('that could not be handed on is carried by the next reconcile', async () => {
    const session = await ground.open({ plant: oneFile });
    await test.database.query(`UPDATE sessions SET phase = 'loading' WHERE id = $1`, [session.ref.sessionId]);
    await editor.save(session, 'main.py', 'print(4)\n');
    expect(await dirtyPaths(test.database, session.ref.sessionId)).toEqual(['main.py']);
    expect(session.workspace.read('main.py')).toBe('print(1)\n');
    await session.reconcile();
    expect(session.workspace.read('main.py')).toBe('print(4)\n');
    expect(await editor.isClean(session)).toBe(true);
  });

  it('removes a folder in which a file was replaced only just now', async () => {
    const session = await ground.open({ plant: oneFile });
    const record = (await findSession(test.database, session.ref.uuid))!;
    session.workspace.write('src/a.txt', 'one');
    await session.reconcile();
    await editor.save(session, 'src/a.txt', 'two');
    await handOffsSettled();
    await test.database.query(`UPDATE sessions SET phase = 'loading' WHERE id = $1`, [record.id]);
    const folder = (await listItems(test.database, record.id)).find((item) => item.path === 'src')!;
    await deleteItem(editor.deps, { session: record, userId: record.userId, id: folder.id, expectedVersion: null });
    await session.reconcile();
    expect(session.workspace.list()).toEqual(['main.py']);
    expect(await session.reconcile()).toMatchObject({ changed: 0 });
  });

  it('that is handed on between a scan and its commit is not taken back', async () => {
    const session = await ground.open({ plant: oneFile });
    const result = await reconcile(
      afterScan(ground, async () => {
        await editor.save(session, 'main.py', 'print(9)\n');
        await handOffsSettled();
      }),
      { ...session.ref, cause: 'test' },
      () => undefined,
    );
    expect(result).toMatchObject({ changed: 0, more: true });
    expect(await editor.files(session)).toEqual({ 'main.py': 'print(9)\n' });
    expect(session.workspace.read('main.py')).toBe('print(9)\n');
    expect(await session.reconcile()).toEqual({ changed: 0, conflicts: 0, notSaved: 0, more: false });
  });

  it('that is committed between a scan and its commit wins over what the scan saw', async () => {
    const session = await ground.open({ plant: oneFile });
    await test.database.query(`UPDATE sessions SET phase = 'loading' WHERE id = $1`, [session.ref.sessionId]);
    session.workspace.remove('main.py');
    session.workspace.write('other.txt', 'x');
    const work = afterScan(ground, () => editor.save(session, 'main.py', 'print(9)\n').then(() => undefined));
    await reconcile(work, { ...session.ref, cause: 'test' }, () => undefined);
    expect(await editor.files(session)).toEqual({ 'main.py': 'print(9)\n', 'other.txt': 'x' });
    expect(session.workspace.read('main.py')).toBe('print(9)\n');
  });

  it('renames, moves and deletes on the volume too', async () => {
    const session = await ground.open({ plant: oneFile });
    const record = (await findSession(test.database, session.ref.uuid))!;
    const change = { session: record, userId: session.userId, expectedVersion: null };
    const folder = await createItem(editor.deps, {
      ...change,
      wanted: CreateItem.parse({ name: 'src', type: 'folder' }),
    });
    const [item] = (await listItems(test.database, record.id)).filter((one) => one.type === 'file');
    await carriedOut(() => session.workspace.has('src'));
    await updateItem(editor.deps, { ...change, id: item!.id, wanted: { parentId: folder.id, name: 'app.py' } });
    await carriedOut(() => session.workspace.list().join() === 'src/,src/app.py');
    await updateItem(editor.deps, { ...change, id: folder.id, wanted: { name: 'lib' } });
    await carriedOut(() => session.workspace.list().join() === 'lib/,lib/app.py');
    await updateItem(editor.deps, { ...change, id: item!.id, wanted: { executable: true } });
    await carriedOut(() => session.workspace.isExecutable('lib/app.py'));
    expect(await editor.isClean(session)).toBe(true);
    await deleteItem(editor.deps, { session: record, userId: record.userId, id: folder.id, expectedVersion: null });
    await waitFor(() => session.workspace.list().length === 0);
    await waitFor(() => editor.isClean(session));
    expect(await session.reconcile()).toMatchObject({ changed: 0 });
  });
});

describe('changes on both sides', () => {
  it('of different lines are merged, of the same line kept side by side', async () => {
    const session = await ground.open({ plant: (one) => editor.make(one, 'a.txt', '1\n2\n3\n').then(() => undefined) });
    await test.database.query(`UPDATE sessions SET phase = 'loading' WHERE id = $1`, [session.ref.sessionId]);
    await editor.save(session, 'a.txt', 'ONE\n2\n3\n');
    session.workspace.write('a.txt', '1\n2\nTHREE\n');
    expect(await session.reconcile()).toMatchObject({ conflicts: 0 });
    expect(session.workspace.read('a.txt')).toBe('ONE\n2\nTHREE\n');
    expect(await editor.files(session)).toEqual({ 'a.txt': 'ONE\n2\nTHREE\n' });
    const versions = await test.database.query<{ source: string }>(
      `SELECT source FROM file_versions WHERE session_id = $1 ORDER BY id`,
      [session.ref.sessionId],
    );
    expect(versions.map(({ source }) => source)).toEqual(['editor', 'editor', 'terminal', 'merge']);
    await editor.save(session, 'a.txt', 'editor\n');
    session.workspace.write('a.txt', 'terminal\n');
    expect(await session.reconcile()).toMatchObject({ conflicts: 1 });
    const files = await editor.files(session);
    const copy = Object.keys(files).find((path) => path.startsWith('a.conflict-'))!;
    const told = await test.database.query(
      `SELECT kind, summary, user_id = (SELECT user_id FROM sessions WHERE id = $1) AS owner FROM notifications WHERE session_id = $1`,
      [session.ref.sessionId],
    );
    const summary = `a.txt was changed on both sides; the other version is kept as ${copy}.`;
    expect(told).toEqual([{ kind: 'conflict', summary, owner: true }]);
    expect(files).toEqual({ 'a.txt': 'editor\n', [copy]: 'terminal\n' });
    expect(session.workspace.read('a.txt')).toBe('editor\n');
    expect(session.workspace.read(copy)).toBe('terminal\n');
    expect(await session.reconcile()).toEqual({ changed: 0, conflicts: 0, notSaved: 0, more: false });
  });

  it.each(['before', 'after'] as const)(
    'come to the same end when the connection breaks %s the volume was written: one copy, no byte lost',
    async (lost) => {
      const session = await ground.open({ plant: (one) => editor.make(one, 'a.txt', 'base\n').then(() => undefined) });
      await test.database.query(`UPDATE sessions SET phase = 'loading' WHERE id = $1`, [session.ref.sessionId]);
      await editor.save(session, 'a.txt', 'editor\n');
      session.workspace.write('a.txt', 'terminal\n');
      const broken = reconcile(losingAnswers(ground, lost), { ...session.ref, cause: 'test' }, () => undefined);
      await expect(broken).rejects.toMatchObject({ code: 'AGENT_UNREACHABLE' });
      await session.reconcile();
      expect(await session.reconcile()).toEqual({ changed: 0, conflicts: 0, notSaved: 0, more: false });
      const files = await editor.files(session);
      expect(Object.values(files).sort()).toEqual(['editor\n', 'terminal\n']);
      expect([...session.workspace.contents().values()].map(String).sort()).toEqual(['editor\n', 'terminal\n']);
      expect(await editor.isClean(session)).toBe(true);
    },
  );

  it('survive the pod: what a program wrote before it was killed is on its volume, and then in the database', async () => {
    const session = await ground.open({ plant: oneFile });
    session.workspace.write('newer.txt', 'written just before');
    await session.replacePod();
    expect(await session.reconcile()).toMatchObject({ changed: 1 });
    expect((await editor.files(session))['newer.txt']).toBe('written just before');
  });
});
