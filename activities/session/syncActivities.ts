import { Context } from '@temporalio/activity';
import type { SessionActivities } from '#workflows/session/session.ports.ts';
import { loadFiles } from '#activities/session/loadFiles.ts';
import { reconcile, type Heartbeat } from '#activities/session/reconcile.ts';
import { saveFiles } from '#activities/session/saveFiles.ts';
import type { SyncDeps } from '#activities/session/syncCycle.ts';

/** A cancellation is told in answer to a heartbeat, and a person who closes waits for it. */
const HEARTBEAT_MS = 1_000;

/** The activities between a session's rows and its volume. */
export function createSyncActivities(deps: SyncDeps): Pick<SessionActivities, 'loadFiles' | 'reconcile' | 'saveFiles'> {
  return {
    loadFiles: (ref) => whileBeating((heartbeat) => loadFiles(deps, ref, heartbeat)),
    reconcile: (ref) => whileBeating((heartbeat) => reconcile(deps, ref, heartbeat)),
    saveFiles: (ref) => whileBeating((heartbeat) => saveFiles(deps, ref, heartbeat)),
  };
}

/**
 * Heartbeats while the work runs, also through one long call, so that only a dead worker is taken for one. Cancelled work
 * ends at its next step.
 */
async function whileBeating<T>(work: (heartbeat: Heartbeat) => Promise<T>): Promise<T> {
  const context = Context.current();
  const timer = setInterval(() => context.heartbeat(), HEARTBEAT_MS);
  try {
    return await work(() => {
      context.heartbeat();
      // Every step may be the last one: a killed worker leaves no more behind than this.
      context.cancellationSignal.throwIfAborted();
    });
  } finally {
    clearInterval(timer);
  }
}
