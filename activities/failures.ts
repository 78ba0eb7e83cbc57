import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { type ErrorCode } from '#shared/domain/errorCatalogue.ts';
import { isAppError, type AppError } from '#shared/domain/errors.ts';
import { readPodCause } from '#shared/domain/podCause.ts';
import { databaseFailure } from '#platform/db/databaseFailure.ts';
import type { CauseDetail } from '#workflows/session/session.ports.ts';

/** Conditions that another try can find gone. All others would fail again and are not tried again. */
const PASSING: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'AGENT_UNREACHABLE',
  'DATABASE_UNAVAILABLE',
  'TEMPORAL_UNAVAILABLE',
  'RATE_LIMITED',
  'INTERNAL',
  // The pods of sessions that have just closed may still count.
  'POD_REFUSED',
  'RUNTIME_UNAVAILABLE',
]);

/**
 * Maps what an activity threw to what Temporal records: an AppError by its code, a database that does not answer by that
 * one's, a cancellation as it is. Anything else is a fault or an outage of something below and is tried again.
 */
export function toFailure(error: unknown): Error {
  if (error instanceof ApplicationFailure || error instanceof CancelledFailure) return error;
  if (isAppError(error)) return toApplicationFailure(error);
  const failed = databaseFailure(error);
  if (isAppError(failed, 'DATABASE_UNAVAILABLE')) return toApplicationFailure(failed);
  if (error instanceof Error && error.name === 'AbortError') return new CancelledFailure('The activity was cancelled.');
  return error instanceof Error ? error : new Error(String(error));
}

function toApplicationFailure(error: AppError): ApplicationFailure {
  return ApplicationFailure.create({
    message: error.message,
    type: error.code,
    nonRetryable: !PASSING.has(error.code),
    cause: error.cause instanceof Error ? error.cause : undefined,
    details: detailsOf(error),
  });
}

/** The workflow waits for as long as this is told: nothing is known of the pod, so nothing may be decided about it. */
const CLUSTER_UNREACHABLE: CauseDetail = { cause: 'cluster-unreachable', hopeless: false };

/** The runtime's refusals carry their cause; once the tries of the step are used up, further ones are hopeless. */
function detailsOf(error: AppError): CauseDetail[] {
  if (error.code === 'RUNTIME_UNAVAILABLE') return [CLUSTER_UNREACHABLE];
  const cause = readPodCause(error.data['cause']);
  return cause === null ? [] : [{ cause, hopeless: true }];
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
