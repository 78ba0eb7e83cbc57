import type { Namespace } from 'socket.io';
import { z } from 'zod';
import type { ApiDeps } from '#api/deps.ts';
import { rooms } from '#api/sockets/eventsNamespace.ts';

const Notice = z.object({ userId: z.int() });

/** A person who was told ten things within this time, in milliseconds, is told to look once. */
const GATHER_MS = 150;

/** Tells people's own pages that they were told something; they load it themselves. Returns the way to stop. */
export function tellNotifications(deps: ApiDeps, namespace: Namespace): () => void {
  const gathered = new Set<number>();
  let timer: NodeJS.Timeout | undefined;

  function tell(): void {
    timer = undefined;
    const people = [...gathered].map(rooms.user);
    gathered.clear();
    namespace.to(people).emit('notifications');
  }

  const stop = deps.events.onNotice('berth_notifications', (payload) => {
    if (payload === null) {
      // Notices were missed; everybody looks for themselves.
      namespace.emit('notifications');
      return;
    }
    const notice = Notice.safeParse(parseJson(payload));
    if (!notice.success) return;
    gathered.add(notice.data.userId);
    timer ??= setTimeout(tell, GATHER_MS).unref();
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
