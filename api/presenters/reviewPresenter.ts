import type { Caller } from '#api/http/route.ts';
import { availableActions, refuseResolve } from '#api/policies/reviewPolicy.ts';
import type { CommentRecord } from '#platform/db/repositories/reviewComments.ts';
import type { HistoryRecord } from '#platform/db/repositories/reviewHistory.ts';
import type { ReviewRecord } from '#platform/db/repositories/reviews.ts';
import type { SnapshotItemRecord } from '#platform/db/repositories/snapshots.ts';
import type { AssigneeFacts } from '#shared/domain/reviewAssignment.ts';
import type { RuleRefusal } from '#shared/domain/reviewRules.ts';
import type { Assignee, HistoryRow, Review, ReviewComment, SnapshotItem } from '#shared/contracts/review.ts';

type Viewer = Pick<Caller, 'id' | 'reviewerLevel'>;

/** A review as the caller sees it, with what they may do. */
export function presentReview(review: ReviewRecord, viewer: Viewer): Review {
  return {
    id: review.id,
    sessionUuid: review.sessionUuid,
    sessionName: review.sessionName,
    title: review.title,
    description: review.description,
    status: review.status,
    priority: review.priority,
    submittedBy: review.submittedBy,
    assignedTo: review.assignedTo,
    snapshotId: review.snapshotId,
    manifestHash: review.manifestHash,
    round: review.round,
    previousReviewId: review.previousReviewId,
    openIssues: review.openIssues,
    submittedAt: review.submittedAt.toISOString(),
    reviewedAt: presentTime(review.reviewedAt),
    withdrawnAt: presentTime(review.withdrawnAt),
    claimExpiresAt: presentTime(review.claimExpiresAt),
    dueAt: presentTime(review.dueAt),
    changeSeq: review.changeSeq,
    actions: availableActions(viewer, review),
  };
}

/** Somebody who might get a review, with the reason why they cannot now. */
export function presentAssignee({ person, refusal }: { person: AssigneeFacts; refusal: RuleRefusal | null }): Assignee {
  const { id, username, reviewerLevel, held } = person;
  return { person: { id, username, reviewerLevel }, openReviews: held.length, refusal: refusal?.detail ?? null };
}

/** A comment as the caller sees it. */
export function presentComment(comment: CommentRecord, review: ReviewRecord, viewer: Viewer): ReviewComment {
  return {
    id: comment.id,
    reviewId: comment.reviewId,
    author: comment.author,
    snapshotId: comment.snapshotId,
    path: comment.path,
    lineNumber: comment.lineNumber,
    endLineNumber: comment.endLineNumber,
    quotedText: comment.quotedText,
    text: comment.text,
    type: comment.type,
    parentCommentId: comment.parentCommentId,
    isResolved: comment.isResolved,
    resolvedBy: comment.resolvedBy,
    resolvedAt: presentTime(comment.resolvedAt),
    publishedAt: presentTime(comment.publishedAt),
    createdAt: comment.createdAt.toISOString(),
    canResolve: refuseResolve(viewer, review, comment) === null,
  };
}

/** A row of the history. */
export function presentHistoryRow(row: HistoryRecord): HistoryRow {
  return {
    seq: row.seq,
    changedBy: row.changedBy,
    oldStatus: row.oldStatus,
    newStatus: row.newStatus,
    description: row.description,
    rowHash: row.rowHash,
    createdAt: row.createdAt.toISOString(),
  };
}

/** A frozen file or folder, without its content. */
export function presentSnapshotItem(item: SnapshotItemRecord): SnapshotItem {
  const { id, itemId, path, type, encoding, executable, sha256, size } = item;
  return { id, itemId, path, type, encoding, executable, sha256, size };
}

function presentTime(time: Date | null): string | null {
  return time === null ? null : time.toISOString();
}
