import { onScopeDispose, watch } from 'vue';
import { listRuns } from '../../../api/runs.ts';
import { loadSession } from '../../../api/sessions.ts';
import { followSubject } from '../../../api/sockets.ts';
import { useLoad } from '../../../composables/useLoad.ts';
import { usePages } from '../../../composables/usePages.ts';

/** A session's runs as they come and go. */
export function useRuns(uuid: string) {
  const session = useLoad(() => loadSession(uuid));
  const runs = usePages((cursor) => listRuns(uuid, cursor));
  let stopFollowing: (() => void) | undefined;

  function hear({ kind }: { kind: string }): void {
    if (kind === 'phase' || kind === 'session') void session.reload();
    if (kind === 'run') void runs.reload();
  }
  watch(session.value, (loaded) => {
    if (!loaded) return;
    const reset = (): void => void runs.reload();
    stopFollowing ??= followSubject({ subject: 'session', uuid }, loaded.changeSeq, { event: hear, reset });
  });
  onScopeDispose(() => stopFollowing?.());
  void session.reload();
  return { session, runs };
}
