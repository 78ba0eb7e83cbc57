import type { ApiDeps } from '#api/deps.ts';
import { trashSession } from '#platform/db/repositories/sessionTrash.ts';
import { renameSession, type SessionRecord } from '#platform/db/repositories/sessions.ts';

/** Gives a session another name. */
export function nameSession(
  deps: ApiDeps,
  { session, name }: { session: SessionRecord; name: string },
): Promise<SessionRecord> {
  return deps.database.transaction((tx) => renameSession(deps.database, { id: session.id, name }, tx));
}

/** Puts a session into the trash and closes it first. Throws SESSION_HAS_OPEN_REVIEW. */
export function deleteSession(
  deps: ApiDeps,
  { session, actor }: { session: SessionRecord; actor: string },
): Promise<void> {
  return deps.database.transaction((tx) => trashSession(deps.database, { id: session.id, actor }, tx));
}
