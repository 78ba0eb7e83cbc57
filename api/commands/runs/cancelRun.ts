import { randomUUID } from 'node:crypto';
import type { ApiDeps } from '#api/deps.ts';
import { insertIntent } from '#platform/db/repositories/intents.ts';
import { endRun, findRunById, requestRunCancel, type RunRecord } from '#platform/db/repositories/runs.ts';

/** Asks for the end of a run; one that nobody has begun with ends at once, and one that has ended stays as it is. */
export function cancelRun(deps: Pick<ApiDeps, 'database'>, run: RunRecord): Promise<RunRecord> {
  const { database } = deps;
  return database.transaction(async (tx) => {
    const asked = await requestRunCancel(database, run.id, tx);
    if (asked?.status === 'queued') {
      await endRun(database, run.id, { status: 'cancelled', reason: null, program: null }, tx);
    } else if (asked !== null) {
      const intent = { subject: 'run', subjectId: run.id, generation: 0, kind: 'cancel_run', payload: {} } as const;
      await insertIntent(database, { ...intent, opId: randomUUID() }, tx);
    }
    return (await findRunById(database, run.id, tx)) ?? run;
  });
}
