import type { ApiDeps } from '#api/deps.ts';
import { AppError } from '#shared/domain/errors.ts';
import type { Tx } from '#platform/db/database.ts';
import { appendAudit } from '#platform/db/repositories/auditLog.ts';
import {
  findTrashedSession,
  purgeSession,
  untrashSession,
  type TrashedSession,
} from '#platform/db/repositories/sessionTrash.ts';

/** Who asks, as the audit writes it down. */
export interface TrashActor {
  actorId: number;
  address: string;
  requestId: string;
}

/** Takes a session out of the trash; it is as it was, and closed. Throws NOT_FOUND when it is not there any more. */
export function restoreTrashedSession(deps: ApiDeps, uuid: string): Promise<void> {
  return deps.database.transaction(async (tx) => {
    const session = await lockTrashed(deps, uuid, tx);
    await untrashSession(deps.database, session.id, tx);
  });
}

/**
 * Deletes a session in the trash with all that is in it for good. Throws NOT_FOUND, SESSION_CLOSING while its close is under
 * way, SESSION_REVIEWED when a review refers to it.
 */
export function eraseTrashedSession(
  deps: ApiDeps,
  { uuid, actor }: { uuid: string; actor: TrashActor },
): Promise<void> {
  return deps.database.transaction(async (tx) => {
    const session = await lockTrashed(deps, uuid, tx);
    if (session.isReviewed) throw new AppError('SESSION_REVIEWED');
    if (session.isActive) throw new AppError('SESSION_CLOSING');
    await purgeSession(deps.database, session, tx);
    const entry = { ...actor, action: 'session-erase', target: `session:${uuid}` };
    await appendAudit(deps.database, { ...entry, outcome: 'done', details: { name: session.name } }, tx);
  });
}

async function lockTrashed({ database }: ApiDeps, uuid: string, tx: Tx): Promise<TrashedSession> {
  const session = await findTrashedSession(database, uuid, tx);
  if (session === null) throw new AppError('NOT_FOUND');
  return session;
}
