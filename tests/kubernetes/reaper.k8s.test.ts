import { randomUUID } from 'node:crypto';
import { jest } from '@jest/globals';
import { podName, volumeName } from '#shared/domain/podNames.ts';
import { acceptDatabase, writeHeartbeat } from '#platform/db/repositories/installation.ts';
import type { SessionRecord } from '#platform/db/repositories/sessions.ts';
import { agedRuntime } from '#tests/support/agedRuntime.ts';
import { createTestNamespace, type TestNamespace } from '#tests/support/cluster.ts';
import { workspaceImage } from '#tests/support/images.ts';
import { sessionWithKeptVolume } from '#tests/support/keptVolume.ts';
import { objectsOfSession } from '#tests/support/podPrograms.ts';
import { createReaperSchedule, type ReaperSchedule } from '#tests/support/reaperSchedule.ts';
import { createSessionStack, type SessionStack } from '#tests/support/sessionStack.ts';
import { waitFor } from '#tests/support/waitFor.ts';

const MINUTE = 60_000;
jest.setTimeout(4 * MINUTE);

/* An installation of three sessions: one runs, one keeps its volume, one is closed. Every object counts as old enough. */
let namespace: TestNamespace;
let stack: SessionStack;
let reaper: ReaperSchedule;
let running: SessionRecord;
let kept: SessionRecord;

beforeAll(async () => {
  const image = await workspaceImage();
  namespace = await createTestNamespace({ BERTH_WORKSPACE_IMAGE: image });
  stack = await createSessionStack(namespace.settings, { wrapRuntime: agedRuntime });
  reaper = await createReaperSchedule(stack);
  running = await opened();
  kept = await sessionWithKeptVolume(stack);
  await closedSession();
  await acceptDatabase(stack.database);
  // From here on the database has the token of the last run.
  expect(await reaper.run()).toMatchObject({ alarm: null, removed: 0 });
}, 16 * MINUTE);
afterAll(async () => {
  await reaper.stop();
  await stack.stop();
  await namespace.drop();
}, 3 * MINUTE);

async function opened(): Promise<SessionRecord> {
  const session = await stack.newSession();
  await stack.open(session);
  return stack.reaches(session, 'running');
}

async function closedSession(): Promise<void> {
  const session = await opened();
  await stack.close(session);
  await stack.reaches(session, 'closed');
}

/** Pod, claim and secret that no row stands for. */
async function plant(): Promise<{ uuid: string; claimUid: string; podUid: string }> {
  const uuid = randomUUID();
  const { claimUid } = await stack.runtime.ensureVolume(uuid, 999);
  const { podUid } = await stack.runtime.ensurePod({
    uuid,
    generation: 1,
    volumeId: 999,
    claimUid,
    language: 'python',
  });
  expect(await objectsOfSession(namespace, uuid)).toHaveLength(3);
  return { uuid, claimUid, podUid };
}

/** A pod and its volume that wait in the warm pool. */
async function plantSlot(): Promise<string> {
  const { uuid, claimUid, podUid } = await plant();
  await stack.database.query(
    `INSERT INTO warm_slots (uuid, claim_uid, pod_uid, spec_hash, state, expires_at)
     VALUES ($1, $2, $3, 'test', 'ready', now() + interval '1 hour')`,
    [uuid, claimUid, podUid],
  );
  return uuid;
}

const STRANGERS = { 'other-installation': randomUUID(), 'no-label': randomUUID() };

/** Claims under our names: one of another installation, one of nobody. */
async function plantStrangers(): Promise<void> {
  for (const [kind, uuid] of Object.entries(STRANGERS)) {
    const own = { 'app.kubernetes.io/managed-by': 'berth', 'berth.dev/session': uuid };
    await namespace.apply({
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: {
        name: volumeName(uuid),
        labels: kind === 'no-label' ? {} : { ...own, 'berth.dev/installation': randomUUID() },
      },
      spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Mi' } } },
    });
  }
}

const goes = (uuid: string): Promise<unknown> =>
  waitFor(async () => (await objectsOfSession(namespace, uuid)).length === 0, {
    deadlineMs: MINUTE,
    what: 'the end of what was planted',
  });

describe('the reaper on a cluster', () => {
  it('removes a dead session with its key, and touches nothing of a live one, a slot, a kept volume or a stranger', async () => {
    await plantStrangers();
    const slot = await plantSlot();
    const untouched = [running.uuid, kept.uuid, slot, ...Object.values(STRANGERS)];
    const before = await Promise.all(untouched.map((uuid) => objectsOfSession(namespace, uuid)));
    const { uuid: dead } = await plant();
    expect(await reaper.run()).toMatchObject({ alarm: null, removed: 2, closing: [] });
    await goes(dead);
    expect(await Promise.all(untouched.map((uuid) => objectsOfSession(namespace, uuid)))).toEqual(before);
    expect(before.map((objects) => objects.length)).toEqual([3, 1, 3, 1, 1]);
    expect(await stack.read(running)).toMatchObject({ phase: 'running', generation: 1 });
  });

  it('removes nothing on a restored or an empty database, on every run, until an operator accepts it', async () => {
    const { uuid: dead } = await plant();
    await writeHeartbeat(stack.database, randomUUID());
    for (const emptied of [false, false, true]) {
      if (emptied) await stack.database.query('DELETE FROM maintenance_heartbeat');
      const refused = await reaper.run();
      expect(refused).toMatchObject({ removed: 0 });
      expect(refused.alarm).toContain('berth admin accept-database');
    }
    expect(await objectsOfSession(namespace, dead)).toHaveLength(3);
    await acceptDatabase(stack.database);
    expect(await reaper.run()).toMatchObject({ alarm: null, removed: 2 });
    await goes(dead);
  });

  it('refuses when more than five sessions would go', async () => {
    const claims = await Promise.all(
      Array.from({ length: 6 }, async () => {
        const uuid = randomUUID();
        return { uuid, ...(await stack.runtime.ensureVolume(uuid, 999)) };
      }),
    );
    const refused = await reaper.run();
    expect(refused).toMatchObject({ removed: 0 });
    expect(refused.alarm).toContain('at most 5');
    const [first] = claims;
    await stack.runtime.destroyVolume(first!.uuid, first!.claimUid);
    // The refusal is no distrust of the database: with less to remove it goes on by itself.
    expect(await reaper.run()).toMatchObject({ alarm: null, removed: 5 });
    const left = await namespace.kubectl('get', 'persistentvolumeclaims', '-o', 'name');
    for (const { uuid } of claims) expect(left).not.toContain(volumeName(uuid));
    expect(left).toContain(volumeName(running.uuid));
    expect(await namespace.kubectl('get', 'pods', '-o', 'name')).toContain(podName(running.uuid));
  });
});
