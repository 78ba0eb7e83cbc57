import type { ApiDeps } from '#api/deps.ts';
import type { Runtime } from '#platform/runtime/Runtime.ts';
import { findSession, type SessionRecord } from '#platform/db/repositories/sessions.ts';
import { build } from '#tests/support/factories.ts';

/** A session whose pod runs, with the ways to take it down. */
export interface RunningSession {
  session: SessionRecord;
  podUid: string;
  destroy(): Promise<void>;
}

const AGENT_START_MS = 60_000;

/**
 * Makes a session of the person with a real pod and without a workflow, whose agent answers: for tests of what lies
 * beside its life.
 */
export async function buildRunningSession(
  { deps, runtime }: { deps: ApiDeps; runtime: Runtime },
  userId: number,
): Promise<RunningSession> {
  const { id, uuid } = await build.session(deps.database, { userId, phase: 'running', generation: 1 });
  const [volume] = await deps.database.query<{ id: number }>(
    `INSERT INTO volumes (session_id, state) VALUES ($1, 'live') RETURNING id`,
    [id],
  );
  const volumeId = volume!.id;
  const { claimUid } = await runtime.ensureVolume(uuid, volumeId);
  const { podUid } = await runtime.ensurePod({ uuid, generation: 1, volumeId, claimUid, language: 'python' });
  // A request waits a few seconds for an agent; one that has only begun to start may need longer on a busy machine.
  await deps.agentPool.get(uuid, 1, AGENT_START_MS);
  const session = await findSession(deps.database, uuid);
  return {
    session: session!,
    podUid,
    async destroy() {
      await runtime.destroyPod(uuid);
      await runtime.destroyVolume(uuid, claimUid);
    },
  };
}
