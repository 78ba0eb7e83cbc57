import { Context } from '@temporalio/activity';
import type { SessionActivities } from '#workflows/session/session.ports.ts';
import { loadFiles } from '#activities/session/loadFiles.ts';
import { reconcile, type Heartbeat } from '#activities/session/reconcile.ts';
import { saveFiles } from '#activities/session/saveFiles.ts';
import type { SyncDeps } from '#activities/session/syncCycle.ts';
import { whileBeating } from '#activities/whileBeating.ts';

/** A cancellation is told in answer to a heartbeat, and a person who closes waits for it. */
const HEARTBEAT_MS = 1_000;

/** The activities between a session's rows and its volume. */
export function createSyncActivities(deps: SyncDeps): Pick<SessionActivities, 'loadFiles' | 'reconcile' | 'saveFiles'> {
  return {
    loadFiles: (ref) => inSteps((heartbeat) => loadFiles(deps, ref, heartbeat)),
    reconcile: (ref) => inSteps((heartbeat) => reconcile(deps, ref, heartbeat)),
    saveFiles: (ref) => inSteps((heartbeat) => saveFiles(deps, ref, heartbeat)),
  };
}

/** Cancelled work ends at its next step. */
function inSteps<T>(work: (heartbeat: Heartbeat) => Promise<T>): Promise<T> {
  const context = Context.current();
  return whileBeating(HEARTBEAT_MS, () =>
    work(() => {
      context.heartbeat();
      // Every step may be the last one: a killed worker leaves no more behind than this.
      context.cancellationSignal.throwIfAborted();
    }),
  );
}
