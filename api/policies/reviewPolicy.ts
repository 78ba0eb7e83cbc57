import type { Caller } from '#api/http/route.ts';
import type { ReviewAction } from '#shared/contracts/review.ts';
import { AppError } from '#shared/domain/errors.ts';
import { ANY_REVIEW_LEVEL, LEVEL_FOR_PRIORITY, OVERRIDE_LEVEL, type CommentType } from '#shared/domain/review.ts';
import { priorityRefusal, type PriorityChange } from '#shared/domain/reviewPriority.ts';
import {
  closedRefusal,
  decisionRefusal,
  isOwnWork,
  type DecisionAction,
  type DecisionWords,
  type ReviewFacts,
  type RuleRefusal,
} from '#shared/domain/reviewRules.ts';
import { runningCopyRefusal } from '#shared/domain/runningCopy.ts';

/** Who asks. */
type Asker = Pick<Caller, 'id' | 'reviewerLevel'>;

/** What the rules look at in a comment. */
export interface CommentFacts {
  author: { id: number };
  type: CommentType;
  publishedAt: Date | null;
}

/** Level 2 comments on reviews that nobody holds and that they could claim. */
const UNCLAIMED_LEVEL = 2;

/** True when the caller may know that the review exists: its submitter, and once it has a snapshot every reviewer. */
export function mayRead(caller: Asker, review: ReviewFacts): boolean {
  return review.submittedBy.id === caller.id || (review.snapshotId !== null && caller.reviewerLevel >= 1);
}

/** Whether the caller may claim it: a reviewer of the priority's level, not on own work, and nobody holds it. */
export function refuseClaim(caller: Asker, review: ReviewFacts): RuleRefusal | null {
  return refuse('claim', caller, review);
}

/** Whether the caller may give it back: its holder. */
export function refuseRelease(caller: Asker, review: ReviewFacts): RuleRefusal | null {
  return refuse('release', caller, review);
}

/** Whether the caller may approve: the holder or level 4, on the present snapshot, with no open issue. */
export function refuseApprove(
  caller: Asker,
  review: ReviewFacts,
  words: DecisionWords | null = null,
): RuleRefusal | null {
  return decisionRefusal('approve', { review, actor: caller, words });
}

/** Whether the caller may reject: the holder or level 4, on the present snapshot, with an open issue or a summary. */
export function refuseReject(
  caller: Asker,
  review: ReviewFacts,
  words: DecisionWords | null = null,
): RuleRefusal | null {
  return decisionRefusal('reject', { review, actor: caller, words });
}

/** Whether the caller may approve over open issues: level 4 with a reason, on the present snapshot. */
export function refuseOverride(
  caller: Asker,
  review: ReviewFacts,
  words: DecisionWords | null = null,
): RuleRefusal | null {
  return decisionRefusal('override', { review, actor: caller, words });
}

/** Whether the caller may withdraw it: its submitter, or level 4 with a reason. */
export function refuseWithdraw(
  caller: Asker,
  review: ReviewFacts,
  words: DecisionWords | null = null,
): RuleRefusal | null {
  return decisionRefusal('withdraw', { review, actor: caller, words });
}

/** Whether the caller may give it to somebody: level 2 their own claim, level 3 any; with a reason what somebody else holds. */
export function refuseReassign(
  caller: Asker,
  review: ReviewFacts,
  words: DecisionWords | null = null,
): RuleRefusal | null {
  return decisionRefusal('reassign', { review, actor: caller, words });
}

/** Whether the caller may change the priority: the submitter within limits, and level 3; raising it with a reason. */
export function refusePriority(
  caller: Asker,
  review: ReviewFacts,
  change: PriorityChange | null = null,
): RuleRefusal | null {
  return priorityRefusal({ review, actor: caller }, change);
}

/** Whether the caller may freeze the session anew: its submitter. */
export function refuseRefreshSnapshot(caller: Asker, review: ReviewFacts): RuleRefusal | null {
  return refuse('refreshSnapshot', caller, review);
}

