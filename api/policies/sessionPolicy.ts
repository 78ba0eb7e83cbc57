import type { ApiDeps } from '#api/deps.ts';
import type { Caller } from '#api/http/route.ts';
import { requireUsableCopy } from '#api/policies/runningCopyPolicy.ts';
import { AppError } from '#shared/domain/errors.ts';
import { findSession, type SessionRecord } from '#platform/db/repositories/sessions.ts';
import { findTrashedSession, type TrashedSession } from '#platform/db/repositories/sessionTrash.ts';

/** True when the caller may see and change the session: it is their own. Operators have no way into other people's files. */
export function mayUseSession(caller: Pick<Caller, 'id'>, session: Pick<SessionRecord, 'userId'>): boolean {
  return session.userId === caller.id;
}

/**
 * The caller's own session. Throws NOT_FOUND for one that is absent, in the trash, or somebody else's: nobody can tell which;
 * and RUNNING_COPY_OVER for a throw-away copy that has ended or that they may not use any more.
 */
export async function loadOwnSession(
  deps: Pick<ApiDeps, 'database'>,
  caller: Pick<Caller, 'id'>,
  uuid: string,
): Promise<SessionRecord> {
  const session = await loadSeenSession(deps, caller, uuid);
  await requireUsableCopy(deps, session);
  return session;
}

/** The caller's own session, also a throw-away copy that is over: they see that it is. Throws NOT_FOUND for every other. */
export async function loadSeenSession(
  deps: Pick<ApiDeps, 'database'>,
  caller: Pick<Caller, 'id'>,
  uuid: string,
): Promise<SessionRecord> {
  const session = await findSession(deps.database, uuid);
  if (!session || !mayUseSession(caller, session)) throw new AppError('NOT_FOUND');
  return session;
}

/** The caller's own session in the trash. Throws NOT_FOUND for every other. */
export async function loadOwnTrashedSession(
  deps: Pick<ApiDeps, 'database'>,
  caller: Pick<Caller, 'id'>,
  uuid: string,
): Promise<TrashedSession> {
  const session = await findTrashedSession(deps.database, uuid);
  if (!session || !mayUseSession(caller, session)) throw new AppError('NOT_FOUND');
  return session;
}
