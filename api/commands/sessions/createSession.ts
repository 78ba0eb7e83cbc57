import type { ApiDeps } from '#api/deps.ts';
import { cloneIntoNew } from '#api/commands/sessions/cloneRepository.ts';
import { describeNewSession, fillSession } from '#api/commands/sessions/fillSession.ts';
import type { LoadedSource } from '#api/policies/sessionSource.ts';
import { requireRoomForLiveSession } from '#platform/db/repositories/liveLimit.ts';
import type { CreateSession } from '#shared/contracts/session.ts';
import { requestOpen } from '#platform/db/repositories/sessionRequests.ts';
import { findSession, insertSession, type SessionRecord } from '#platform/db/repositories/sessions.ts';
import { publishSessionEvent } from '#platform/db/repositories/events.ts';
import { insertWarmVolume } from '#platform/db/repositories/volumes.ts';
import { claimWarmSlot } from '#platform/db/repositories/warmSlots.ts';

/**
 * Makes a session with the source's files, its language's starter files, or a repository that is cloned, and asks for its opening when wanted. One that is
 * opened at once takes over a pod that waits for it, if there is one: its uuid, its volume, generation 1. Throws SESSION_LIMIT,
 * NOT_FOUND and SESSION_TOO_LARGE.
 */
export function createSession(
  deps: ApiDeps,
  { userId, wanted, source }: { userId: number; wanted: CreateSession; source: LoadedSource | null },
): Promise<SessionRecord> {
  return deps.database.transaction(async (tx) => {
    if (wanted.open) await requireRoomForLiveSession(deps, { userId, exceptUuid: null }, tx);
    const slot = wanted.open ? await claimWarmSlot(deps.database, tx) : null;
    const described = describeNewSession(wanted, source);
    const session = await insertSession(deps.database, { userId, ...described, uuid: slot?.uuid }, tx);
    if (slot !== null) {
      const { volumeId, claimUid } = slot;
      await insertWarmVolume(deps.database, { id: volumeId, sessionId: session.id, claimUid }, tx);
    }
    if (wanted.repository === undefined) await fillSession(deps, { session, source }, tx);
    else await cloneIntoNew(deps, { session, wanted: wanted.repository }, tx);
    await publishSessionEvent(deps.database, { sessionId: session.id, kind: 'session', payload: {} }, tx);
    if (wanted.open) await requestOpen(deps.database, session, tx);
    return (await findSession(deps.database, session.uuid, tx)) ?? session;
  });
}
