import { Manager, type Socket } from 'socket.io-client';
import { ref, type Ref } from 'vue';
import type { EventsClientEvents, EventsServerEvents, Subject } from '#shared/contracts/events.ts';
import type { RunClientEvents, RunServerEvents } from '#shared/contracts/run.ts';
import type { TerminalClientEvents, TerminalServerEvents } from '#shared/contracts/terminal.ts';
import { SubjectFeed, subjectKey, type SubjectFollower } from './subjectFeed.ts';

/** The socket that terminals and runs speak on. */
export type TerminalSocket = Socket<TerminalServerEvents & RunServerEvents, TerminalClientEvents & RunClientEvents>;
type EventsSocket = Socket<EventsServerEvents, EventsClientEvents>;

/** A refused handshake is tried again after so many milliseconds; socket.io only retries a lost connection by itself. */
const REFUSED_RETRY_MS = 3_000;
/** An acknowledgement that takes longer, in milliseconds, counts as lost; the next reconnect asks again. */
const ANSWER_DEADLINE_MS = 10_000;

/** Whether live updates arrive: `connecting` at first, `offline` once the connection was lost. */
export const liveState: Ref<'connecting' | 'online' | 'offline'> = ref('connecting');

const manager = new Manager({
  transports: ['websocket'],
  autoConnect: false,
  reconnectionDelay: 400,
  reconnectionDelayMax: 4_000,
});
const events: EventsSocket = manager.socket('/events');
const terminals: TerminalSocket = manager.socket('/terminal');
const feeds = new Map<string, Set<SubjectFeed>>();
const listListeners = new Set<(kind: 'sessions' | 'reviews') => void>();
const notificationListeners = new Set<() => void>();
let wanted = false;

for (const socket of [events, terminals]) {
  socket.on('connect_error', () => {
    liveState.value = 'offline';
    if (!socket.active && wanted) setTimeout(() => wanted && socket.connect(), REFUSED_RETRY_MS);
  });
  socket.on('disconnect', (reason) => {
    if (wanted) liveState.value = 'offline';
    // The api closed this socket on purpose (rights changed, shutting down): socket.io leaves the retry to us.
    if (reason === 'io server disconnect' && wanted) setTimeout(() => wanted && socket.connect(), REFUSED_RETRY_MS);
  });
}
events.on('connect', () => {
  liveState.value = 'online';
  for (const set of feeds.values()) for (const feed of set) void feed.join();
  for (const listener of listListeners) {
    listener('sessions');
    listener('reviews');
  }
  for (const listener of notificationListeners) listener();
});
events.on('event', (event) => {
  for (const feed of feeds.get(subjectKey(event.subject)) ?? []) feed.receive(event);
});
events.on('reset', ({ subject, seq }) => {
  for (const feed of feeds.get(subjectKey(subject)) ?? []) feed.receiveReset(seq);
});
events.on('lists', ({ kind }) => {
  for (const listener of listListeners) listener(kind);
});

events.on('notifications', () => {
  for (const listener of notificationListeners) listener();
});

/* A page that goes says so: nothing is held for it. One that comes back from the browser's cache connects again. */
window.addEventListener('pagehide', () => terminals.disconnect());
window.addEventListener('pageshow', ({ persisted }) => {
  const isUsed = terminals.hasListeners('output') || terminals.hasListeners('runOutput');
  if (persisted && isUsed) terminals.connect();
});

/** Connects for live updates; called once somebody is signed in. */
export function connectSockets(): void {
  if (wanted) return;
  wanted = true;
  events.connect();
}

/** Ends all live updates; called at sign-out. */
export function disconnectSockets(): void {
  wanted = false;
  events.disconnect();
  terminals.disconnect();
  liveState.value = 'connecting';
}

/** The terminals' socket, connected from the first use on. */
export function terminalSocket(): TerminalSocket {
  wanted = true;
  if (!terminals.connected) terminals.connect();
  return terminals;
}

/** Follows a session's or review's events after `afterSeq` until the returned function is called. */
export function followSubject(subject: Subject, afterSeq: number | null, follower: SubjectFollower): () => void {
  const key = subjectKey(subject);
  const feed = new SubjectFeed(subject, follower, { afterSeq, send: sendSubscribe });
  const set = feeds.get(key) ?? new Set();
  feeds.set(key, set.add(feed));
  connectSockets();
  if (events.connected) void feed.join();
  return () => {
    set.delete(feed);
    if (set.size > 0) return;
    feeds.delete(key);
    if (events.connected) events.emit('unsubscribe', { to: subject });
  };
}

/** Calls back when a list may have changed, and after each reconnect. Returns the way to stop. */
export function onListChange(listener: (kind: 'sessions' | 'reviews') => void): () => void {
  listListeners.add(listener);
  return () => listListeners.delete(listener);
}

/** Calls back when the person was told something, or read it elsewhere, and after each reconnect. Returns the way to stop. */
export function onNotifications(listener: () => void): () => void {
  notificationListeners.add(listener);
  return () => notificationListeners.delete(listener);
}

async function sendSubscribe(to: Subject, afterSeq: number | null): Promise<number | null> {
  try {
    const answer = await events.timeout(ANSWER_DEADLINE_MS).emitWithAck('subscribe', { to, afterSeq });
    return answer.ok ? answer.value.seq : null;
  } catch {
    // The connection ended before the answer; the next connect subscribes again.
    return null;
  }
}
