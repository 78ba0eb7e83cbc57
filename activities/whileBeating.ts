import { Context } from '@temporalio/activity';

/**
 * Heartbeats every so many milliseconds while the work of an activity runs, also through one long call, so that only a
 * dead worker is taken for one. Resolves or rejects as the work does.
 */
export async function whileBeating<T>(everyMs: number, work: () => Promise<T>): Promise<T> {
  const context = Context.current();
  const timer = setInterval(() => context.heartbeat(), everyMs);
  try {
    return await work();
  } finally {
    clearInterval(timer);
  }
}
