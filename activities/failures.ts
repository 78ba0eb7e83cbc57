import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { isAppError, type ErrorCode } from '#shared/domain/errors.ts';

/** Conditions that another try can find gone. All others would fail again and are not tried again. */
const PASSING: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'AGENT_UNREACHABLE',
  'DATABASE_UNAVAILABLE',
  'TEMPORAL_UNAVAILABLE',
  'RATE_LIMITED',
  'INTERNAL',
]);

/**
 * Maps what an activity threw to what Temporal records: an AppError by its code, a cancellation as it is. Anything else is
 * a fault or an outage of something below and is tried again.
 */
export function toFailure(error: unknown): Error {
  if (error instanceof ApplicationFailure || error instanceof CancelledFailure) return error;
  if (isAppError(error)) {
    return ApplicationFailure.create({
      message: error.message,
      type: error.code,
      nonRetryable: !PASSING.has(error.code),
      cause: error.cause instanceof Error ? error.cause : undefined,
    });
  }
  if (error instanceof Error && error.name === 'AbortError') return new CancelledFailure('The activity was cancelled.');
  return error instanceof Error ? error : new Error(String(error));
}

/** Makes every activity of the set fail through toFailure. */
export function mapFailures<Activities extends object>(activities: Activities): Activities {
  const mapped = Object.entries(activities).map(([name, activity]) => [
    name,
    async (...input: unknown[]) => {
      try {
        return await (activity as (...input: unknown[]) => Promise<unknown>)(...input);
      } catch (error) {
        throw toFailure(error);
      }
    },
  ]);
  return Object.fromEntries(mapped) as Activities;
}
