/** The statuses of a review, forward only. */
export const REVIEW_STATUSES = ['pending', 'in_review', 'approved', 'rejected'] as const;
/** A status of a review. */
export type ReviewStatus = (typeof REVIEW_STATUSES)[number];

/** Priorities of a review; they order the queue and set the clocks. */
export const REVIEW_PRIORITIES = ['low', 'medium', 'high', 'urgent'] as const;
/** A priority of a review. */
export type ReviewPriority = (typeof REVIEW_PRIORITIES)[number];

/** Kinds of comments; only an unresolved `issue` blocks an approval. */
export const COMMENT_TYPES = ['general', 'suggestion', 'issue', 'question', 'approval'] as const;
/** A kind of comment. */
export type CommentType = (typeof COMMENT_TYPES)[number];

/** The reviewer level that claiming and deciding need, by priority. */
export const LEVEL_FOR_PRIORITY: Readonly<Record<ReviewPriority, number>> = { low: 1, medium: 1, high: 2, urgent: 3 };

/** The level that may override and grant levels. */
export const OVERRIDE_LEVEL = 4;

/** The level that may assign any review, set any priority, and comment on and resolve in every review. */
export const ANY_REVIEW_LEVEL = 3;

/** The level that may hand its own claim to somebody else. */
export const HAND_OVER_LEVEL = 2;

/** A rejection without an open issue needs a summary of at least so many characters. */
export const MIN_REJECTION_SUMMARY = 20;

/** The reason for a raised priority, a takeover or a withdrawal by level 4 has at least so many characters. */
export const MIN_REASON = 10;

/** True once the review has a verdict. */
export function isDecided(status: ReviewStatus): boolean {
  return status === 'approved' || status === 'rejected';
}

/** The Temporal workflow id of a review. */
export function reviewWorkflowId(id: number): string {
  return `review/${id}`;
}
