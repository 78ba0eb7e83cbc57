import { LEVEL_FOR_PRIORITY } from '#shared/domain/review.ts';
import type { ClockKind } from '#shared/domain/reviewClocks.ts';
import type { ReviewRecord } from '#workflows/review/review.ports.ts';

/** True while a review that nobody claimed in time still waits for its first look. */
export function isOverdue(review: ReviewRecord): boolean {
  return review.status === 'pending' && !review.withdrawn && (review.times?.escalatedAt ?? null) !== null;
}

/** The lines of the current details about whose turn it is, what rings when, and what an operator can do. */
export function describeClocks(review: ReviewRecord): string[] {
  const { times } = review;
  if (times === undefined) return [];
  const lines = [`- turn: ${turnOf(review)}, since ${times.turnSince}`];
  if (times.remindedAt !== null && review.status === 'pending') lines.push(`- reminded at ${times.remindedAt}`);
  if (isOverdue(review)) {
    lines.push(
      `- **needs attention**: escalated at ${times.escalatedAt ?? ''}, and nobody has claimed it. Ask somebody of level ${LEVEL_FOR_PRIORITY[review.priority]} or higher to, or grant that level.`,
    );
  }
  for (const { kind, at } of times.clocks) lines.push(`- timer: ${purposeOf(kind, review)} at ${at}`);
  return lines;
}

function turnOf(review: ReviewRecord): string {
  if (review.assignedToName !== null) return review.assignedToName;
  return `the queue, any reviewer of level ${LEVEL_FOR_PRIORITY[review.priority]} or higher`;
}

/** What a clock is for, as the summary of its timer. */
export function purposeOf(kind: ClockKind, review: ReviewRecord): string {
  const holder = review.assignedToName ?? 'nobody';
  switch (kind) {
    case 'reminder':
      return `remind ${review.assignedToName ?? 'a reviewer'} of the first look`;
    case 'escalation':
      return `escalate, for nobody has claimed it`;
    case 'leaseWarning':
      return `warn ${holder} that the claim ends`;
    case 'leaseEnd':
      return `end the claim of ${holder}`;
  }
}
