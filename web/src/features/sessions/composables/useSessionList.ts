import { onScopeDispose } from 'vue';
import type { Session } from '#shared/contracts/session.ts';
import { listSessions } from '../../../api/sessions.ts';
import { onListChange } from '../../../api/sockets.ts';
import { useLoad } from '../../../composables/useLoad.ts';

/** The signed-in person's sessions, kept up to date by the events socket. */
export function useSessionList() {
  const list = useLoad(loadAll);
  onScopeDispose(onListChange((kind) => void (kind === 'sessions' && list.reload())));
  void list.reload();
  return list;
}

async function loadAll(): Promise<Session[]> {
  const sessions: Session[] = [];
  let cursor: string | undefined;
  do {
    const page = await listSessions(cursor);
    sessions.push(...page.items);
    cursor = page.nextCursor ?? undefined;
  } while (cursor !== undefined);
  return sessions;
}
