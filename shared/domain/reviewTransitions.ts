import { isDecided, type ReviewStatus } from '#shared/domain/review.ts';

/** Everything that changes a review's status, holder, snapshot or clocks. `leaseEnded` is the only one without a person. */
export const REVIEW_TRANSITION_ACTIONS = [
  'claim',
  'release',
  'reassign',
  'leaseEnded',
  'approve',
  'reject',
  'override',
  'withdraw',
  'refreshSnapshot',
] as const;
/** One of the things that change a review. */
export type ReviewTransitionAction = (typeof REVIEW_TRANSITION_ACTIONS)[number];

/**
 * The statuses that an action passes through, by the status that it starts from; null where it is illegal. A verdict
 * on a pending review is a takeover: the claim comes first, so that no review goes from pending to a verdict. A pending
 * review may be assigned, and be given back, but it was never claimed.
 */
export const REVIEW_TRANSITIONS: Readonly<
  Record<ReviewTransitionAction, Readonly<Record<ReviewStatus, readonly ReviewStatus[] | null>>>
> = {
  claim: { pending: ['in_review'], in_review: ['in_review'], approved: null, rejected: null },
  release: { pending: ['pending'], in_review: ['in_review'], approved: null, rejected: null },
  reassign: { pending: ['pending'], in_review: ['in_review'], approved: null, rejected: null },
  leaseEnded: { pending: ['pending'], in_review: ['in_review'], approved: null, rejected: null },
  approve: { pending: ['in_review', 'approved'], in_review: ['approved'], approved: null, rejected: null },
  reject: { pending: ['in_review', 'rejected'], in_review: ['rejected'], approved: null, rejected: null },
  override: { pending: ['in_review', 'approved'], in_review: ['approved'], approved: null, rejected: null },
  withdraw: { pending: ['pending'], in_review: ['in_review'], approved: null, rejected: null },
  refreshSnapshot: { pending: ['pending'], in_review: ['in_review'], approved: null, rejected: null },
};

/** The statuses that the action passes through from `status`, the last one being where it ends; null when it is illegal. */
export function statusesOf(action: ReviewTransitionAction, status: ReviewStatus): readonly ReviewStatus[] | null {
  return REVIEW_TRANSITIONS[action][status];
}

/** True while the review waits for a verdict: neither decided nor withdrawn. */
export function isOpenReview(review: { status: ReviewStatus; withdrawn: boolean }): boolean {
  return !review.withdrawn && !isDecided(review.status);
}
