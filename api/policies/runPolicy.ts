import type { ApiDeps } from '#api/deps.ts';
import type { Caller } from '#api/http/route.ts';
import { loadOwnSession } from '#api/policies/sessionPolicy.ts';
import { AppError } from '#shared/domain/errors.ts';
import { findRunById, type RunRecord } from '#platform/db/repositories/runs.ts';

/** A run of the caller's own session. Throws NOT_FOUND for one that is absent or of another session: nobody can tell which. */
export async function loadOwnRun(
  deps: Pick<ApiDeps, 'database'>,
  caller: Pick<Caller, 'id'>,
  { uuid, runId }: { uuid: string; runId: number },
): Promise<RunRecord> {
  const session = await loadOwnSession(deps, caller, uuid);
  const run = await findRunById(deps.database, runId);
  if (run?.sessionId !== session.id) throw new AppError('NOT_FOUND');
  return run;
}
