import type { z } from 'zod';
import { SessionEventPayloads, type BerthEvent, type SessionEventKind } from '#shared/contracts/events.ts';

/** A session's event with its payload checked. */
export type SessionEvent = {
  [Kind in SessionEventKind]: { kind: Kind; payload: z.infer<(typeof SessionEventPayloads)[Kind]> };
}[SessionEventKind];

/**
 * Reads an event from the socket. Null for a kind or payload that this page does not know: a newer api may send more
 * than a page that was loaded before its update understands.
 */
export function readSessionEvent(event: BerthEvent): SessionEvent | null {
  if (!isKnown(event.kind)) return null;
  const payload = SessionEventPayloads[event.kind].safeParse(event.payload);
  return payload.success ? ({ kind: event.kind, payload: payload.data } as SessionEvent) : null;
}

function isKnown(kind: string): kind is SessionEventKind {
  return Object.hasOwn(SessionEventPayloads, kind);
}
