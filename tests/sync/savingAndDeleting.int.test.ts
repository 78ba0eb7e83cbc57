import { findVolume, setVolumeState } from '#platform/db/repositories/volumes.ts';
import { reconcile } from '#activities/session/reconcile.ts';
import { saveFiles } from '#activities/session/saveFiles.ts';
import { beginCycle, commitFenced } from '#activities/session/syncCycle.ts';
import { createTestDatabase, type TestDatabase } from '#tests/support/database.ts';
import { afterScan, createEditor, type Editor } from '#tests/support/editor.ts';
import { createAgentGround, type AgentGround, type GroundSession } from '#tests/support/openedSession.ts';

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

describe('what is no evidence of a deletion', () => {
  it('a volume without its sentinel', async () => {
    const session = await ground.open({ plant: oneFile });
    session.workspace.remove('main.py');
    session.workspace.remove('.berth-volume');
    await session.reconcile();
    expect(await editor.files(session)).toEqual({ 'main.py': 'print(1)\n' });
    expect(await session.save()).toMatchObject({ drained: false, superseded: false });
    expect((await findVolume(test.database, session.ref.sessionId))?.state).toBe('live');
  });

  it('an empty listing, unless a second scan and the sentinel confirm it', async () => {
    const session = await ground.open({ plant: oneFile });
    session.workspace.rename('main.py', '.berth-hidden');
    let scans = 0;
    const parts = afterScan(ground, async () => {
      scans += 1;
      if (scans === 1) session.workspace.rename('.berth-hidden', 'main.py');
    });
    await reconcile(parts, { ...session.ref, cause: 'test' }, () => undefined);
    expect(scans).toBe(2);
    expect(await editor.files(session)).toEqual({ 'main.py': 'print(1)\n' });
    session.workspace.remove('main.py');
    await session.reconcile();
    expect(await editor.files(session)).toEqual({});
  });

  it('a gap of one scan among much that is gone: only what both scans missed goes', async () => {
    const session = await ground.open({ plant: (planted) => editor.manyFiles(planted, 100) });
    const numbers = Array.from({ length: 100 }, (_, index) => index + 1);
    const move = (from: string, to: string, chosen: number[]): void => {
      for (const number of chosen) session.workspace.rename(`${from}${number}`, `${to}${number}`);
    };
    move('f', '.berth-', numbers.slice(0, 60));
    let scans = 0;
    const parts = afterScan(ground, async () => {
      scans += 1;
      if (scans > 1) return;
      move('.berth-', 'f', numbers.slice(0, 30));
      move('f', '.berth-', numbers.slice(60));
    });
    await reconcile(parts, { ...session.ref, cause: 'test' }, () => undefined);
    expect(scans).toBe(2);
    expect(Object.keys(await editor.files(session))).toHaveLength(70);
  });

  it('a file that is ignored or grown too large: it is told and kept', async () => {
    const session = await ground.open({ plant: oneFile });
    session.workspace.write('node_modules/x.js', 'x');
    session.workspace.write('main.py', Buffer.alloc(test.config.MAX_FILE_BYTES + 1, 'x'));
    expect(await session.reconcile()).toMatchObject({ changed: 0, notSaved: 1 });
    expect(await editor.files(session)).toEqual({ 'main.py': 'print(1)\n' });
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

describe('saving', () => {
  it('drains a volume once two scans agree with the database, and may be run twice', async () => {
    const session = await ground.open({ plant: oneFile });
    session.workspace.write('last.txt', 'written just before the close');
    expect(await session.save()).toEqual({ drained: true, superseded: false, notSaved: 0 });
    expect((await editor.files(session))['last.txt']).toBe('written just before the close');
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
    const files = await editor.files(session);
    for (const path of session.workspace.list()) expect(files[path]).toBe(session.workspace.read(path));
  });

  it('of a superseded generation writes nothing', async () => {
    const session = await ground.open({ plant: oneFile });
    session.workspace.write('late.txt', 'late');
    await test.database.query(`UPDATE sessions SET generation = 2 WHERE id = $1`, [session.ref.sessionId]);
    expect(await session.save()).toEqual({ drained: false, superseded: true, notSaved: 0 });
    expect(await session.reconcile()).toMatchObject({ changed: 0 });
    expect(Object.keys(await editor.files(session))).toEqual(['main.py']);
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
    const overtaken = afterScan(ground, async () => {
      await test.database.query(`UPDATE sessions SET generation = 2 WHERE id = $1`, [session.ref.sessionId]);
    });
    expect(await saveFiles(overtaken, session.ref, () => undefined)).toMatchObject({ superseded: true });
    expect(await editor.files(session)).toEqual({ 'main.py': 'print(1)\n' });
  });

  it('leaves the database alone while a volume is kept for its unsaved files, until it is reconciled again', async () => {
    const session = await ground.open({ plant: oneFile });
    await setVolumeState(test.database, { id: session.volumeId, state: 'kept', keptUntil: null });
    session.workspace.write('more.txt', 'x');
    expect(await session.reconcile()).toMatchObject({ changed: 1 });
    expect(Object.keys(await editor.files(session)).sort()).toEqual(['main.py', 'more.txt']);
  });
});
