import { z } from 'zod';
import { RUN_STATUSES } from '#shared/domain/run.ts';
import { SESSION_PHASES } from '#shared/domain/session.ts';

/** Whose events: a session by uuid, a review by id. */
export const Subject = z.discriminatedUnion('subject', [
  z.strictObject({ subject: z.literal('session'), uuid: z.uuid() }),
  z.strictObject({ subject: z.literal('review'), id: z.int().positive() }),
]);
export type Subject = z.infer<typeof Subject>;

/** `subscribe` on /events: events after `afterSeq` follow; null means from now on. */
export const Subscribe = z.strictObject({ to: Subject, afterSeq: z.int().min(0).nullable() });
export type Subscribe = z.infer<typeof Subscribe>;

/** Payloads of a session's events by kind; written by whoever changes the session, in the same transaction. */
export const SessionEventPayloads = {
  phase: z.object({
    phase: z.enum(SESSION_PHASES),
    reason: z.string().nullable(),
    cause: z.string().nullable().optional(),
    generation: z.int(),
  }),
  /** Items changed; `paths` is cut at 200, then `truncated` is true and the page loads the tree afresh. */
  items: z.object({ paths: z.array(z.string()), truncated: z.boolean(), source: z.string() }),
  conflict: z.object({ path: z.string(), copy: z.string() }),
  notSaved: z.object({ entries: z.array(z.object({ path: z.string(), reason: z.string() })) }),
  /** The kept volume goes at `until`, within a day, with what is not saved on it. */
  volumeExpires: z.object({ until: z.string() }),
  /**
   * It closes at `at`: because nothing has happened in it since `since` (`idle`; `job` is the command whose end was the last
   * that did), because the time that somebody held it open for is over (`expired`), or because nobody has done anything
   * since `since` while the command `job` ran on (`job`).
   */
  closingSoon: z.object({
    at: z.string(),
    reason: z.string(),
    since: z.string().optional(),
    job: z.string().nullable().optional(),
  }),
  session: z.object({}),
  review: z.object({ reviewId: z.int() }),
  run: z.object({ runId: z.int(), status: z.enum(RUN_STATUSES) }),
} as const;
/** A kind of session event. */
export type SessionEventKind = keyof typeof SessionEventPayloads;

/** Kinds of review events; the page loads what changed. */
export type ReviewEventKind = 'review' | 'comments' | 'history';

/** An event as sent to a browser. `seq` counts per session or review without gaps. */
export interface BerthEvent {
  subject: Subject;
  seq: number;
  kind: string;
  payload: unknown;
  at: string;
}

/** Events that a client sends on /events. */
export interface EventsClientEvents {
  subscribe: (
    message: Subscribe,
    answer: (result: { ok: true; value: { seq: number } } | { ok: false; code: string; detail: string }) => void,
  ) => void;
  unsubscribe: (message: { to: Subject }) => void;
}
/** Events that the api sends on /events. `reset`: too far behind, load afresh. `signedOut`: the rights ended. */
export interface EventsServerEvents {
  event: (event: BerthEvent) => void;
  reset: (message: { subject: Subject; seq: number }) => void;
  /** The queue or the session list changed in a way that concerns the signed-in person. */
  lists: (message: { kind: 'sessions' | 'reviews' }) => void;
  /** The person was told something, or read it on another page: load it. */
  notifications: () => void;
}

/** Query of the events of a session that happened after a number. */
export const EventQuery = z.strictObject({
  afterSeq: z.coerce.number().int().min(0).default(0),
  limit: z.coerce.number().int().min(1).max(500).default(200),
});
export type EventQuery = z.infer<typeof EventQuery>;

/** Events in order. `reset`: those right after `afterSeq` are no longer kept; load afresh and go on after `changeSeq`. */
export const EventPage = z.object({
  items: z.array(z.object({ subject: Subject, seq: z.int(), kind: z.string(), payload: z.unknown(), at: z.string() })),
  changeSeq: z.int(),
  reset: z.boolean(),
});
export type EventPage = z.infer<typeof EventPage>;
