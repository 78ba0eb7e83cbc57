import { randomUUID } from 'node:crypto';
import { readLiveObjects } from '#platform/db/repositories/liveObjects.ts';
import type { SessionRecord } from '#platform/db/repositories/sessions.ts';
import { findVolume } from '#platform/db/repositories/volumes.ts';
import { pauseWarmPool, readWarmPool, resumeWarmPool } from '#platform/db/repositories/warmPool.ts';
import { beginWarmSlot, listWarmSlots, type WarmSlotRecord } from '#platform/db/repositories/warmSlots.ts';
import { findOrphanObjects } from '#activities/maintenance/reapRules.ts';
import { freezeAgent, killAgent } from '#tests/support/localPods.ts';
import { createSessionStack, fileOnVolume, type SessionStack } from '#tests/support/sessionStack.ts';
import { waitFor } from '#tests/support/waitFor.ts';
import { createAndOpen, runPool } from '#tests/support/warmPool.ts';
import type { PoolResult } from '#workflows/maintenance/pool.ports.ts';

let stack: SessionStack;
beforeAll(async () => {
  stack = await createSessionStack();
});
afterAll(() => stack.stop());
afterEach(async () => {
  await resumeWarmPool(stack.database);
  await poolOf(0);
});

const poolOf = (size: number): Promise<PoolResult> => runPool(stack, size);

async function close(session: SessionRecord): Promise<void> {
  await stack.close(session);
  await stack.reaches(session, 'closed');
}

const ready = (): Promise<WarmSlotRecord[]> => listWarmSlots(stack.database, 'ready');

/** How many objects of the runtime have that uuid. */
async function objectsOf(uuid: string): Promise<number> {
  const { pods, volumes } = await stack.runtime.list();
  return [...pods, ...volumes].filter((object) => object.uuid === uuid).length;
}

async function podUidOf(uuid: string): Promise<string | null> {
  return (await stack.runtime.status(uuid)).podUid;
}

describe('a session that is made and opened at once', () => {
  it('takes over a waiting pod with its volume, holds its starter files, and leaves nothing when it is closed', async () => {
    expect(await poolOf(2)).toMatchObject({ size: 2, ready: 2, made: 2, problem: null });
    const slots = await ready();
    const session = await createAndOpen(stack, { language: 'c' });
    const slot = slots.find(({ uuid }) => uuid === session.uuid)!;
    expect(slot).toBeDefined();
    expect(await stack.reaches(session, 'running')).toMatchObject({ generation: 1, language: 'c' });
    expect(await podUidOf(session.uuid)).toBe(slot.podUid);
    expect(await findVolume(stack.database, session.id)).toMatchObject({ id: slot.volumeId, claimUid: slot.claimUid });
    expect(await fileOnVolume(stack, session, 'main.c')).toContain('Hello from Berth');
    await stack.type(session, 'echo made > made.txt');
    await waitFor(() => fileOnVolume(stack, session, 'made.txt'), { what: 'made.txt on the volume' });
    await close(session);
    expect(await stack.fileInDatabase(session, 'made.txt')).toBe('made\n');
    expect(await objectsOf(session.uuid)).toBe(0);
    expect((await ready()).map(({ uuid }) => uuid)).toEqual(
      slots.map(({ uuid }) => uuid).filter((uuid) => uuid !== session.uuid),
    );
  });

  it('starts cold when no pod waits, and without being opened takes none; nor does an open of one that is there', async () => {
    const cold = await createAndOpen(stack);
    await stack.reaches(cold, 'running');
    await close(cold);
    await poolOf(1);
    const [slot] = await ready();
    const unopened = await createAndOpen(stack, { open: false });
    expect(unopened).toMatchObject({ phase: 'closed', generation: 0 });
    await stack.open(cold);
    await stack.reaches(cold, 'running', 2);
    expect((await ready()).map(({ uuid }) => uuid)).toEqual([slot!.uuid]);
    await close(cold);
  });

  it('gets a new pod under the same uuid when the waiting one has died', async () => {
    await poolOf(1);
    const [slot] = await ready();
    await killAgent(stack.config, slot!.uuid);
    const session = await createAndOpen(stack);
    expect(session.uuid).toBe(slot!.uuid);
    await stack.reaches(session, 'running');
    expect(await podUidOf(session.uuid)).not.toBe(slot!.podUid);
    expect(await fileOnVolume(stack, session, 'main.py')).toContain('Hello');
    await close(session);
    expect(await objectsOf(session.uuid)).toBe(0);
  });

  it('gets a new pod under the same uuid when the waiting one does not answer', async () => {
    await poolOf(1);
    const [slot] = await ready();
    freezeAgent(stack.config, slot!.uuid);
    const session = await createAndOpen(stack);
    expect(session.uuid).toBe(slot!.uuid);
    await stack.reaches(session, 'running');
    expect(await podUidOf(session.uuid)).not.toBe(slot!.podUid);
    await close(session);
    expect(await objectsOf(session.uuid)).toBe(0);
  });

  it('gets a new volume under the same uuid when the waiting one was lost', async () => {
    await poolOf(1);
    const [slot] = await ready();
    await stack.runtime.destroyPod(slot!.uuid);
    await stack.runtime.destroyVolume(slot!.uuid, slot!.claimUid!);
    const session = await createAndOpen(stack);
    await stack.reaches(session, 'running');
    expect((await findVolume(stack.database, session.id))?.id).not.toBe(slot!.volumeId);
    expect(await fileOnVolume(stack, session, 'main.py')).toContain('Hello');
    await close(session);
    expect(await objectsOf(session.uuid)).toBe(0);
  });
});

