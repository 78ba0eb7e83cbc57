import type { ApiDeps } from '#api/deps.ts';
import { requireRoomForLiveSession } from '#platform/db/repositories/liveLimit.ts';
import { AppError } from '#shared/domain/errors.ts';
import { requestOpen } from '#platform/db/repositories/sessionRequests.ts';
import { lockSession, type SessionRecord } from '#platform/db/repositories/sessions.ts';

/** Asks for a session's opening: the row and its intent in one transaction, carried out whenever Temporal can. Throws SESSION_LIMIT. */
export function openSession(
  deps: ApiDeps,
  session: Pick<SessionRecord, 'uuid' | 'userId'>,
): Promise<{ opId: string; session: SessionRecord }> {
  return deps.database.transaction(async (tx) => {
    await requireRoomForLiveSession(deps, { userId: session.userId, exceptUuid: session.uuid }, tx);
    const locked = await lockSession(deps.database, session.uuid, tx);
    if (!locked) throw new AppError('NOT_FOUND');
    return requestOpen(deps.database, locked, tx);
  });
}
