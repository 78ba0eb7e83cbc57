import { LEVEL_FOR_PRIORITY } from '#shared/domain/review.ts';
import { closedRefusal, isOwnWork, type ReviewFacts, type RuleRefusal } from '#shared/domain/reviewRules.ts';

/** Level 3 runs copies of every review, not only of what they hold or could claim. */
const ANY_REVIEW_LEVEL = 3;
/** Level 2 runs copies of reviews that nobody holds and that they could claim. */
const UNCLAIMED_LEVEL = 2;

/** Whose right to a copy is asked about, with the level that they have now. */
interface CopyOwner {
  id: number;
  reviewerLevel: number;
}

/**
 * Why the person may not run a throw-away copy of the review's snapshot, null when they may: its submitter, its holder, level 2
 * while nobody holds what they could claim, and from level 3 on everybody who did not edit it. With the verdict or the
 * withdrawal all of them lose it. Asked when a copy is opened and again and again while it is there.
 */
export function runningCopyRefusal(review: ReviewFacts, person: CopyOwner): RuleRefusal | null {
  const closed = closedRefusal(review);
  if (closed !== null) return closed;
  if (review.snapshotId === null) return refusal('REVIEW_NOT_READY', 'The snapshot is being made.');
  if (review.submittedBy.id === person.id) return null;
  if (isOwnWork(review, person.id)) return refusal('REVIEW_OWN_WORK', 'You edited this session.');
  const { reviewerLevel } = person;
  const holds = review.assignedTo?.id === person.id && reviewerLevel >= 1;
  const couldClaim = reviewerLevel >= UNCLAIMED_LEVEL && reviewerLevel >= LEVEL_FOR_PRIORITY[review.priority];
  if (holds || reviewerLevel >= ANY_REVIEW_LEVEL || (review.assignedTo === null && couldClaim)) return null;
  return refusal('REVIEW_NOT_CLAIMED', 'You run copies of the reviews that you hold.');
}

function refusal(code: RuleRefusal['code'], detail: string): RuleRefusal {
  return { code, detail, data: {} };
}
