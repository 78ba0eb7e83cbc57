import { z } from 'zod';
import { MAX_CITED_RECEIPTS } from '#shared/domain/receipt.ts';
import { COMMENT_TYPES, MIN_REJECTION_SUMMARY, REVIEW_PRIORITIES, REVIEW_STATUSES } from '#shared/domain/review.ts';
import { Person, Timestamp } from '#shared/contracts/user.ts';
import { ItemEncoding } from '#shared/contracts/item.ts';

/** What the caller may do with a review now; decided by the api, so that a page never guesses. */
const REVIEW_ACTIONS = [
  'claim',
  'release',
  'comment',
  'approve',
  'reject',
  'override',
  'withdraw',
  'reassign',
  'priority',
  'refreshSnapshot',
  'runCopy',
] as const;
/** An action on a review. */
export const ReviewAction = z.enum(REVIEW_ACTIONS);
export type ReviewAction = z.infer<typeof ReviewAction>;

/** Runs on the snapshot that a verdict is grounded on. */
const receiptIds = z.array(z.int().positive().max(2_147_483_647)).max(MAX_CITED_RECEIPTS).default([]);

/** A review. `snapshotId` is null until the snapshot is made; such a review is in nobody's queue. */
export const Review = z.object({
  id: z.int(),
  sessionUuid: z.uuid(),
  sessionName: z.string(),
  title: z.string(),
  description: z.string(),
  status: z.enum(REVIEW_STATUSES),
  priority: z.enum(REVIEW_PRIORITIES),
  submittedBy: Person,
  assignedTo: Person.nullable(),
  snapshotId: z.int().nullable(),
  manifestHash: z.string().nullable(),
  round: z.int(),
  previousReviewId: z.int().nullable(),
  openIssues: z.int(),
  submittedAt: Timestamp,
  reviewedAt: Timestamp.nullable(),
  withdrawnAt: Timestamp.nullable(),
  claimExpiresAt: Timestamp.nullable(),
  dueAt: Timestamp.nullable(),
  changeSeq: z.int(),
  actions: z.array(ReviewAction),
});
export type Review = z.infer<typeof Review>;

/** Body of a submission. */
export const SubmitReview = z.strictObject({
  title: z.string().trim().min(1).max(200),
  description: z.string().max(20_000).default(''),
  priority: z.enum(REVIEW_PRIORITIES).default('medium'),
  previousReviewId: z.int().positive().optional(),
});
export type SubmitReview = z.infer<typeof SubmitReview>;

/** Query of the review list. `queue`: reviews that the caller could claim or holds; `submitted`: the caller's own. */
export const ReviewQuery = z.strictObject({
  view: z.enum(['queue', 'submitted', 'all']).default('queue'),
  status: z.enum(REVIEW_STATUSES).optional(),
  cursor: z.string().max(200).optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
});
export type ReviewQuery = z.infer<typeof ReviewQuery>;

/** Body of an approval or a rejection. A verdict is about exact bytes, so it names the snapshot. */
export const GiveVerdict = z.strictObject({
  expectedSnapshotId: z.int().positive(),
  /** A rejection without an open issue needs at least 20 characters. */
  summary: z.string().max(20_000).default(''),
  receiptIds,
});
export type GiveVerdict = z.infer<typeof GiveVerdict>;
/** Body of an approval over open issues by level 4. */
export const OverrideReview = z.strictObject({
  expectedSnapshotId: z.int().positive(),
  reason: z.string().trim().min(MIN_REJECTION_SUMMARY).max(20_000),
  receiptIds,
});
export type OverrideReview = z.infer<typeof OverrideReview>;

/** Body of a reassignment. Without `userId` it goes to the reviewer with the fewest open reviews who can take it. */
export const ReassignReview = z.strictObject({
  userId: z.int().positive().max(2_147_483_647).optional(),
  /** Taking a review from somebody else needs at least 10 characters. */
  reason: z.string().trim().max(2_000).default(''),
  /** Level 4: also to somebody who is away or holds as many reviews as their level may. */
  force: z.boolean().default(false),
});
export type ReassignReview = z.infer<typeof ReassignReview>;

/** Somebody whose level and distance allow them to decide a review. `refusal`: why they cannot get it now; null: they can. */
export const Assignee = z.object({
  person: Person,
  openReviews: z.int(),
  refusal: z.string().nullable(),
});
export type Assignee = z.infer<typeof Assignee>;

