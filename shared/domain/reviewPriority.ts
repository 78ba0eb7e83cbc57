import { ANY_REVIEW_LEVEL, REVIEW_PRIORITIES, type ReviewPriority } from '#shared/domain/review.ts';
import {
  closedRefusal,
  isOwnWork,
  reasonRefusal,
  refusal,
  type ReviewActor,
  type ReviewFacts,
  type RuleRefusal,
} from '#shared/domain/reviewRules.ts';

/** A priority that somebody wants for a review, and why. */
export interface PriorityChange {
  priority: ReviewPriority;
  note: string;
}

/** True when `to` is more urgent than `from`. */
export function isRaise(from: ReviewPriority, to: ReviewPriority): boolean {
  return REVIEW_PRIORITIES.indexOf(to) > REVIEW_PRIORITIES.indexOf(from);
}

/**
 * Why the person may not change the priority so; null when they may. `change` null asks whether any change is open to
 * them. The submitter lowers at any time and raises while the review was not claimed; level 3 sets any. Raising needs a
 * reason, whoever does it.
 */
export function priorityRefusal(
  { review, actor }: { review: ReviewFacts; actor: ReviewActor },
  change: PriorityChange | null,
): RuleRefusal | null {
  const closed = closedRefusal(review);
  if (closed !== null) return closed;
  const raises = change === null ? null : isRaise(review.priority, change.priority);
  const refused =
    review.submittedBy.id === actor.id ? submitterRefusal(review, raises) : reviewerRefusal(review, actor);
  return refused ?? (raises === true ? reasonRefusal(change, 'Raising the priority') : null);
}

function submitterRefusal(review: ReviewFacts, raises: boolean | null): RuleRefusal | null {
  const mayRaise = review.status === 'pending';
  if (mayRaise || raises === false || (raises === null && review.priority !== 'low')) return null;
  return refusal('FORBIDDEN', 'Once a reviewer has taken it, the submitter can only lower the priority.');
}

function reviewerRefusal(review: ReviewFacts, actor: ReviewActor): RuleRefusal | null {
  if (isOwnWork(review, actor.id)) return refusal('REVIEW_OWN_WORK', 'You edited this session.');
  if (review.snapshotId === null) return refusal('REVIEW_NOT_READY', 'The snapshot is being made.');
  if (actor.reviewerLevel >= ANY_REVIEW_LEVEL) return null;
  const needed = ANY_REVIEW_LEVEL;
  return refusal('REVIEW_LEVEL_TOO_LOW', `Setting the priority needs level ${needed}.`, { needed });
}
