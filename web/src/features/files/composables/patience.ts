import { isPassing } from '../../../api/problem.ts';

/** Milliseconds before the first try again; each later one waits twice as long, up to the last. */
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 15_000;

/** How a piece of work is tried again. */
export interface Patience {
  signal: AbortSignal;
  /** Told true when the work waits for the connection, and false when it goes on. */
  onWaiting?(waiting: boolean): void;
  /** Waits so many milliseconds; ends sooner when the browser is back online. */
  pause?(milliseconds: number, signal: AbortSignal): Promise<void>;
}

/** Does the work until it succeeds or fails for a reason that waiting does not mend; rejects when it is aborted. */
export async function withPatience<Result>(work: () => Promise<Result>, patience: Patience): Promise<Result> {
  const { signal, onWaiting, pause = untilOnlineOr } = patience;
  for (let wait = FIRST_WAIT_MS; ; wait = Math.min(wait * 2, LONGEST_WAIT_MS)) {
    try {
      const result = await work();
      onWaiting?.(false);
      return result;
    } catch (error) {
      if (signal.aborted || !isPassing(error)) throw error;
      onWaiting?.(true);
      await pause(wait, signal);
      signal.throwIfAborted();
    }
  }
}

function untilOnlineOr(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = new AbortController();
    const end = (): void => {
      clearTimeout(timer);
      done.abort();
      resolve();
    };
    const timer = setTimeout(end, milliseconds);
    addEventListener('online', end, { signal: done.signal });
    signal.addEventListener('abort', end, { signal: done.signal });
  });
}
