import { randomUUID } from 'node:crypto';
import type { ActivityFunction } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { acceptDatabase } from '#platform/db/repositories/installation.ts';
import { findSessionIntent } from '#platform/db/repositories/intents.ts';
import type { SessionRecord } from '#platform/db/repositories/sessions.ts';
import { createMaintenanceActivities } from '#activities/maintenance/maintenanceActivities.ts';
import { ensureSchedules, scheduleIds } from '#platform/temporal/ensureSchedules.ts';
import { agedRuntime } from '#tests/support/agedRuntime.ts';
import { createSessionStack, sessionRun, type SessionStack } from '#tests/support/sessionStack.ts';
import { build } from '#tests/support/factories.ts';
import { waitFor } from '#tests/support/waitFor.ts';
import type { MaintenanceActivities, ReapResult } from '#workflows/maintenance/maintenance.ports.ts';

let stack: SessionStack;
beforeAll(async () => {
  stack = await createSessionStack();
});
afterAll(() => stack.stop());

/** Runs an activity as a worker would. */
async function run<Name extends keyof MaintenanceActivities>(
  name: Name,
  ...input: Parameters<MaintenanceActivities[Name]>
): Promise<Awaited<ReturnType<MaintenanceActivities[Name]>>> {
  const activities = createMaintenanceActivities({ ...stack, runtime: agedRuntime(stack.runtime) });
  const activity = activities[name] as ActivityFunction<unknown[], unknown>;
  const result: unknown = await new MockActivityEnvironment().run(activity, ...input);
  return result as Awaited<ReturnType<MaintenanceActivities[Name]>>;
}

async function opened(): Promise<SessionRecord> {
  const session = await stack.newSession();
  await stack.open(session);
  return stack.reaches(session, 'running');
}

async function close(session: SessionRecord): Promise<void> {
  await stack.close(session);
  await stack.reaches(session, 'closed');
}

/** A pod and a volume that no row stands for. */
async function litter(): Promise<string> {
  const uuid = randomUUID();
  const { claimUid } = await stack.runtime.ensureVolume(uuid, 999);
  await stack.runtime.ensurePod({ uuid, generation: 1, volumeId: 999, claimUid, language: 'python' });
  return uuid;
}

const objectsOf = async (uuid: string): Promise<number> => {
  const { pods, volumes } = await stack.runtime.list();
  return [...pods, ...volumes].filter((object) => object.uuid === uuid).length;
};

describe('the reaper', () => {
  it('removes what no row stands for, and nothing of a live session', async () => {
    const token = randomUUID();
    await run('recordHeartbeat', { token });
    const live = await opened();
    const uuid = await litter();
    const pass = await run('findOrphans', { lastToken: token });
    expect(pass).toMatchObject({ alarm: null, closing: [] });
    expect(pass.orphans.map((orphan) => orphan.uuid)).toEqual([uuid, uuid]);
    expect(await run('removeOrphans', { orphans: pass.orphans })).toEqual({ removed: 2 });
    expect(await objectsOf(uuid)).toBe(0);
    expect(await objectsOf(live.uuid)).toBe(2);
    await close(live);
  });

  it('removes only what the second look confirms', async () => {
    const live = await opened();
    const { pods } = await stack.runtime.list();
    const pod = pods.find((object) => object.uuid === live.uuid)!;
    expect(await run('removeOrphans', { orphans: [{ kind: 'pod', uuid: live.uuid, uid: pod.uid }] })).toEqual({
      removed: 0,
    });
    expect(await objectsOf(live.uuid)).toBe(2);
    await close(live);
  });

  it('never removes a volume that is kept because it could not be saved', async () => {
    const session = await opened();
    await close(session);
    const [row] = await stack.database.query<{ id: number }>(
      `INSERT INTO volumes (session_id, state) VALUES ($1, 'kept') RETURNING id`,
      [session.id],
    );
    const { claimUid } = await stack.runtime.ensureVolume(session.uuid, row!.id);
    await stack.database.query(`UPDATE volumes SET claim_uid = $2 WHERE id = $1`, [row!.id, claimUid]);
    const token = randomUUID();
    await run('recordHeartbeat', { token });
    expect((await run('findOrphans', { lastToken: token })).orphans).toEqual([]);
    await stack.database.query(`UPDATE volumes SET kept_until = now() - interval '1 second' WHERE id = $1`, [row!.id]);
    const { orphans } = await run('findOrphans', { lastToken: token });
    expect(orphans).toEqual([{ kind: 'volume', uuid: session.uuid, uid: claimUid }]);
    expect(await run('removeOrphans', { orphans })).toEqual({ removed: 1 });
    expect(await stack.volumeState(session)).toBeNull();
  });

  it('removes nothing when the database is not the one of the last run, until an operator accepts it', async () => {
    const uuid = await litter();
    await run('recordHeartbeat', { token: randomUUID() });
    const pass = await run('findOrphans', { lastToken: randomUUID() });
    expect(pass.orphans).toEqual([]);
    expect(pass.alarm).toContain('accept-database');
    await acceptDatabase(stack.database);
    const accepted = await run('findOrphans', { lastToken: randomUUID() });
    expect(accepted.alarm).toBeNull();
    await run('removeOrphans', { orphans: accepted.orphans });
    expect(await objectsOf(uuid)).toBe(0);
  });

  it('closes a session whose run was terminated, and what was on the volume is saved', async () => {
    const token = randomUUID();
    await run('recordHeartbeat', { token });
    const session = await opened();
    await stack.type(session, 'echo newer > newer.txt');
    await waitFor(async () => (await stack.fileInDatabase(session, 'newer.txt')) !== null);
    await sessionRun(stack, session).terminate('the wrong button');
    expect((await run('findOrphans', { lastToken: token })).closing).toEqual([]);
    await stack.database.query(`UPDATE sessions SET updated_at = now() - interval '11 minutes' WHERE id = $1`, [
      session.id,
    ]);
    expect((await run('findOrphans', { lastToken: token })).closing).toEqual([session.uuid]);
    await stack.reaches(session, 'closed');
    expect(await objectsOf(session.uuid)).toBe(0);
    await waitFor(
      async () =>
        (await findSessionIntent(stack.database, { sessionId: session.id, generation: 1, kind: 'close' })) === null,
    );
  });

  it('runs by its schedule and leaves its token for the next run', async () => {
    await stack.database.query('DELETE FROM maintenance_heartbeat');
    await ensureSchedules(stack.temporal, stack.config);
    await ensureSchedules(stack.temporal, stack.config);
    const handleOf = (name: 'reap' | 'retain' | 'pool') =>
      stack.temporal.client.schedule.getHandle(scheduleIds(stack.config)[name]);
    const finished = async (name: 'reap' | 'retain' | 'pool', count: number): Promise<ReapResult> => {
      const { recentActions } = await waitFor(
        async () => {
          const { info } = await handleOf(name).describe();
          return info.recentActions.length >= count && info;
        },
        { what: `${count} runs of ${name}` },
      );
      const { workflowId } = recentActions.at(-1)!.action.workflow;
      return stack.temporal.client.workflow.getHandle(workflowId).result() as Promise<ReapResult>;
    };
    const first = await finished('reap', 1);
    expect(first).toMatchObject({ alarm: null, removed: 0 });
    await handleOf('reap').trigger();
    const second = await finished('reap', 2);
    expect(second).toMatchObject({ alarm: null });
    expect(second.token).not.toBe(first.token);
    // One that is still to run would take from the next test what is past its time.
    for (const name of ['retain', 'pool'] as const) await finished(name, 1);
    for (const name of ['reap', 'retain', 'pool'] as const) await handleOf(name).delete();
  });
});

