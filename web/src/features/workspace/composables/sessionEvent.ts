import type { z } from 'zod';
import type { BerthEvent, SessionEventKind, SessionEventPayloads } from '#shared/contracts/events.ts';

/** A session's event with its payload checked. */
export type SessionEvent = {
  [Kind in SessionEventKind]: { kind: Kind; payload: z.infer<(typeof SessionEventPayloads)[Kind]> };
}[SessionEventKind];

/*
 * What this page reads of each payload. By hand, not by the contract's schemas: they would bring 22 kB of zod into the
 * first load of every workspace.
 */
const READABLE: Readonly<Record<SessionEventKind, (payload: Record<string, unknown>) => boolean>> = {
  phase: ({ phase, generation }) => typeof phase === 'string' && typeof generation === 'number',
  items: ({ paths }) => Array.isArray(paths),
  conflict: ({ path, copy }) => typeof path === 'string' && typeof copy === 'string',
  notSaved: ({ entries }) => Array.isArray(entries),
  closingSoon: ({ at, reason, since, job }) =>
    typeof at === 'string' &&
    typeof reason === 'string' &&
    ['string', 'undefined'].includes(typeof since) &&
    (job === null || ['string', 'undefined'].includes(typeof job)),
  volumeExpires: ({ until }) => typeof until === 'string',
  session: () => true,
  review: ({ reviewId }) => typeof reviewId === 'number',
  run: ({ runId, status }) => typeof runId === 'number' && typeof status === 'string',
};

/**
 * Reads an event from the socket. Null for a kind or payload that this page does not know: a newer api may send more
 * than a page that was loaded before its update understands.
 */
export function readSessionEvent(event: BerthEvent): SessionEvent | null {
  const { kind, payload } = event;
  if (!isKnown(kind) || !isObject(payload) || !READABLE[kind](payload)) return null;
  return { kind, payload } as SessionEvent;
}

function isKnown(kind: string): kind is SessionEventKind {
  return Object.hasOwn(READABLE, kind);
}

function isObject(payload: unknown): payload is Record<string, unknown> {
  return typeof payload === 'object' && payload !== null;
}
