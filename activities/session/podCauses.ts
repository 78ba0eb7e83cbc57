import { ApplicationFailure } from '@temporalio/activity';
import { AppError, isAppError } from '#shared/domain/errors.ts';
import { readPodCause } from '#shared/domain/podCause.ts';
import type { Database } from '#platform/db/database.ts';
import { writeWaitingCause } from '#platform/db/repositories/sessionCauses.ts';
import type { PodState } from '#platform/runtime/Runtime.ts';
import type { CauseDetail, SessionRef } from '#workflows/session/session.ports.ts';

/** A failure of the pod that no other try of the activity mends: the workflow decides, and is told the cause. */
export function podFailure(message: string, told: CauseDetail): ApplicationFailure {
  return ApplicationFailure.create({ message, type: 'AGENT_UNREACHABLE', nonRetryable: true, details: [told] });
}

/** A pod's state in words for operators. */
export function describeState({ status, cause, detail }: PodState): string {
  return `${status}${cause === null ? '' : `: ${cause}`}${detail ? ` (${detail})` : ''}`;
}

/** What is thrown when nothing can be known of the pod because the runtime does not answer. */
export function runtimeSilent(state: PodState): AppError {
  return new AppError('RUNTIME_UNAVAILABLE', { detail: `Nothing is known of the pod: ${describeState(state)}.` });
}

/** True when it was the runtime that did not answer, and not the pod's node: an answer about the node is knowledge. */
export function isRuntimeSilent({ status, cause }: PodState): boolean {
  return status === 'unknown' && cause !== 'node-lost';
}

/** Does the work; when the runtime refuses it or does not answer, people see the cause at once, while it is tried again. */
export async function showingRefusal<T>(database: Database, ref: SessionRef, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const cause = isAppError(error, 'POD_REFUSED')
      ? readPodCause(error.data['cause'])
      : isAppError(error, 'RUNTIME_UNAVAILABLE')
        ? 'cluster-unreachable'
        : null;
    if (cause !== null) await writeWaitingCause(database, ref, cause);
    throw error;
  }
}
