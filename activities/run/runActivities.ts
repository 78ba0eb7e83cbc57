import { isAppError } from '#shared/domain/errors.ts';
import { isEndedRun } from '#shared/domain/run.ts';
import { admitRun, endRun, findRunById, requestRunCancel } from '#platform/db/repositories/runs.ts';
import { findSessionById } from '#platform/db/repositories/sessions.ts';
import type { RunActivities, RunWaitActivities } from '#workflows/run/run.ports.ts';
import { executeRun } from '#activities/run/executeRun.ts';
import { openForRun } from '#activities/run/openForRun.ts';
import { syncForRun } from '#activities/run/syncForRun.ts';
import { orCancelled } from '#activities/orCancelled.ts';
import type { ActivityDeps } from '#activities/session/deps.ts';
import { whileBeating } from '#activities/whileBeating.ts';

const BEAT_EVERY_MS = 1_000;

/** The short activities of runs. */
export function createRunActivities(deps: ActivityDeps): RunActivities {
  const { database } = deps;
  return {
    async admitRun({ runId }) {
      const run = await admitRun(database, runId);
      if (run === null) return null;
      const session = await findSessionById(database, run.sessionId);
      return {
        session: JSON.stringify(session?.name ?? run.sessionUuid),
        timeLimitSeconds: run.timeLimitSeconds,
        cancelRequested: run.cancelRequestedAt !== null,
        bound: run.bootId !== null,
      };
    },
    stopRun: ({ runId }) => stopRun(deps, runId),
    async recordRunEnd({ runId, status, reason }) {
      const run = await findRunById(database, runId);
      // What was never started cannot be lost.
      const honest = status === 'lost' && run?.bootId === null ? 'failed' : status;
      const written = await endRun(database, runId, { status: honest, reason, program: null });
      const ended = written ?? (await findRunById(database, runId));
      return { status: ended !== null && isEndedRun(ended.status) ? ended.status : honest };
    },
  };
}

/** The activities of runs that wait. */
export function createRunWaitActivities(deps: ActivityDeps): RunWaitActivities {
  return {
    openForRun: ({ runId }) => openForRun(deps, runId),
    syncForRun: ({ runId }) => whileBeating(BEAT_EVERY_MS, () => orCancelled(syncForRun(deps, runId))),
    executeRun: ({ runId }) => whileBeating(BEAT_EVERY_MS, () => executeRun(deps, runId)),
  };
}

/** Tells the agent to end a run. Whoever executes it sees its end, or, before the start, that there must be none. */
async function stopRun({ database, agentPool }: ActivityDeps, runId: number): Promise<void> {
  const run = await requestRunCancel(database, runId);
  if (run === null || run.bootId === null || run.generation === null) return;
  try {
    const agent = await agentPool.get(run.sessionUuid, run.generation);
    if (agent.bootId === run.bootId) await agent.runs.stop(String(runId));
  } catch (error) {
    if (!isAppError(error, 'RUN_NOT_FOUND')) throw error;
    // Its start is on the way, or its receipt is: the next try will see.
    throw new Error('The agent does not have the run yet.', { cause: error });
  }
}
