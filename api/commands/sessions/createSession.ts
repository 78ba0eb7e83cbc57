import type { ApiDeps } from '#api/deps.ts';
import { requireRoomForLiveSession } from '#api/commands/sessions/liveLimit.ts';
import type { CreateSession } from '#shared/contracts/session.ts';
import { createStarterItems } from '#platform/db/repositories/items.ts';
import { findSession, insertSession, requestOpen, type SessionRecord } from '#platform/db/repositories/sessions.ts';
import { publishSessionEvent } from '#platform/db/repositories/events.ts';

/** Makes a session with its language's starter files, and asks for its opening when wanted. Throws SESSION_LIMIT. */
export function createSession(
  deps: ApiDeps,
  { userId, wanted }: { userId: number; wanted: CreateSession },
): Promise<SessionRecord> {
  return deps.database.transaction(async (tx) => {
    if (wanted.open) await requireRoomForLiveSession(deps, { userId, exceptUuid: null }, tx);
    const session = await insertSession(deps.database, { userId, name: wanted.name, language: wanted.language }, tx);
    await createStarterItems(deps.database, session, wanted.language, tx);
    await publishSessionEvent(deps.database, { sessionId: session.id, kind: 'session', payload: {} }, tx);
    if (wanted.open) await requestOpen(deps.database, session, tx);
    return (await findSession(deps.database, session.uuid, tx)) ?? session;
  });
}
