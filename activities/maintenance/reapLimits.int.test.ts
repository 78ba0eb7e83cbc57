import { randomUUID } from 'node:crypto';
import type { ActivityFunction } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { taskQueues } from '#shared/domain/queues.ts';
import {
  ACCEPTED_TOKEN,
  acceptDatabase,
  readHeartbeat,
  writeHeartbeat,
} from '#platform/db/repositories/installation.ts';
import { insertVolume, setClaimUid, setVolumeState } from '#platform/db/repositories/volumes.ts';
import type { Runtime } from '#platform/runtime/Runtime.ts';
import { createMaintenanceActivities } from '#activities/maintenance/maintenanceActivities.ts';
import { agedRuntime } from '#tests/support/agedRuntime.ts';
import { build } from '#tests/support/factories.ts';
import { createSessionStack, type SessionStack } from '#tests/support/sessionStack.ts';
import { createNodeSwitch } from '#tests/support/unreachableNode.ts';
import type { MaintenanceActivities, Orphan, ReapPass, ReapResult } from '#workflows/maintenance/maintenance.ports.ts';

const node = createNodeSwitch();
let stack: SessionStack;
beforeAll(async () => {
  stack = await createSessionStack({}, { wrapRuntime: (runtime) => node.around(agedRuntime(runtime)) });
});
afterAll(() => stack.stop());

/** Runs an activity as a worker would. */
async function run<Name extends keyof MaintenanceActivities>(
  name: Name,
  input: Parameters<MaintenanceActivities[Name]>[0],
  runtime: Runtime = stack.runtime,
): Promise<Awaited<ReturnType<MaintenanceActivities[Name]>>> {
  const activity = createMaintenanceActivities({ ...stack, runtime })[name] as ActivityFunction<unknown[], unknown>;
  const result: unknown = await new MockActivityEnvironment().run(activity, input);
  return result as Awaited<ReturnType<MaintenanceActivities[Name]>>;
}

/** One whole run of the reaper, which knows of none before it. */
async function reap(): Promise<ReapResult> {
  return stack.temporal.client.workflow.execute('reap', {
    taskQueue: taskQueues(stack.config.TEMPORAL_TASK_QUEUE_PREFIX).orchestration,
    workflowId: `reap-${randomUUID()}`,
    args: [{ secondPassAfterMs: 1 }],
  }) as Promise<ReapResult>;
}

/** A first pass after a run that left its token. */
async function look(): Promise<ReapPass> {
  const token = randomUUID();
  await writeHeartbeat(stack.database, token);
  return run('findOrphans', { lastToken: token });
}

/** Volumes that no row stands for. */
async function litter(count: number): Promise<string[]> {
  const uuids = Array.from({ length: count }, () => randomUUID());
  for (const uuid of uuids) await stack.runtime.ensureVolume(uuid, 999);
  return uuids;
}

/** A closed session whose volume was kept for a time that is over. */
async function withExpiredVolume() {
  const session = await build.session(stack.database, { generation: 1 });
  const { id } = await insertVolume(stack.database, session.id);
  const { claimUid } = await stack.runtime.ensureVolume(session.uuid, id);
  await setClaimUid(stack.database, { id, claimUid });
  await setVolumeState(stack.database, { id, state: 'kept', keptUntil: new Date(Date.now() - 1_000) });
  return { ...session, volumeId: id, claimUid };
}

async function left(uuids: string[]): Promise<number> {
  const { volumes } = await stack.runtime.list();
  return volumes.filter(({ uuid }) => uuids.includes(uuid)).length;
}

describe('the limit of one run', () => {
  it('is five sessions of litter once an operator accepted the database, and the acceptance lasts until few are left', async () => {
    const uuids = await litter(7);
    expect((await look()).alarm).toContain('accept-database');
    await acceptDatabase(stack.database);
    expect(await reap()).toMatchObject({ alarm: null, removed: 5, token: ACCEPTED_TOKEN });
    expect(await left(uuids)).toBe(2);
    expect((await readHeartbeat(stack.database))?.token).toBe(ACCEPTED_TOKEN);
    expect(await reap()).toMatchObject({ alarm: null, removed: 2 });
    expect((await readHeartbeat(stack.database))?.token).not.toBe(ACCEPTED_TOKEN);
  });

  it('is five sessions of kept volumes whose time is over, and they are no reason for an alarm', async () => {
    const uuids: string[] = [];
    for (let count = 0; count < 7; count += 1) uuids.push((await withExpiredVolume()).uuid);
    const other = await litter(5);
    const first = await look();
    expect(first.alarm).toBeNull();
    expect(await run('removeOrphans', { orphans: first.orphans })).toEqual({ removed: 10 });
    expect([await left(uuids), await left(other)]).toEqual([2, 0]);
    const second = await look();
    expect(second).toMatchObject({ alarm: null });
    expect(await run('removeOrphans', { orphans: second.orphans })).toEqual({ removed: 2 });
  });
});

describe('the removal', () => {
  it('of the others goes on to its end when one fails, and then fails', async () => {
    const [stuck, ...others] = await litter(12);
    const spec = { uuid: stuck!, generation: 1, volumeId: 999, language: 'python' };
    const { claimUid } = await stack.runtime.ensureVolume(stuck!, 999);
    await stack.runtime.ensurePod({ ...spec, claimUid });
    node.lose(stuck!);
    const { pods, volumes } = await stack.runtime.list();
    const orphans = [
      ...pods.map(({ uuid, uid }): Orphan => ({ kind: 'pod', uuid, uid })),
      ...volumes.map(({ uuid, uid }): Orphan => ({ kind: 'volume', uuid, uid })),
    ];
    await expect(run('removeOrphans', { orphans })).rejects.toThrow('its node is lost');
    expect(await left(others)).toBe(0);
    node.giveBack(stuck!);
    expect(await run('removeOrphans', { orphans })).toEqual({ removed: 2 });
  });

  it('leaves the volume of a session alone that is opened in the middle of it', async () => {
    const { id, uuid, volumeId, claimUid } = await withExpiredVolume();
    await stack.runtime.ensurePod({ uuid, generation: 1, volumeId, claimUid, language: 'python' });
    const { orphans } = await look();
    expect(orphans.map(({ kind }) => kind)).toEqual(['pod', 'volume']);
    const runtime = new Proxy(stack.runtime, {
      get(target, name: keyof Runtime) {
        if (name !== 'destroyPod') return typeof target[name] === 'function' ? target[name].bind(target) : target[name];
        return async (...given: Parameters<Runtime['destroyPod']>) => {
          await target.destroyPod(...given);
          await stack.database.query(`UPDATE sessions SET phase = 'provisioning' WHERE id = $1`, [id]);
        };
      },
    });
    expect(await run('removeOrphans', { orphans }, runtime)).toEqual({ removed: 1 });
    expect(await left([uuid])).toBe(1);
    expect(await stack.database.query(`SELECT state FROM volumes WHERE id = $1`, [volumeId])).toEqual([
      { state: 'kept' },
    ]);
    await stack.runtime.destroyVolume(uuid, claimUid);
  });
});