/** Body of a withdrawal. The submitter needs no reason; level 4 needs at least 10 characters. */
export const WithdrawReview = z.strictObject({ reason: z.string().trim().max(2_000).default('') });
export type WithdrawReview = z.infer<typeof WithdrawReview>;

/** Body of a change of priority. Raising it needs a reason of at least 10 characters. */
export const ChangePriority = z.strictObject({
  priority: z.enum(REVIEW_PRIORITIES),
  reason: z.string().trim().max(2_000).default(''),
});
export type ChangePriority = z.infer<typeof ChangePriority>;

/** Who could decide a review: reviewers of the level that it needs, level 4 alone, or nobody who has an account now. */
const DECIDERS = ['reviewers', 'level4', 'nobody'] as const;

/** What a submission answers: the review, and a warning where few can decide it. */
export const SubmittedReview = Review.extend({ deciders: z.enum(DECIDERS) });
export type SubmittedReview = z.infer<typeof SubmittedReview>;

/** One file or folder of a snapshot. */
export const SnapshotItem = z.object({
  id: z.int(),
  itemId: z.int(),
  path: z.string(),
  type: z.enum(['file', 'folder', 'symlink']),
  encoding: ItemEncoding,
  executable: z.boolean(),
  sha256: z.string().nullable(),
  size: z.int(),
});
export type SnapshotItem = z.infer<typeof SnapshotItem>;
/** A frozen file with its content. */
export const SnapshotItemWithContent = SnapshotItem.extend({ content: z.string() });
export type SnapshotItemWithContent = z.infer<typeof SnapshotItemWithContent>;

/** A comment; a draft (publishedAt null) is seen by its author alone. */
export const ReviewComment = z.object({
  id: z.int(),
  reviewId: z.int(),
  author: Person,
  snapshotId: z.int().nullable(),
  path: z.string().nullable(),
  lineNumber: z.int().nullable(),
  endLineNumber: z.int().nullable(),
  quotedText: z.string().nullable(),
  text: z.string(),
  type: z.enum(COMMENT_TYPES),
  parentCommentId: z.int().nullable(),
  isResolved: z.boolean(),
  resolvedBy: Person.nullable(),
  resolvedAt: Timestamp.nullable(),
  publishedAt: Timestamp.nullable(),
  createdAt: Timestamp,
  canResolve: z.boolean(),
});
export type ReviewComment = z.infer<typeof ReviewComment>;

/** Query of a review's comments. */
export const CommentQuery = z.strictObject({
  cursor: z.string().max(200).optional(),
  limit: z.coerce.number().int().min(1).max(2_000).default(2_000),
});
export type CommentQuery = z.infer<typeof CommentQuery>;

/** Body of a new comment. It is a draft unless `publish` is true. Line numbers count from 1. */
export const CreateComment = z
  .strictObject({
    text: z.string().trim().min(1).max(20_000),
    type: z.enum(COMMENT_TYPES).default('general'),
    snapshotItemId: z.int().positive().optional(),
    lineNumber: z.int().positive().optional(),
    endLineNumber: z.int().positive().optional(),
    parentCommentId: z.int().positive().optional(),
    publish: z.boolean().default(false),
  })
  .refine((comment) => comment.lineNumber === undefined || comment.snapshotItemId !== undefined, {
    message: 'a line needs a file',
    path: ['snapshotItemId'],
  })
  .refine(
    (comment) =>
      comment.endLineNumber === undefined ||
      (comment.lineNumber !== undefined && comment.endLineNumber >= comment.lineNumber),
    {
      message: 'the range ends before it starts',
      path: ['endLineNumber'],
    },
  );
export type CreateComment = z.infer<typeof CreateComment>;

/** Body of a change of a draft. */
export const UpdateComment = z.strictObject({
  text: z.string().trim().min(1).max(20_000),
  type: z.enum(COMMENT_TYPES).optional(),
});
export type UpdateComment = z.infer<typeof UpdateComment>;

/** One row of a review's history. `changedBy` null: a timer. */
export const HistoryRow = z.object({
  seq: z.int(),
  changedBy: Person.nullable(),
  oldStatus: z.enum(REVIEW_STATUSES).nullable(),
  newStatus: z.enum(REVIEW_STATUSES),
  description: z.string(),
  rowHash: z.string(),
  createdAt: Timestamp,
});
export type HistoryRow = z.infer<typeof HistoryRow>;

/** Result of checking the chain of a review's history. */
export const HistoryVerification = z.object({ valid: z.boolean(), rows: z.int(), firstBadSeq: z.int().nullable() });
export type HistoryVerification = z.infer<typeof HistoryVerification>;
