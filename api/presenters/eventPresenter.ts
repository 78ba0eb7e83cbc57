import type { BerthEvent, Subject } from '#shared/contracts/events.ts';
import type { EventRecord } from '#platform/events/listener.ts';

/** An event as a browser gets it. */
export function presentEvent(subject: Subject, event: EventRecord): BerthEvent {
  return { subject, seq: event.seq, kind: event.kind, payload: event.payload, at: event.createdAt.toISOString() };
}
