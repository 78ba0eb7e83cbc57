import type { Logger } from 'pino';
import type { Database } from '#platform/db/database.ts';
import { readChangeSeq, readEvents } from '#platform/db/repositories/events.ts';
import type { EventRecord } from '#platform/events/listener.ts';

/** More events than this behind, a subscriber is better served by loading afresh. */
export const MAX_EVENTS_BEHIND = 1_000;

const RETRY_AFTER_MS = 500;

/** Who wants the events of one subject. */
export interface EventSubscriber {
  event(event: EventRecord): void;
  reset(seq: number): void;
}

interface Subscription extends EventSubscriber {
  seq: number;
}

/** The events of one subject for all its subscribers in this process, in order and without gaps. */
export interface EventFeed {
  /** True when nobody listens any more. */
  readonly idle: boolean;
  subscribe(afterSeq: number, subscriber: EventSubscriber): () => void;
  /** Something may be new: read it. Calls while a read is under way are joined into one more read. */
  wake(): void;
  close(): void;
}

/** What a feed reads from and whose events it tells. */
export interface EventFeedOptions {
  database: Database;
  log: Logger;
  subject: EventRecord['subject'];
  id: number;
}

/** Makes the feed of one subject. */
export function createEventFeed({ database, log, subject, id }: EventFeedOptions): EventFeed {
  const subscriptions = new Set<Subscription>();
  let reading = false;
  let again = false;
  let closed = false;
  let retry: NodeJS.Timeout | undefined;

  function tell(subscription: Subscription, call: () => void): void {
    if (!subscriptions.has(subscription)) return;
    try {
      call();
    } catch (error) {
      // One broken subscriber must not keep the others from their events.
      log.error({ err: error, subject, id }, 'a subscriber of events failed');
    }
  }

  function deliver(subscription: Subscription, rows: EventRecord[], head: number): void {
    const next = rows.find((row) => row.seq > subscription.seq);
    const behind = head - subscription.seq;
    const missing = next ? next.seq > subscription.seq + 1 : behind > 0;
    if (behind < 0 || missing || behind > MAX_EVENTS_BEHIND) {
      // The sequence has no gaps in the database, so a gap means that rows are no longer kept (or were restored).
      subscription.seq = head;
      tell(subscription, () => subscription.reset(head));
      return;
    }
    for (const row of rows) {
      if (row.seq <= subscription.seq) continue;
      subscription.seq = row.seq;
      tell(subscription, () => subscription.event(row));
    }
  }

  async function read(): Promise<void> {
    const waiting = [...subscriptions];
    if (waiting.length === 0) return;
    // The head is read first: a row that comes later is then simply newer than the head, never a gap.
    const head = await readChangeSeq(database, subject, id);
    if (head === null) return;
    const reachable = waiting.filter((one) => head - one.seq <= MAX_EVENTS_BEHIND && head >= one.seq);
    const oldest = Math.min(head, ...reachable.map((one) => one.seq));
    const rows = await readEvents(database, { subject, id, afterSeq: oldest, limit: 2 * MAX_EVENTS_BEHIND });
    for (const subscription of waiting) deliver(subscription, rows, head);
  }

  async function pump(): Promise<void> {
    reading = true;
    try {
      do {
        again = false;
        await read();
      } while (again && !closed);
    } catch (error) {
      log.warn({ err: error, subject, id }, 'events could not be read; trying again');
      clearTimeout(retry);
      if (!closed) retry = setTimeout(wake, RETRY_AFTER_MS).unref();
    } finally {
      reading = false;
    }
  }

  function wake(): void {
    if (closed) return;
    again = true;
    if (!reading) void pump();
  }

  return {
    get idle() {
      return subscriptions.size === 0;
    },
    subscribe(afterSeq, subscriber) {
      const subscription: Subscription = {
        seq: afterSeq,
        event: (event) => subscriber.event(event),
        reset: (seq) => subscriber.reset(seq),
      };
      subscriptions.add(subscription);
      wake();
      return () => void subscriptions.delete(subscription);
    },
    wake,
    close() {
      closed = true;
      clearTimeout(retry);
      subscriptions.clear();
    },
  };
}
