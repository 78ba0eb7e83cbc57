import { createItem } from '#api/commands/items/createItem.ts';
import { deleteItem } from '#api/commands/items/deleteItem.ts';
import { handOffsSettled } from '#api/commands/items/handOffChange.ts';
import { saveItem } from '#api/commands/items/saveItem.ts';
import { updateItem } from '#api/commands/items/updateItem.ts';
import { CreateItem } from '#shared/contracts/item.ts';
import { findItemWithContent, listItems } from '#platform/db/repositories/items.ts';
import { findSession } from '#platform/db/repositories/sessions.ts';
import { dirtyPaths } from '#platform/db/repositories/syncBase.ts';
import { findVolume, setVolumeState } from '#platform/db/repositories/volumes.ts';
import { reconcile } from '#activities/session/reconcile.ts';
import { beginCycle, commitFenced, type SyncDeps } from '#activities/session/syncCycle.ts';
import { createTestDatabase, type TestDatabase } from '#tests/support/database.ts';
import { build } from '#tests/support/factories.ts';
import { createAgentGround, type AgentGround, type GroundSession } from '#tests/support/openedSession.ts';
import { waitFor } from '#tests/support/waitFor.ts';

let test: TestDatabase;
let ground: AgentGround;
beforeAll(async () => {
  test = await createTestDatabase();
  ground = await createAgentGround(test);
}, 60_000);
afterAll(async () => {
  await ground.close();
  await test.drop();
}, 60_000);

const itemDeps = () => ({ ...ground.deps, config: test.config });

async function make(session: GroundSession, name: string, content = `in ${name}\n`) {
  const record = (await findSession(test.database, session.ref.uuid))!;
  const wanted = CreateItem.parse({ name, type: 'file', content });
  return createItem(itemDeps(), { session: record, userId: session.userId, wanted });
}

async function save(session: GroundSession, path: string, content: string) {
  const record = (await findSession(test.database, session.ref.uuid))!;
  const item = (await listItems(test.database, session.ref.sessionId)).find((one) => one.path === path)!;
  const wanted = { content, encoding: 'utf8' as const };
  return saveItem(itemDeps(), {
    session: record,
    userId: session.userId,
    id: item.id,
    expectedVersion: item.version,
    wanted,
  });
}

async function databaseFiles(session: GroundSession): Promise<Record<string, string | null>> {
  const items = await listItems(test.database, session.ref.sessionId);
  const entries = items.map(async (item) => {
    const file = await findItemWithContent(test.database, { sessionId: session.ref.sessionId, id: item.id });
    return [item.path, file?.content ?? null] as const;
  });
  return Object.fromEntries(await Promise.all(entries));
}

/** The ground's parts, with something happening right after each scan. */
function afterScan(happens: () => Promise<void>): SyncDeps {
  return {
    ...ground.deps,
    agentPool: {
      close: () => ground.agentPool.close(),
      async get(...address) {
        const client = await ground.agentPool.get(...address);
        return Object.assign(Object.create(client) as typeof client, {
          manifest: async (...options: Parameters<typeof client.manifest>) => {
            const manifest = await client.manifest(...options);
            await happens();
            return manifest;
          },
        });
      },
    },
  };
}

const isClean = async (session: GroundSession) => (await dirtyPaths(test.database, session.ref.sessionId)).length === 0;
const oneFile = (session: GroundSession) => make(session, 'main.py', 'print(1)\n').then(() => undefined);

