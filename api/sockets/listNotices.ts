import type { Namespace } from 'socket.io';
import { z } from 'zod';
import type { ApiDeps } from '#api/deps.ts';
import { rooms } from '#api/sockets/eventsNamespace.ts';
import { findListAudiences } from '#platform/db/repositories/listAudiences.ts';

/** Notices are gathered so long, so that a burst of events is one reading and one notice. */
const GATHER_MS = 150;
const MAX_GATHERED = 1_000;

const Notice = z.object({ subject: z.enum(['session', 'review']), id: z.int(), seq: z.int() });
type Notice = z.infer<typeof Notice>;

/** Tells people that a list of theirs may have changed. Returns the way to stop. */
export function tellLists(deps: ApiDeps, namespace: Namespace): () => void {
  let gathered: Notice[] = [];
  let timer: NodeJS.Timeout | undefined;

  async function tell(): Promise<void> {
    const notices = gathered;
    gathered = [];
    timer = undefined;
    if (namespace.sockets.size === 0) return;
    const audiences = await findListAudiences(deps.database, notices);
    const sessionOwners = new Set(audiences.flatMap((one) => (one.subject === 'session' ? one.userIds : [])));
    const reviewPeople = new Set(audiences.flatMap((one) => (one.subject === 'review' ? one.userIds : [])));
    emit([...sessionOwners].map(rooms.user), 'sessions');
    if (reviewPeople.size > 0) emit([rooms.reviewers, ...[...reviewPeople].map(rooms.user)], 'reviews');
  }

  function emit(audience: string[], kind: 'sessions' | 'reviews'): void {
    if (audience.length > 0) namespace.to(audience).emit('lists', { kind });
  }

  const stop = deps.events.onNotice('berth_events', (payload) => {
    if (payload === null) {
      // Notices were missed; everybody looks for themselves.
      namespace.emit('lists', { kind: 'sessions' });
      namespace.emit('lists', { kind: 'reviews' });
      return;
    }
    const notice = Notice.safeParse(parseJson(payload));
    if (!notice.success || gathered.length >= MAX_GATHERED) return;
    gathered.push(notice.data);
    timer ??= setTimeout(() => {
      tell().catch((error: unknown) => deps.log.warn({ err: error }, 'changes of lists could not be told'));
    }, GATHER_MS).unref();
  });

  return () => {
    clearTimeout(timer);
    stop();
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null; // Any database user may NOTIFY; what is not ours is no notice.
  }
}
