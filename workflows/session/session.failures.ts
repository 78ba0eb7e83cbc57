import { ActivityFailure, ApplicationFailure } from '@temporalio/workflow';
import { readPodCause } from '#shared/domain/podCause.ts';
import type { PhaseReason } from '#shared/domain/session.ts';
import type { CauseDetail } from '#workflows/session/session.ports.ts';

/** A step of opening or recovering failed for good. */
export class StepFailed extends Error {
  readonly reason: PhaseReason;
  /** What the activity told of the pod. */
  readonly told: CauseDetail;

  constructor(reason: PhaseReason, cause: unknown) {
    super(explain(cause), { cause });
    this.name = 'StepFailed';
    this.reason = reason;
    this.told = readCause(cause);
  }
}

/** The innermost message of a failure, which says what went wrong; the outer ones say only which activity it was. */
export function explain(error: unknown): string {
  let innermost = error;
  while (innermost instanceof Error && innermost.cause instanceof Error) innermost = innermost.cause;
  return innermost instanceof Error ? innermost.message : String(innermost);
}

/** True when what sessions run on, or the database, did not answer: whatever the step was, nothing is known that could be decided upon. */
export function isSilence(error: unknown): boolean {
  if (readCause(error).cause === 'cluster-unreachable') return true;
  const failure = error instanceof ActivityFailure ? error.cause : error;
  return failure instanceof ApplicationFailure && failure.type === 'DATABASE_UNAVAILABLE';
}

/** What a failed activity told of the pod; nothing known of any other failure. Never throws. */
export function readCause(error: unknown): CauseDetail {
  if (error instanceof StepFailed) return error.told;
  const failure = error instanceof ActivityFailure ? error.cause : error;
  const told = failure instanceof ApplicationFailure ? (failure.details?.[0] as unknown) : null;
  if (typeof told !== 'object' || told === null) return { cause: null, hopeless: false };
  const { cause, hopeless } = told as Record<string, unknown>;
  return { cause: readPodCause(cause), hopeless: hopeless === true };
}