describe('what is past its time', () => {
  it('goes, and nothing that is still referred to', async () => {
    const session = await build.session(stack.database);
    const file = await build.file(stack.database, { sessionId: session.id, name: 'kept.txt', content: 'kept' });
    await stack.database.query(
      `INSERT INTO blobs (sha256, bytes) VALUES (repeat('a', 64), 'litter'), (repeat('b', 64), 'young')`,
    );
    await stack.database.query(
      `UPDATE blobs SET touched_at = now() - interval '61 minutes' WHERE sha256 <> repeat('b', 64)`,
    );
    await stack.database.query(
      `INSERT INTO idempotency_keys (user_id, key, request_hash, expires_at)
       VALUES ($1, 'old', 'x', now() - interval '1 s'), ($1, 'new', 'x', now() + interval '1 hour')`,
      [session.userId],
    );
    await stack.database.query(
      `INSERT INTO web_sessions (id_hash, user_id, address, user_agent, expires_at)
       VALUES ('old', $1, '', '', now() - interval '1 s'), ('new', $1, '', '', now() + interval '1 hour')`,
      [session.userId],
    );
    await stack.database.query(
      `INSERT INTO uploads (session_id, user_id, purpose, path, size, conflict, updated_at)
       SELECT $1, $2, 'file', 'left', 1, 'fail', now() - age
       FROM unnest(ARRAY['25 hours', '23 hours']::interval[]) AS age`,
      [session.id, session.userId],
    );
    await stack.database.query(
      `SELECT publish_session_event($1, 'session', '{}'), publish_session_event($1, 'session', '{}')`,
      [session.id],
    );
    await stack.database.query(
      `UPDATE events SET created_at = now() - interval '8 days' WHERE subject_id = $1 AND change_seq = 1`,
      [session.id],
    );
    await stack.database.query(
      `INSERT INTO notifications (user_id, kind, session_id, summary, their_turn, batch_key, created_at)
       SELECT $2, 'conflict', $1, 'There is a copy.', true, age::text, now() - age
       FROM unnest(ARRAY['91 days', '89 days']::interval[]) AS age`,
      [session.id, session.userId],
    );
    expect(await run('retain')).toMatchObject({
      events: 1,
      idempotencyKeys: 1,
      webSessions: 1,
      uploads: 1,
      notifications: 1,
    });
    const blobs = await stack.database.query<{ sha256: string }>(`SELECT sha256 FROM blobs`);
    const left = blobs.map((blob) => blob.sha256);
    expect(left).toContain(file.sha256);
    expect(left).toContain('b'.repeat(64));
    expect(left).not.toContain('a'.repeat(64));
  });
});
