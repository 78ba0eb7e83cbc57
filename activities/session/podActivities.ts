import { Context } from '@temporalio/activity';
import { AppError, isAppError } from '#shared/domain/errors.ts';
import type { PodCause } from '#shared/domain/podCause.ts';
import { writeWaitingCause } from '#platform/db/repositories/sessionCauses.ts';
import { discardVolumeRow } from '#platform/db/repositories/sessionDiscards.ts';
import { findSessionById, lockSessionById } from '#platform/db/repositories/sessions.ts';
import { findVolume } from '#platform/db/repositories/volumes.ts';
import type { SessionActivities, SessionRef } from '#workflows/session/session.ports.ts';
import type { ActivityDeps } from '#activities/session/deps.ts';
import {
  describeState,
  isRuntimeSilent,
  podFailure,
  runtimeSilent,
  showingRefusal,
} from '#activities/session/podCauses.ts';
import { endWhenPodIsGone } from '#activities/session/podGone.ts';
import { whileBeating } from '#activities/whileBeating.ts';

type PodActivities = Pick<SessionActivities, 'ensurePod' | 'awaitAgent' | 'quiesce' | 'deletePod'>;

const AGENT_POLL_MS = 100;
/** A pod may take its time to end. */
const BEAT_EVERY_MS = 5_000;
/** How long, in milliseconds, processes have between SIGHUP and SIGKILL. */
const QUIESCE_GRACE_MS = 5_000;

/** Activities that make, reach and remove a session's pod. */
export function createPodActivities(
  deps: Pick<ActivityDeps, 'config' | 'database' | 'runtime' | 'agentPool'>,
): PodActivities {
  const { config, database, runtime, agentPool } = deps;

  /** What a removal waits for is people's to know: while it is a lost node they may give up what is on the volume. */
  async function tellOfLostNode({ sessionId, uuid }: SessionRef): Promise<void> {
    if ((await runtime.status(uuid)).cause !== 'node-lost') return;
    const session = await findSessionById(database, sessionId);
    if (session === null) return;
    // Nothing on a throw-away copy's volume is worth waiting for: the next try waits for no node.
    if (session.kind === 'review_run') await giveUpCopy(database, sessionId);
    await writeWaitingCause(database, { sessionId, generation: session.generation }, 'node-lost');
  }

  return {
    async ensurePod({ sessionId, uuid, generation, volumeId, claimUid }) {
      const session = await findSessionById(database, sessionId);
      if (session?.generation !== generation) {
        throw new AppError('STALE_GENERATION', { detail: `Generation ${generation} of session ${uuid} is over.` });
      }
      // A pod of an older generation has no run any more. Its files are on the volume, which is reconciled.
      if (generation > 1) await removePodsUpTo(deps, { sessionId, uuid, generation: generation - 1 });
      const spec = { uuid, generation, volumeId, claimUid, language: session.language };
      return showingRefusal(database, { sessionId, uuid, generation }, () => runtime.ensurePod(spec));
    },

    async awaitAgent({ sessionId, uuid, generation }) {
      const context = Context.current();
      const deadline = Date.now() + config.POD_START_SECONDS * 1_000;
      let shown: PodCause | null = null;
      for (;;) {
        context.heartbeat(shown === null ? undefined : { waitsFor: shown });
        try {
          const client = await agentPool.get(uuid, generation, 1_000);
          return { bootId: client.bootId };
        } catch (error) {
          if (!isAppError(error, 'AGENT_UNREACHABLE')) throw error;
          const state = await runtime.status(uuid);
          const { status, hopeless = false } = state;
          const silent = isRuntimeSilent(state);
          const cause = silent ? 'cluster-unreachable' : state.cause;
          if (cause !== shown) {
            await writeWaitingCause(database, { sessionId, generation }, cause);
            shown = cause;
          }
          if (silent && Date.now() > deadline) throw runtimeSilent(state);
          // Nothing else ends a pod whose agent hangs, and the next try would adopt it again.
          if (status === 'running' && state.podUid !== null && Date.now() > deadline) {
            await whileBeating(BEAT_EVERY_MS, () => runtime.destroyPod(uuid, state.podUid!));
          }
          // Not tried again as a step: the workflow makes the pod anew instead.
          if (status === 'gone' || hopeless || Date.now() > deadline) {
            throw podFailure(`The agent did not answer; its pod is ${describeState(state)}.`, { cause, hopeless });
          }
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

    async deletePod(ref) {
      try {
        // A newer generation's pod has the same name and must stay.
        await removePodsUpTo(deps, ref);
      } catch (error) {
        await tellOfLostNode(ref);
        throw error;
      }
    },
  };
}

async function giveUpCopy(database: ActivityDeps['database'], sessionId: number): Promise<void> {
  await database.transaction(async (tx) => {
    await lockSessionById(database, sessionId, tx);
    await discardVolumeRow(database, sessionId, tx);
  });
}

/** Removes the session's pods up to that generation, and no newer one. */
export async function removePodsUpTo(
  { database, runtime }: Pick<ActivityDeps, 'database' | 'runtime'>,
  { sessionId, uuid, generation }: SessionRef,
): Promise<void> {
  // Only a person's word ends the waiting for a lost node: it may come back with what is on the volume.
  const force = (await findVolume(database, sessionId))?.state === 'discarded';
  await runtime.destroyPod(uuid, undefined, { force, upTo: generation });
}
