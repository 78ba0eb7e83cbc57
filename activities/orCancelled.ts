import { Context } from '@temporalio/activity';

/**
 * Waits for the work, or rejects once the activity is cancelled or its worker ends, for what cannot be told to stop. What
 * becomes of the work then is nobody's business any more.
 */
export function orCancelled<T>(work: Promise<T>): Promise<T> {
  work.catch(() => undefined);
  return Promise.race([work, Context.current().cancelled]);
}
