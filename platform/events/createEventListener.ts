import pg from 'pg';
import type { Logger } from 'pino';
import type { Config } from '#platform/config/config.ts';
import { readDatabaseAddress } from '#platform/config/databaseAddress.ts';
import { throwWithRemedy } from '#platform/db/certificateRefusal.ts';
import type { Database } from '#platform/db/database.ts';
import { createEventFeed, type EventFeed } from '#platform/events/eventFeed.ts';
import type { EventListener, EventRecord } from '#platform/events/listener.ts';

const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 5_000;
/** A connection that died without a word is found out after at most twice this. */
const CHECK_EVERY_MS = 5_000;

type Channel = 'berth_intents' | 'berth_events' | 'berth_notifications';

/** What the listener connects to and reads with. */
export interface EventListenerOptions {
  config: Pick<Config, 'DATABASE_URL'>;
  database: Database;
  log: Logger;
}

/** Starts the one LISTEN connection of a process. Never fails: it goes on trying, and then reads what it missed. */
export function createEventListener({ config, database, log }: EventListenerOptions): EventListener {
  const address = readDatabaseAddress(config.DATABASE_URL);
  const feeds = new Map<string, EventFeed>();
  const notices: Record<Channel, Set<(payload: string | null) => void>> = {
    berth_intents: new Set(),
    berth_events: new Set(),
    berth_notifications: new Set(),
  };
  let connection: pg.Client | null = null;
  let closed = false;
  let retryMs = FIRST_RETRY_MS;
  let retry: NodeJS.Timeout | undefined;
  let check: NodeJS.Timeout | undefined;
  let connecting: Promise<void> = Promise.resolve();

  function tellNotice(channel: Channel, payload: string | null): void {
    for (const notice of notices[channel]) notice(payload);
  }

  function received(channel: Channel, payload: string): void {
    if (channel === 'berth_events') {
      const named = readSubject(payload);
      if (named) feeds.get(key(named.subject, named.id))?.wake();
    }
    tellNotice(channel, payload);
  }

  function lost(client: pg.Client, reason: unknown): void {
    if (connection !== client && connection !== null) return;
    connection = null;
    clearInterval(check);
    client.removeAllListeners();
    // The socket may still report its end; without a listener that would end the process.
    client.on('error', () => undefined);
    client.end().catch(() => undefined); // It is broken already; there is nothing to tell.
    if (closed) return;
    log.warn({ err: reason }, 'the connection for events was lost; connecting again');
    clearTimeout(retry);
    retry = setTimeout(connect, retryMs * (0.5 + Math.random() / 2)).unref();
    retryMs = Math.min(retryMs * 2, LAST_RETRY_MS);
  }

  function watchConnection(client: pg.Client): void {
    let answered = true;
    check = setInterval(() => {
      if (!answered) return lost(client, new Error('the database did not answer in time'));
      answered = false;
      client.query('SELECT 1').then(
        () => (answered = true),
        (error: unknown) => lost(client, error),
      );
    }, CHECK_EVERY_MS).unref();
  }

  async function open(): Promise<void> {
    const client = new pg.Client({
      ...address,
      application_name: 'berth-listen',
      connectionTimeoutMillis: 5_000,
      keepAlive: true,
    });
    client.on('error', (error) => lost(client, error));
    client.on('end', () => lost(client, new Error('the connection ended')));
    client.on('notification', (message) => received(message.channel as Channel, message.payload ?? ''));
    try {
      await client.connect().catch(throwWithRemedy);
      await client.query('LISTEN berth_events');
      await client.query('LISTEN berth_intents');
      await client.query('LISTEN berth_notifications');
    } catch (error) {
      return lost(client, error);
    }
    if (closed) return void client.end();
    connection = client;
    retryMs = FIRST_RETRY_MS;
    watchConnection(client);
    for (const feed of feeds.values()) feed.wake();
    tellNotice('berth_events', null);
    tellNotice('berth_intents', null);
    tellNotice('berth_notifications', null);
  }

  function connect(): void {
    if (!closed) connecting = open();
  }

  function feedOf(subject: EventRecord['subject'], id: number): EventFeed {
    const name = key(subject, id);
    const present = feeds.get(name);
    if (present) return present;
    const feed = createEventFeed({ database, log, subject, id });
    feeds.set(name, feed);
    return feed;
  }

  connect();

  return {
    subscribe({ subject, id }, afterSeq, subscriber) {
      const feed = feedOf(subject, id);
      const unsubscribe = feed.subscribe(afterSeq, subscriber);
      return () => {
        unsubscribe();
        if (!feed.idle) return;
        feed.close();
        if (feeds.get(key(subject, id)) === feed) feeds.delete(key(subject, id));
      };
    },
    onNotice(channel, notice) {
      notices[channel].add(notice);
      return () => void notices[channel].delete(notice);
    },
    async close() {
      closed = true;
      clearTimeout(retry);
      clearInterval(check);
      for (const feed of feeds.values()) feed.close();
      feeds.clear();
      await connecting;
      const client = connection;
      connection = null;
      client?.removeAllListeners('end');
      await client?.end();
    },
  };
}

function key(subject: EventRecord['subject'], id: number): string {
  return `${subject}:${id}`;
}

/** Which subject a notice names; null when it is not one of ours (any database user may NOTIFY). */
function readSubject(payload: string): { subject: EventRecord['subject']; id: number } | null {
  try {
    const parsed = JSON.parse(payload) as { subject?: unknown; id?: unknown } | null;
    if (parsed?.subject !== 'session' && parsed?.subject !== 'review') return null;
    return typeof parsed.id === 'number' ? { subject: parsed.subject, id: parsed.id } : null;
  } catch {
    return null;
  }
}