describe('loading', () => {
  it('puts all files on a new volume, verified, and only then calls it live', async () => {
    const session = await ground.open({ plant: oneFile });
    expect(session.workspace.read('main.py')).toBe('print(1)\n');
    expect((await findVolume(test.database, session.ref.sessionId))?.state).toBe('live');
    expect(await isClean(session)).toBe(true);
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
    expect(await session.load()).toEqual({ files: 1 });
    expect(session.workspace.list()).toEqual(['main.py']);
    expect(Object.keys(await databaseFiles(session))).toEqual(['main.py']);
  });

  it('loads 1,000 files', async () => {
    const session = await ground.open({
      plant: async ({ ref }) => {
        await test.database.query(
          `WITH made AS (
             INSERT INTO blobs (sha256, bytes) SELECT encode(sha256(('f' || n)::bytea), 'hex'), ('f' || n)::bytea
             FROM generate_series(1, 1000) n ON CONFLICT DO NOTHING)
           INSERT INTO workspace_items (session_id, name, type, content, sha256, size)
           SELECT $1, 'f' || n, 'file', 'f' || n, encode(sha256(('f' || n)::bytea), 'hex'), length('f' || n)
           FROM generate_series(1, 1000) n`,
          [ref.sessionId],
        );
      },
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
    expect(Object.keys(await databaseFiles(session)).sort()).toEqual(['.git', 'main.py']);
  });

  it('that never ended deletes nothing when the session closes', async () => {
    const session = await ground.open({ state: 'loading', plant: oneFile });
    expect(await session.save()).toEqual({ drained: false, superseded: false, notSaved: 0 });
    expect(await session.reconcile()).toMatchObject({ changed: 0 });
    expect(await databaseFiles(session)).toEqual({ 'main.py': 'print(1)\n' });
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
    workspace.write('data.bin', Buffer.from([0, 255, 1]));
    expect(await session.reconcile()).toMatchObject({ changed: 7, conflicts: 0, more: false });
    expect(await databaseFiles(session)).toEqual({
      a: null,
      'a/b': null,
      'a/b/c.txt': 'hi\n',
      'main.py': 'print(2)\n',
      'run.sh': '#!/bin/sh\n',
      latest: 'a/b/c.txt',
      'data.bin': 'AP8B',
    });
    const items = await listItems(test.database, session.ref.sessionId);
    expect(items.find((item) => item.path === 'run.sh')?.executable).toBe(true);
    expect(items.find((item) => item.path === 'latest')?.encoding).toBe('symlink');
    workspace.rename('a/b', 'moved');
    workspace.remove('run.sh');
    await session.reconcile();
    expect(Object.keys(await databaseFiles(session)).sort()).toEqual([
      'a',
      'data.bin',
      'latest',
      'main.py',
      'moved',
      'moved/c.txt',
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
    await save(session, 'main.py', 'print(3)\n');
    await waitFor(() => session.workspace.read('main.py') === 'print(3)\n', { deadlineMs: 2_000 });
    await waitFor(() => isClean(session), { deadlineMs: 2_000 });
    expect(await session.reconcile()).toMatchObject({ changed: 0 });
  });

  it('that could not be handed on is carried by the next reconcile', async () => {
    const session = await ground.open({ plant: oneFile });
    await test.database.query(`UPDATE sessions SET phase = 'loading' WHERE id = $1`, [session.ref.sessionId]);
    await save(session, 'main.py', 'print(4)\n');
    expect(await dirtyPaths(test.database, session.ref.sessionId)).toEqual(['main.py']);
    expect(session.workspace.read('main.py')).toBe('print(1)\n');
    await session.reconcile();
    expect(session.workspace.read('main.py')).toBe('print(4)\n');
    expect(await isClean(session)).toBe(true);
  });

  it('that is handed on between a scan and its commit is not taken back', async () => {
    const session = await ground.open({ plant: oneFile });
    const result = await reconcile(
      afterScan(async () => {
        await save(session, 'main.py', 'print(9)\n');
        await handOffsSettled();
      }),
      { ...session.ref, cause: 'test' },
      () => undefined,
    );
    expect(result).toMatchObject({ changed: 0, more: true });
    expect(await databaseFiles(session)).toEqual({ 'main.py': 'print(9)\n' });
    expect(session.workspace.read('main.py')).toBe('print(9)\n');
    expect(await session.reconcile()).toEqual({ changed: 0, conflicts: 0, notSaved: 0, more: false });
  });

  it('that is committed between a scan and its commit wins over what the scan saw', async () => {
    const session = await ground.open({ plant: oneFile });
    await test.database.query(`UPDATE sessions SET phase = 'loading' WHERE id = $1`, [session.ref.sessionId]);
    session.workspace.remove('main.py');
    session.workspace.write('other.txt', 'x');
    const work = afterScan(() => save(session, 'main.py', 'print(9)\n').then(() => undefined));
    await reconcile(work, { ...session.ref, cause: 'test' }, () => undefined);
    expect(await databaseFiles(session)).toEqual({ 'main.py': 'print(9)\n', 'other.txt': 'x' });
    expect(session.workspace.read('main.py')).toBe('print(9)\n');
  });

  it('renames, moves and deletes on the volume too', async () => {
    const session = await ground.open({ plant: oneFile });
    const record = (await findSession(test.database, session.ref.uuid))!;
    const change = { session: record, userId: session.userId, expectedVersion: null };
    const folder = await createItem(itemDeps(), {
      ...change,
      wanted: CreateItem.parse({ name: 'src', type: 'folder' }),
    });
    const [item] = (await listItems(test.database, record.id)).filter((one) => one.type === 'file');
    await waitFor(() => session.workspace.has('src'));
    await updateItem(itemDeps(), { ...change, id: item!.id, wanted: { parentId: folder.id, name: 'app.py' } });
    await waitFor(() => session.workspace.list().join() === 'src/,src/app.py');
    await updateItem(itemDeps(), { ...change, id: folder.id, wanted: { name: 'lib' } });
    await waitFor(() => session.workspace.list().join() === 'lib/,lib/app.py');
    await updateItem(itemDeps(), { ...change, id: item!.id, wanted: { executable: true } });
    await waitFor(() => session.workspace.isExecutable('lib/app.py'));
    await waitFor(() => isClean(session));
    await deleteItem(itemDeps(), { session: record, id: folder.id, expectedVersion: null });
    await waitFor(() => session.workspace.list().length === 0);
    await waitFor(() => isClean(session));
    expect(await session.reconcile()).toMatchObject({ changed: 0 });
  });
});

describe('changes on both sides', () => {
  it('of different lines are merged, of the same line kept side by side', async () => {
    const session = await ground.open({ plant: (one) => make(one, 'a.txt', '1\n2\n3\n').then(() => undefined) });
    await test.database.query(`UPDATE sessions SET phase = 'loading' WHERE id = $1`, [session.ref.sessionId]);
    await save(session, 'a.txt', 'ONE\n2\n3\n');
    session.workspace.write('a.txt', '1\n2\nTHREE\n');
    expect(await session.reconcile()).toMatchObject({ conflicts: 0 });
    expect(session.workspace.read('a.txt')).toBe('ONE\n2\nTHREE\n');
    expect(await databaseFiles(session)).toEqual({ 'a.txt': 'ONE\n2\nTHREE\n' });
    const versions = await test.database.query<{ source: string }>(
      `SELECT source FROM file_versions WHERE session_id = $1 ORDER BY id`,
      [session.ref.sessionId],
    );
    expect(versions.map(({ source }) => source)).toEqual(['editor', 'editor', 'terminal', 'merge']);
    await save(session, 'a.txt', 'editor\n');
    session.workspace.write('a.txt', 'terminal\n');
    expect(await session.reconcile()).toMatchObject({ conflicts: 1 });
    const files = await databaseFiles(session);
    const copy = Object.keys(files).find((path) => path.startsWith('a.conflict-'))!;
    expect(files).toEqual({ 'a.txt': 'editor\n', [copy]: 'terminal\n' });
    expect(session.workspace.read('a.txt')).toBe('editor\n');
    expect(session.workspace.read(copy)).toBe('terminal\n');
    expect(await session.reconcile()).toEqual({ changed: 0, conflicts: 0, notSaved: 0, more: false });
  });
});

describe('what is no evidence of a deletion', () => {
  it('a volume without its sentinel', async () => {
    const session = await ground.open({ plant: oneFile });
    session.workspace.remove('main.py');
    session.workspace.remove('.berth-volume');
    await session.reconcile();
    expect(await databaseFiles(session)).toEqual({ 'main.py': 'print(1)\n' });
    expect(await session.save()).toMatchObject({ drained: false, superseded: false });
    expect((await findVolume(test.database, session.ref.sessionId))?.state).toBe('live');
  });

  it('an empty listing, unless a second scan and the sentinel confirm it', async () => {
    const session = await ground.open({ plant: oneFile });
    session.workspace.rename('main.py', '.berth-hidden');
    ground.deps.secondScanMs = 300;
    const cycle = session.reconcile();
    await waitFor(async () => (await syncEpoch(session)) > 0);
    await new Promise((resolve) => setTimeout(resolve, 150));
    session.workspace.rename('.berth-hidden', 'main.py');
    await cycle;
    ground.deps.secondScanMs = 50;
    expect(await databaseFiles(session)).toEqual({ 'main.py': 'print(1)\n' });
    session.workspace.remove('main.py');
    await session.reconcile();
    expect(await databaseFiles(session)).toEqual({});
  });

  it('a file that is ignored or grown too large: it is told and kept', async () => {
    const session = await ground.open({ plant: oneFile });
    session.workspace.write('node_modules/x.js', 'x');
    session.workspace.write('main.py', Buffer.alloc(test.config.MAX_FILE_BYTES + 1, 'x'));
    expect(await session.reconcile()).toMatchObject({ changed: 0, notSaved: 1 });
    expect(await databaseFiles(session)).toEqual({ 'main.py': 'print(1)\n' });
    const events = await test.database.query<{ payload: { entries: unknown[] } }>(
      `SELECT payload FROM events WHERE subject_id = $1 AND kind = 'notSaved' ORDER BY id DESC`,
      [session.ref.sessionId],
    );
    expect(events[0]?.payload.entries).toEqual([
      { path: 'main.py', reason: 'too-large' },
      { path: 'node_modules', reason: 'ignored' },
    ]);
    await session.reconcile();
    expect(await session.save()).toEqual({ drained: false, superseded: false, notSaved: 1 });
  });
});

async function syncEpoch(session: GroundSession): Promise<number> {
  return (await findSession(test.database, session.ref.uuid))?.syncEpoch ?? 0;
}

describe('saving', () => {
  it('drains a volume once two scans agree with the database, and may be run twice', async () => {
    const session = await ground.open({ plant: oneFile });
    session.workspace.write('last.txt', 'written just before the close');
    expect(await session.save()).toEqual({ drained: true, superseded: false, notSaved: 0 });
    expect((await databaseFiles(session))['last.txt']).toBe('written just before the close');
    expect((await findVolume(test.database, session.ref.sessionId))?.state).toBe('drained');
    expect(await session.save()).toEqual({ drained: true, superseded: false, notSaved: 0 });
  });

  it('waits for a program that is still writing, and loses nothing of it', async () => {
    const session = await ground.open({ plant: oneFile });
    let count = 0;
    const writer = setInterval(() => {
      count += 1;
      session.workspace.write(`log-${count}.txt`, `line ${count}\n`);
      if (count === 40) clearInterval(writer);
    }, 25);
    const saved = await session.save();
    expect(count).toBe(40);
    expect(saved.drained).toBe(true);
    const files = await databaseFiles(session);
    for (const path of session.workspace.list()) expect(files[path]).toBe(session.workspace.read(path));
  }, 60_000);

  it('of a superseded generation writes nothing', async () => {
    const session = await ground.open({ plant: oneFile });
    session.workspace.write('late.txt', 'late');
    await test.database.query(`UPDATE sessions SET generation = 2 WHERE id = $1`, [session.ref.sessionId]);
    expect(await session.save()).toEqual({ drained: false, superseded: true, notSaved: 0 });
    expect(await session.reconcile()).toMatchObject({ changed: 0 });
    expect(Object.keys(await databaseFiles(session))).toEqual(['main.py']);
    await expect(session.load()).rejects.toThrow(/no longer owns/);
  });

  it('of a cycle that a later one has followed is refused, in the database and by the agent', async () => {
    const session = await ground.open({ plant: oneFile });
    const [first, second] = [
      await beginCycle(ground.deps, session.ref, { states: ['live'] }),
      await beginCycle(ground.deps, session.ref, { states: ['live'] }),
    ];
    await expect(commitFenced(ground.deps, first!, () => Promise.resolve())).rejects.toThrow(/no longer owns/);
    await expect(commitFenced(ground.deps, second!, () => Promise.resolve('written'))).resolves.toBe('written');
    const client = await ground.agentPool.get(session.ref.uuid, session.ref.generation);
    await client.manifest({ syncEpoch: second!.syncEpoch, keep: [] });
    await expect(client.manifest({ syncEpoch: first!.syncEpoch, keep: [] })).rejects.toMatchObject({
      code: 'STALE_GENERATION',
    });
    const late = { syncEpoch: first!.syncEpoch, bulk: false };
    await expect(client.apply([{ op: 'mkdir', path: 'late' }], late)).rejects.toMatchObject({
      code: 'STALE_GENERATION',
    });
    expect(session.workspace.list()).toEqual(['main.py']);
  });

  it('that is overtaken between its scan and its commit writes nothing', async () => {
    const session = await ground.open({ plant: oneFile });
    session.workspace.remove('main.py');
    ground.deps.secondScanMs = 400;
    const before = await syncEpoch(session);
    const late = session.save();
    await waitFor(async () => (await syncEpoch(session)) > before);
    await test.database.query(`UPDATE sessions SET generation = 2 WHERE id = $1`, [session.ref.sessionId]);
    expect(await late).toMatchObject({ superseded: true });
    ground.deps.secondScanMs = 50;
    expect(await databaseFiles(session)).toEqual({ 'main.py': 'print(1)\n' });
  });

  it('leaves the database alone while a volume is kept for its unsaved files, until it is reconciled again', async () => {
    const session = await ground.open({ plant: oneFile });
    await setVolumeState(test.database, { id: session.volumeId, state: 'kept', keptUntil: null });
    session.workspace.write('more.txt', 'x');
    expect(await session.reconcile()).toMatchObject({ changed: 1 });
    expect(Object.keys(await databaseFiles(session)).sort()).toEqual(['main.py', 'more.txt']);
  });
});
