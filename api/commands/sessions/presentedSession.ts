import type { ApiDeps } from '#api/deps.ts';
import { presentSession } from '#api/presenters/sessionPresenter.ts';
import type { Session } from '#shared/contracts/session.ts';
import { loadSessionDetails } from '#platform/db/repositories/sessionDetails.ts';
import type { SessionRecord } from '#platform/db/repositories/sessions.ts';

/** Sessions with their stages, kept volumes and open reviews, in the order given. */
export async function loadPresentedSessions(
  deps: Pick<ApiDeps, 'database'>,
  sessions: SessionRecord[],
): Promise<Session[]> {
  const details = await loadSessionDetails(deps.database, sessions);
  return sessions.map((session) => presentSession(session, details.get(session.id)));
}

/** One session with its stages, kept volume and open review. */
export async function loadPresentedSession(deps: Pick<ApiDeps, 'database'>, session: SessionRecord): Promise<Session> {
  const details = await loadSessionDetails(deps.database, [session]);
  return presentSession(session, details.get(session.id));
}