describe('the pool', () => {
  it('replaces slots that are made of something else than now, have expired, or whose pod is dead', async () => {
    await poolOf(3);
    const [old, late, dead] = await ready();
    await stack.database.query(`UPDATE warm_slots SET spec_hash = 'an older image' WHERE uuid = $1`, [old!.uuid]);
    await stack.database.query(`UPDATE warm_slots SET expires_at = now() WHERE uuid = $1`, [late!.uuid]);
    await killAgent(stack.config, dead!.uuid);
    expect(await poolOf(3)).toMatchObject({ ready: 3, made: 3, removed: 3 });
    const gone = [old!.uuid, late!.uuid, dead!.uuid];
    for (const uuid of gone) expect(await objectsOf(uuid)).toBe(0);
    expect((await ready()).filter(({ uuid }) => gone.includes(uuid))).toEqual([]);
  });

  it('hands out nothing that is out of date or expired before a run has seen it', async () => {
    await poolOf(2);
    const [old, late] = await ready();
    await stack.database.query(`UPDATE warm_slots SET spec_hash = 'an older image' WHERE uuid = $1`, [old!.uuid]);
    await stack.database.query(`UPDATE warm_slots SET expires_at = now() WHERE uuid = $1`, [late!.uuid]);
    const session = await createAndOpen(stack);
    expect([old!.uuid, late!.uuid]).not.toContain(session.uuid);
    await stack.reaches(session, 'running');
    await close(session);
  });

  it('removes what is too much, and everything once it is off', async () => {
    await poolOf(3);
    expect(await poolOf(1)).toMatchObject({ ready: 1, made: 0, removed: 2 });
    expect(await poolOf(0)).toMatchObject({ ready: 0, made: 0, removed: 1 });
    const { pods, volumes } = await stack.runtime.list();
    expect([...pods, ...volumes]).toEqual([]);
    expect(await readWarmPool(stack.database)).toMatchObject({ ready: 0, making: 0, retiring: 0 });
  });

  it('makes and hands out nothing while it is paused, and keeps what it has', async () => {
    await poolOf(1);
    const [slot] = await ready();
    await pauseWarmPool(stack.database, 'olga');
    expect(await poolOf(2)).toMatchObject({ ready: 1, made: 0, removed: 0 });
    const session = await createAndOpen(stack);
    expect(session.uuid).not.toBe(slot!.uuid);
    await stack.reaches(session, 'running');
    await close(session);
    await resumeWarmPool(stack.database);
    expect(await poolOf(2)).toMatchObject({ ready: 2, made: 1 });
  });

  it('removes what a run that ended left half made', async () => {
    const uuid = randomUUID();
    const slot = await beginWarmSlot(stack.database, { uuid, specification: stack.runtime.specification, seconds: 60 });
    const { claimUid } = await stack.runtime.ensureVolume(uuid, slot.volumeId);
    const spec = { uuid, generation: 1, volumeId: slot.volumeId, claimUid, language: '' };
    await stack.runtime.ensurePod(spec);
    expect(await poolOf(0)).toMatchObject({ removed: 1 });
    expect(await objectsOf(uuid)).toBe(0);
    expect(await listWarmSlots(stack.database, 'retiring')).toEqual([]);
  });

  it('is no litter to the reaper, though no session has its pods', async () => {
    await poolOf(1);
    const [slot] = await ready();
    const { pods, volumes } = await stack.runtime.list();
    const aged = [...pods, ...volumes].map((object) => ({ ...object, ageSeconds: 3_600 }));
    expect(aged.map(({ uuid }) => uuid)).toEqual([slot!.uuid, slot!.uuid]);
    const live = await readLiveObjects(stack.database);
    expect(findOrphanObjects({ pods: aged, volumes: aged }, live)).toEqual([]);
  });
});
