import { randomUUID } from 'node:crypto';
import type { ApiDeps } from '#api/deps.ts';
import type { Caller } from '#api/http/route.ts';
import { assertAllowed, mayRead, refuseComment, refuseResolve } from '#api/policies/reviewPolicy.ts';
import { commentAnchor } from '#api/commands/reviews/commentAnchor.ts';
import { tellPublished } from '#api/commands/reviews/commentNotice.ts';
import type { Tx } from '#platform/db/database.ts';
import {
  deleteDraft,
  findComment,
  hasDraftOfType,
  insertComment,
  publishDrafts,
  setResolved,
  updateDraft,
  type CommentRecord,
} from '#platform/db/repositories/reviewComments.ts';
import { appendHistory } from '#platform/db/repositories/reviewHistory.ts';
import { lockReviewAlone, publishReviewChange, type ReviewRecord } from '#platform/db/repositories/reviews.ts';
import type { CreateComment, UpdateComment } from '#shared/contracts/review.ts';
import { AppError } from '#shared/domain/errors.ts';

type Deps = Pick<ApiDeps, 'database'>;

/** Who acts on which review. */
export interface CommentScope {
  caller: Pick<Caller, 'id' | 'reviewerLevel' | 'username'>;
  reviewId: number;
}

/** A comment with the review that it is presented by. */
export interface CommentOutcome {
  comment: CommentRecord;
  review: ReviewRecord;
}

/** Writes a comment: a draft that its author alone sees, or a published one. Lines are quoted from the frozen bytes. */
export function createComment(deps: Deps, scope: CommentScope, body: CreateComment): Promise<CommentOutcome> {
  return underLock(deps, scope, async (review, tx) => {
    assertAllowed(refuseComment(scope.caller, review, body.type));
    const anchor = await commentAnchor(deps.database, { review, body, viewerId: scope.caller.id }, tx);
    const commentId = await insertComment(
      deps.database,
      {
        reviewId: review.id,
        commenterId: scope.caller.id,
        ...anchor,
        text: body.text,
        type: body.type,
        published: body.publish,
      },
      tx,
    );
    const written = await reread(deps, scope, { commentId, tx });
    if (body.publish) {
      await tellPublished(deps.database, review, { author: scope.caller, comments: [written.comment], tx });
    }
    return written;
  });
}

/**
 * Changes a draft, also of a review that has ended: what was written is never lost. Throws COMMENT_PUBLISHED for a
 * published comment, and DRAFT_CHANGED, with what is there now, for a draft that another tab has saved meanwhile.
 */
export function updateComment(
  deps: Deps,
  scope: CommentScope & { commentId: number },
  body: UpdateComment,
): Promise<CommentOutcome> {
  return underLock(deps, scope, async (_review, tx) => {
    const draft = await loadDraft(deps, scope, tx);
    refuseOtherRevision(draft, body.revision);
    const { commentId } = scope;
    await updateDraft(deps.database, { commentId, text: body.text, type: body.type ?? draft.type }, tx);
    return reread(deps, scope, { commentId, tx });
  });
}

/** Throws a draft away. Throws COMMENT_PUBLISHED for a published comment. */
export function deleteComment(deps: Deps, scope: CommentScope & { commentId: number }): Promise<void> {
  return underLock(deps, scope, async (_review, tx) => {
    await loadDraft(deps, scope, tx);
    await deleteDraft(deps.database, scope.commentId, tx);
  });
}

/**
 * Publishes all of the caller's drafts, or the one that is named: one transaction, one event, one notification for each
 * person. Throws COMMENT_PUBLISHED for one that is published already.
 */
