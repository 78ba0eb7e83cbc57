import type { ApiDeps } from '#api/deps.ts';
import { AppError } from '#shared/domain/errors.ts';
import { isLivePhase } from '#shared/domain/session.ts';
import { findCopyRefusal } from '#platform/db/repositories/runningCopies.ts';
import type { SessionRecord } from '#platform/db/repositories/sessions.ts';

/** Throws RUNNING_COPY_OVER for a throw-away copy that has ended, or that its owner may not use any more; a workspace passes. */
export async function requireUsableCopy(deps: Pick<ApiDeps, 'database'>, session: SessionRecord): Promise<void> {
  if (session.kind === 'workspace') return;
  if (!isLivePhase(session.phase)) throw new AppError('RUNNING_COPY_OVER');
  const refusal = await findCopyRefusal(deps.database, session);
  if (refusal !== null) throw new AppError('RUNNING_COPY_OVER', { detail: refusal.detail });
}

/** Throws RUNNING_COPY_REFUSED where a throw-away copy is asked for what only a workspace can do. `verb` goes on "cannot be". */
export function requireWorkspace(session: Pick<SessionRecord, 'kind'>, verb: string): void {
  if (session.kind === 'workspace') return;
  throw new AppError('RUNNING_COPY_REFUSED', {
    detail: `This is a throw-away copy of what is under review; it cannot be ${verb}.`,
  });
}
