import { setTimeout as pause } from 'node:timers/promises';
import { KubernetesError, saysConflict } from '#platform/runtime/kubernetes/kubernetesError.ts';

/** Requests that change something and run at once in one process. The API server has few seats for them. */
const CHANGES_AT_ONCE = 20;
/** How long, in milliseconds, a change waits for its turn: less than an activity may take, so that its failure says why. */
const SEAT_PATIENCE_MS = 5_000;
/** How long, in milliseconds, a request is tried again while the server has too much to do. */
const PATIENCE_MS = 12_000;
const FIRST_PAUSE_MS = 100;

/** Lets requests through to the API server at the pace that it bears. */
export interface RequestGate {
  /** Runs a request that reads, again after a pause while the server answers 429. */
  read<T>(request: () => Promise<T>): Promise<T>;
  /**
   * The same for one that changes something, a bounded number at once. A 409 by which a quota was counted twice at the
   * same time is tried again too: the server did nothing. Rejects as when no answer came, with nothing sent, when those
   * before it are not answered in time.
   */
  change<T>(request: () => Promise<T>): Promise<T>;
}

/** A gate of its own for each client. `seatPatienceMs`: how long a change waits for its turn. */
export function createRequestGate(seatPatienceMs = SEAT_PATIENCE_MS): RequestGate {
  const waiting = new Set<() => void>();
  let running = 0;

  async function takeSeat(): Promise<void> {
    if (running < CHANGES_AT_ONCE) {
      running += 1;
      return;
    }
    await new Promise<void>((resolve, reject) => {
      const sit = (): void => {
        clearTimeout(timer);
        resolve();
      };
      const timer = setTimeout(() => {
        waiting.delete(sit);
        reject(new KubernetesError('the API server does not answer the changes before this one in time'));
      }, seatPatienceMs);
      waiting.add(sit);
    });
  }

  function leaveSeat(): void {
    const [next] = waiting;
    if (next === undefined) {
      running -= 1;
      return;
    }
    waiting.delete(next);
    next();
  }

  return {
    read: (request) => insist(request),
    async change(request) {
      await takeSeat();
      try {
        return await insist(request);
      } finally {
        leaveSeat();
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
