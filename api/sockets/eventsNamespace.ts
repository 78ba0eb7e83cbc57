import type { Socket } from 'socket.io';
import { z } from 'zod';
import type { ApiDeps } from '#api/deps.ts';
import { loadReview } from '#api/commands/reviews/loadReview.ts';
import type { Caller } from '#api/http/route.ts';
import { loadSeenSession } from '#api/policies/sessionPolicy.ts';
import { presentEvent } from '#api/presenters/eventPresenter.ts';
import { onMessage } from '#api/sockets/guard.ts';
import type { ConnectedSocket } from '#api/sockets/connectedSocket.ts';
import { Subject, Subscribe } from '#shared/contracts/events.ts';
import { AppError, isAppError } from '#shared/domain/errors.ts';
import type { EventRecord } from '#platform/events/listener.ts';
import type { ApiMetrics } from '#platform/observability/metrics.ts';

/** Sessions and reviews that one socket may follow at once. */
const MAX_SUBSCRIPTIONS = 200;

interface Target {
  subject: EventRecord['subject'];
  id: number;
  changeSeq: number;
}

/** Everything that lists are told to: rooms by person, and one for all reviewers. */
export const rooms = { user: (id: number) => `user:${id}`, reviewers: 'reviewers' };

/** Serves one socket of /events: follows sessions and reviews that its person may see. */
export function serveEvents(deps: ApiDeps, metrics: ApiMetrics, connected: ConnectedSocket): void {
  const { socket } = connected;
  const followed = new Map<string, { to: Subject; stop: () => void }>();
  joinRooms(socket, connected.caller);

  async function subscribe({ to, afterSeq }: Subscribe): Promise<{ seq: number }> {
    const target = await authorise(to);
    const key = keyOf(to);
    if (socket.disconnected) return { seq: target.changeSeq };
    if (!followed.has(key) && followed.size >= MAX_SUBSCRIPTIONS) {
      throw new AppError('SOCKET_LIMIT', { detail: `One connection follows at most ${MAX_SUBSCRIPTIONS}.` });
    }
    followed.get(key)?.stop();
    const stop = deps.events.subscribe(target, afterSeq ?? target.changeSeq, {
      event(event) {
        if (event.seq > target.changeSeq) metrics.eventLagSeconds.observe(secondsSince(event.createdAt));
        socket.emit('event', presentEvent(to, event));
      },
      reset: (seq) => void socket.emit('reset', { subject: to, seq }),
    });
    followed.set(key, { to, stop });
    return { seq: target.changeSeq };
  }

  /** The subject that the person may follow now. Where they may not, what they followed of it ends too. */
  async function authorise(to: Subject): Promise<Target> {
    const { caller } = connected;
    const target = await loadTarget(deps, caller, to).catch((error: unknown) => {
      unsubscribe(to);
      throw error;
    });
    // Rights that changed while it was loaded were checked again for what was followed then, and this was not yet.
    return caller === connected.caller ? target : authorise(to);
  }

  function unsubscribe(to: Subject): void {
    followed.get(keyOf(to))?.stop();
    followed.delete(keyOf(to));
  }

  /** A lower level may end the right to follow a review. */
  async function checkAgain(): Promise<void> {
    joinRooms(socket, connected.caller);
    for (const { to } of [...followed.values()]) {
      await authorise(to).catch((error: unknown) => {
        if (!isAppError(error, 'NOT_FOUND')) throw error;
      });
    }
  }

  onMessage(socket, { event: 'subscribe', schema: Subscribe, log: deps.log, handle: subscribe, inTurn: true });
  onMessage(socket, {
    event: 'unsubscribe',
    schema: z.strictObject({ to: Subject }),
    log: deps.log,
    handle: ({ to }) => unsubscribe(to),
  });
  connected.onRightsChange(checkAgain);
  socket.on('disconnect', () => {
    for (const { stop } of followed.values()) stop();
    followed.clear();
  });
}

async function loadTarget(deps: ApiDeps, caller: Caller, to: Subject): Promise<Target> {
  const found =
    to.subject === 'session' ? await loadSeenSession(deps, caller, to.uuid) : await loadReview(deps, caller, to);
  return { subject: to.subject, id: found.id, changeSeq: found.changeSeq };
}

function joinRooms(socket: Socket, caller: Caller): void {
  void socket.join(rooms.user(caller.id));
  if (caller.reviewerLevel > 0) void socket.join(rooms.reviewers);
  else void socket.leave(rooms.reviewers);
}

function keyOf(to: Subject): string {
  return to.subject === 'session' ? `session:${to.uuid}` : `review:${to.id}`;
}

function secondsSince(moment: Date): number {
  return Math.max(0, (Date.now() - moment.getTime()) / 1_000);
}
