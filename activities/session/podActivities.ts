import { ApplicationFailure, Context } from '@temporalio/activity';
import { AppError, isAppError } from '#shared/domain/errors.ts';
import { findSessionById } from '#platform/db/repositories/sessions.ts';
import type { SessionActivities, SessionRef } from '#workflows/session/session.ports.ts';
import type { ActivityDeps } from '#activities/session/deps.ts';
import { endWhenPodIsGone } from '#activities/session/podGone.ts';

type PodActivities = Pick<SessionActivities, 'ensurePod' | 'awaitAgent' | 'quiesce' | 'deletePod'>;

/** How long, in milliseconds, a pod may take until its agent answers. */
const AGENT_DEADLINE_MS = 60_000;
const AGENT_POLL_MS = 100;
/** How long, in milliseconds, processes have between SIGHUP and SIGKILL. */
const QUIESCE_GRACE_MS = 5_000;

/** Activities that make, reach and remove a session's pod. */
export function createPodActivities(deps: Pick<ActivityDeps, 'database' | 'runtime' | 'agentPool'>): PodActivities {
  const { database, runtime, agentPool } = deps;

  /** Removes the session's pods up to that generation, and no newer one. */
  async function removePodsUpTo(uuid: string, generation: number): Promise<void> {
    const { pods } = await runtime.list();
    const old = pods.filter((pod) => pod.uuid === uuid && pod.generation !== null && pod.generation <= generation);
    for (const pod of old) await runtime.destroyPod(uuid, pod.uid);
  }

  return {
    async ensurePod({ sessionId, uuid, generation, volumeId, claimUid }) {
      const session = await findSessionById(database, sessionId);
      if (session?.generation !== generation) {
        throw new AppError('STALE_GENERATION', { detail: `Generation ${generation} of session ${uuid} is over.` });
      }
      // A pod of an older generation has no run any more. Its files are on the volume, which is reconciled.
      await removePodsUpTo(uuid, generation - 1);
      return runtime.ensurePod({ uuid, generation, volumeId, claimUid, language: session.language });
    },

    async awaitAgent({ uuid, generation }) {
      const context = Context.current();
      const deadline = Date.now() + AGENT_DEADLINE_MS;
      for (;;) {
        context.heartbeat();
        try {
          const client = await agentPool.get(uuid, generation, 1_000);
          return { bootId: client.bootId };
        } catch (error) {
          if (!isAppError(error, 'AGENT_UNREACHABLE')) throw error;
          const { status, cause } = await runtime.status(uuid);
          if (status === 'gone' || Date.now() > deadline)
            throw unreachable(`${status}${cause === null ? '' : `: ${cause}`}`);
        }
        await context.sleep(AGENT_POLL_MS);
      }
    },

    ...endWhenPodIsGone(runtime, {
      async quiesce({ uuid, generation }: SessionRef) {
        const client = await agentPool.get(uuid, generation);
        await client.quiesce({ graceMs: QUIESCE_GRACE_MS });
      },
    }),

    async deletePod({ sessionId, uuid, generation }) {
      const session = await findSessionById(database, sessionId);
      // A newer generation's pod has the same name and must stay.
      if (session === null || session.generation === generation) await runtime.destroyPod(uuid);
      else await removePodsUpTo(uuid, generation);
    },
  };
}

/** Not tried again as a step: the workflow makes the pod anew instead. */
function unreachable(state: string): ApplicationFailure {
  return ApplicationFailure.nonRetryable(`The agent did not answer; its pod is ${state}.`, 'AGENT_UNREACHABLE');
}
