import type { ApiDeps } from '#api/deps.ts';
import { presentEvent } from '#api/presenters/eventPresenter.ts';
import type { EventPage, EventQuery } from '#shared/contracts/events.ts';
import { readChangeSeq, readEvents } from '#platform/db/repositories/events.ts';
import type { SessionRecord } from '#platform/db/repositories/sessions.ts';

/** The events of a session after a number, or `reset` when those right after it are no longer kept. */
export async function loadEventPage(
  deps: Pick<ApiDeps, 'database'>,
  session: SessionRecord,
  { afterSeq, limit }: EventQuery,
): Promise<EventPage> {
  // The head is read first, as for sockets: what comes later is newer, never a gap.
  const changeSeq = (await readChangeSeq(deps.database, 'session', session.id)) ?? session.changeSeq;
  const events = await readEvents(deps.database, { subject: 'session', id: session.id, afterSeq, limit });
  const first = events[0]?.seq ?? (changeSeq > afterSeq ? Infinity : afterSeq + 1);
  if (afterSeq > changeSeq || first > afterSeq + 1) return { items: [], changeSeq, reset: true };
  const subject = { subject: 'session', uuid: session.uuid } as const;
  return { items: events.map((event) => presentEvent(subject, event)), changeSeq, reset: false };
}