/** Whether the caller may write a comment of this kind: the submitter (no approval), the holder, and experienced reviewers. */
export function refuseComment(caller: Asker, review: ReviewFacts, type: CommentType = 'general'): RuleRefusal | null {
  const closed = closedRefusal(review);
  if (closed !== null) return closed;
  if (review.snapshotId === null) return refusal('REVIEW_NOT_READY', 'The snapshot is being made.');
  if (review.submittedBy.id === caller.id) {
    return type === 'approval' ? refusal('REVIEW_OWN_WORK', 'A submitter cannot approve.') : null;
  }
  if (isOwnWork(review, caller.id)) return refusal('REVIEW_OWN_WORK', 'You edited this session.');
  const mayClaim = caller.reviewerLevel >= LEVEL_FOR_PRIORITY[review.priority];
  const unclaimed = review.assignedTo === null && caller.reviewerLevel >= UNCLAIMED_LEVEL && mayClaim;
  if (review.assignedTo?.id === caller.id || caller.reviewerLevel >= ANY_REVIEW_LEVEL || unclaimed) return null;
  return refusal('REVIEW_NOT_CLAIMED', 'You comment on the reviews that you hold.');
}

/**
 * Whether the caller may resolve a comment, or open it again. An issue: who raised it, the holder, or level 4. Anything
 * else: also the submitter and level 3.
 */
export function refuseResolve(caller: Asker, review: ReviewFacts, comment: CommentFacts): RuleRefusal | null {
  const closed = closedRefusal(review);
  if (closed !== null) return closed;
  if (comment.publishedAt === null)
    return refusal('FORBIDDEN', 'A draft has nothing to resolve; publish or delete it.');
  if (comment.author.id === caller.id) return null;
  if (review.submittedBy.id === caller.id && comment.type !== 'issue') return null;
  const neededLevel = comment.type === 'issue' ? OVERRIDE_LEVEL : ANY_REVIEW_LEVEL;
  const reviewer = review.assignedTo?.id === caller.id || caller.reviewerLevel >= neededLevel;
  if (reviewer && !isOwnWork(review, caller.id)) return null;
  const who = comment.type === 'issue' ? 'who raised it, the reviewer who holds the review, or level 4' : 'its people';
  return refusal('FORBIDDEN', `This can be resolved by ${who}.`);
}

/** Whether the caller may run a throw-away copy of the snapshot. */
export function refuseRunningCopy(caller: Asker, review: ReviewFacts): RuleRefusal | null {
  return runningCopyRefusal(review, caller);
}

const REFUSALS: Readonly<Record<ReviewAction, (caller: Asker, review: ReviewFacts) => RuleRefusal | null>> = {
  claim: refuseClaim,
  release: refuseRelease,
  comment: (caller, review) => refuseComment(caller, review),
  approve: (caller, review) => refuseApprove(caller, review),
  reject: (caller, review) => refuseReject(caller, review),
  override: (caller, review) => refuseOverride(caller, review),
  withdraw: (caller, review) => refuseWithdraw(caller, review),
  reassign: (caller, review) => refuseReassign(caller, review),
  priority: (caller, review) => refusePriority(caller, review),
  refreshSnapshot: refuseRefreshSnapshot,
  runCopy: refuseRunningCopy,
};

/** Everything that the caller may do with the review now, by the same functions that refuse it. */
export function availableActions(caller: Asker, review: ReviewFacts): ReviewAction[] {
  const actions = Object.keys(REFUSALS) as ReviewAction[];
  return actions.filter((action) => REFUSALS[action](caller, review) === null);
}

/** Throws a refusal with its code, sentence and data; returns when there is none. */
export function assertAllowed(refused: RuleRefusal | null): void {
  if (refused !== null) throw new AppError(refused.code, { detail: refused.detail, data: refused.data });
}

function refuse(action: DecisionAction, caller: Asker, review: ReviewFacts): RuleRefusal | null {
  return decisionRefusal(action, { review, actor: caller, words: null });
}

function refusal(code: RuleRefusal['code'], detail: string): RuleRefusal {
  return { code, detail, data: {} };
}
