import { setTimeout as pause } from 'node:timers/promises';
import { KubernetesError, saysConflict } from '#platform/runtime/kubernetes/kubernetesError.ts';

/** Requests that change something and run at once in one process. The API server has few seats for them. */
const CHANGES_AT_ONCE = 20;
/** How long, in milliseconds, a request is tried again while the server has too much to do. */
const PATIENCE_MS = 12_000;
const FIRST_PAUSE_MS = 100;

/** Lets requests through to the API server at the pace that it bears. */
export interface RequestGate {
  /** Runs a request that reads, again after a pause while the server answers 429. */
  read<T>(request: () => Promise<T>): Promise<T>;
  /**
   * The same for one that changes something, a bounded number at once. A 409 by which a quota was counted twice at the
   * same time is tried again too: the server did nothing.
   */
  change<T>(request: () => Promise<T>): Promise<T>;
}

/** A gate of its own for each client. */
export function createRequestGate(): RequestGate {
  const waiting: (() => void)[] = [];
  let running = 0;
  return {
    read: (request) => insist(request),
    async change(request) {
      if (running >= CHANGES_AT_ONCE) await new Promise<void>((resolve) => waiting.push(resolve));
      else running += 1;
      try {
        return await insist(request);
      } finally {
        const next = waiting.shift();
        if (next === undefined) running -= 1;
        else next();
      }
    },
  };
}

async function insist<T>(request: () => Promise<T>): Promise<T> {
  const deadline = Date.now() + PATIENCE_MS;
  for (let wait = FIRST_PAUSE_MS; ; wait *= 2) {
    try {
      return await request();
    } catch (error) {
      const retryMs = retryAfter(error, wait);
      if (retryMs === null || Date.now() + retryMs > deadline) throw error;
      await pause(retryMs);
    }
  }
}

/** Jittered, so that many who were refused together do not come back together. */
function retryAfter(error: unknown, wait: number): number | null {
  if (!(error instanceof KubernetesError)) return null;
  if (error.status === 429) return (error.retryAfterMs ?? wait) * (1 + Math.random() / 4);
  return saysConflict(error) && error.object?.kind === 'resourcequotas' ? wait * (0.5 + Math.random()) : null;
}
