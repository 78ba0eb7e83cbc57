import type { ApiDeps } from '#api/deps.ts';
import { requestClose } from '#platform/db/repositories/sessionRequests.ts';
import type { SessionRecord } from '#platform/db/repositories/sessions.ts';

/** Asks for a session's orderly close; a closed one stays as it is. */
export function closeSession(
  deps: ApiDeps,
  { session, actor }: { session: SessionRecord; actor: string },
): Promise<{ opId: string; session: SessionRecord }> {
  return deps.database.transaction((tx) => requestClose(deps.database, session, { actor, reason: 'user' }, tx));
}