export function publishComments(
  deps: Deps,
  scope: CommentScope & { commentId?: number },
): Promise<{ comments: CommentRecord[]; review: ReviewRecord }> {
  return underLock(deps, scope, async (review, tx) => {
    const { caller, commentId } = scope;
    if (commentId !== undefined) await loadDraft(deps, { ...scope, commentId }, tx);
    const chosen = commentId === undefined ? {} : { commentId };
    const drafts = { reviewId: review.id, commenterId: caller.id, ...chosen };
    const approves = await hasDraftOfType(deps.database, { ...drafts, type: 'approval' }, tx);
    assertAllowed(refuseComment(caller, review, approves ? 'approval' : 'general'));
    const comments = await publishDrafts(deps.database, drafts, tx);
    await tellPublished(deps.database, review, { author: caller, comments, tx });
    return { comments, review: await lockedReview(deps, scope, tx) };
  });
}

/**
 * Resolves a comment of this review or of an earlier round, or opens it again; the history of this review says so. Doing
 * it twice changes nothing.
 */
export function resolveComment(
  deps: Deps,
  scope: CommentScope & { commentId: number },
  resolved: boolean,
): Promise<CommentOutcome> {
  return underLock(deps, scope, async (review, tx) => {
    const { commentId, caller } = scope;
    const comment = await loadComment(deps, scope, tx);
    assertAllowed(refuseResolve(caller, review, comment));
    const changed = await setResolved(deps.database, { commentId, resolved, userId: caller.id }, tx);
    if (changed) {
      const verb = resolved ? 'resolved' : 'opened again';
      await appendHistory(
        deps.database,
        {
          reviewId: review.id,
          opId: randomUUID(),
          changedBy: caller.id,
          oldStatus: review.status,
          newStatus: review.status,
          description: `resolve: ${caller.username} ${verb} ${nameOf(comment)}.`,
        },
        tx,
      );
      // The count of open issues is the review's, so pages load both on the event of comments.
      await publishReviewChange(deps.database, { reviewId: review.id, kinds: ['history', 'comments'] }, tx);
      if (comment.reviewId !== review.id) {
        await publishReviewChange(deps.database, { reviewId: comment.reviewId, kinds: ['comments'] }, tx);
      }
    }
    return reread(deps, scope, { commentId, tx });
  });
}

/** Runs under the review's lock, so that no verdict falls between a comment's check and its writing. */
function underLock<T>(deps: Deps, scope: CommentScope, work: (review: ReviewRecord, tx: Tx) => Promise<T>): Promise<T> {
  return deps.database.transaction(async (tx) => work(await lockedReview(deps, scope, tx), tx));
}

async function lockedReview(deps: Deps, scope: CommentScope, tx: Tx): Promise<ReviewRecord> {
  const review = await lockReviewAlone(deps.database, scope.reviewId, tx);
  if (review === null || !mayRead(scope.caller, review)) throw new AppError('NOT_FOUND');
  return review;
}

async function loadComment(deps: Deps, scope: CommentScope & { commentId: number }, tx: Tx): Promise<CommentRecord> {
  const { reviewId, commentId, caller } = scope;
  const comment = await findComment(deps.database, { reviewId, commentId, viewerId: caller.id }, tx);
  if (comment === null) throw new AppError('NOT_FOUND');
  return comment;
}

async function loadDraft(deps: Deps, scope: CommentScope & { commentId: number }, tx: Tx): Promise<CommentRecord> {
  const comment = await loadComment(deps, scope, tx);
  if (comment.publishedAt !== null) throw new AppError('COMMENT_PUBLISHED');
  return comment;
}

async function reread(
  deps: Deps,
  scope: CommentScope,
  { commentId, tx }: { commentId: number; tx: Tx },
): Promise<CommentOutcome> {
  const comment = await loadComment(deps, { ...scope, commentId }, tx);
  return { comment, review: await lockedReview(deps, scope, tx) };
}

function refuseOtherRevision(draft: CommentRecord, expected: number | undefined): void {
  if (expected === undefined || expected === draft.revision) return;
  const { revision, text, type } = draft;
  throw new AppError('DRAFT_CHANGED', {
    detail: `It has revision ${revision} now, not ${expected}.`,
    data: { revision, text, type },
  });
}

function nameOf({ id, type, path }: CommentRecord): string {
  return `${type === 'issue' ? 'issue' : `comment (${type})`} ${id}${path === null ? '' : ` in ${path}`}`;
}
