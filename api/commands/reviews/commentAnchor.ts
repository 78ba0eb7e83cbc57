import type { Database, Tx } from '#platform/db/database.ts';
import { findComment, type NewComment } from '#platform/db/repositories/reviewComments.ts';
import type { ReviewRecord } from '#platform/db/repositories/reviews.ts';
import { findReviewedItem } from '#platform/db/repositories/snapshots.ts';
import type { CreateComment } from '#shared/contracts/review.ts';
import { AppError } from '#shared/domain/errors.ts';
import { MAX_QUOTED_CHARACTERS } from '#shared/domain/suggestion.ts';
import { textLines } from '#shared/domain/textLines.ts';

/** What a comment is about: snapshot, path, lines and their text, and the thread. */
export type CommentAnchor = Pick<
  NewComment,
  'workspaceItemId' | 'snapshotId' | 'path' | 'lineNumber' | 'endLineNumber' | 'quotedText' | 'parentCommentId'
>;

/** A new comment, the review that it belongs to, and who writes it. */
export interface AnchorRequest {
  review: ReviewRecord;
  body: CreateComment;
  viewerId: number;
}

/**
 * Finds what the comment is about: a file of the present snapshot, or of one that the submitter has refreshed while it was
 * written. Throws INVALID_INPUT for a path or line that no snapshot of the review has.
 */
export async function commentAnchor(database: Database, request: AnchorRequest, tx: Tx): Promise<CommentAnchor> {
  const parentCommentId = await threadOf(database, request, tx);
  const { snapshotId } = request.review;
  const { snapshotItemId, lineNumber } = request.body;
  const nowhere = { workspaceItemId: null, path: null, lineNumber: null, endLineNumber: null, quotedText: null };
  if (snapshotId === null || snapshotItemId === undefined) return { ...nowhere, snapshotId, parentCommentId };
  const item = await findReviewedItem(database, { reviewId: request.review.id, snapshotItemId }, tx);
  if (item === null) throw invalid('snapshotItemId', 'is not a path of a snapshot of this review');
  const place = { workspaceItemId: item.itemId, snapshotId: item.snapshotId, path: item.path, parentCommentId };
  if (lineNumber === undefined) return { ...nowhere, ...place };
  if (item.type !== 'file' || item.encoding !== 'utf8' || item.bytes === null) {
    throw invalid('lineNumber', 'only a text file has lines');
  }
  const endLineNumber = request.body.endLineNumber ?? lineNumber;
  const quotedText = quote(item.bytes.toString('utf8'), lineNumber, endLineNumber);
  return { ...place, lineNumber, endLineNumber, quotedText };
}

/** The lines from `first` to `last`, counted from 1. */
function quote(text: string, first: number, last: number): string {
  const lines = textLines(text);
  if (last > lines.length) {
    throw invalid(first > lines.length ? 'lineNumber' : 'endLineNumber', `the file has ${lines.length} lines`);
  }
  return lines
    .slice(first - 1, last)
    .join('\n')
    .slice(0, MAX_QUOTED_CHARACTERS);
}

/** Threads are one level deep: an answer to an answer joins the thread of the first. */
async function threadOf(database: Database, { review, body, viewerId }: AnchorRequest, tx: Tx): Promise<number | null> {
  if (body.parentCommentId === undefined) return null;
  const key = { reviewId: review.id, commentId: body.parentCommentId, viewerId };
  const parent = await findComment(database, key, tx);
  if (parent === null || parent.publishedAt === null) {
    throw invalid('parentCommentId', 'is not a published comment of this review or an earlier round');
  }
  return parent.parentCommentId ?? parent.id;
}

function invalid(path: string, message: string): AppError {
  return new AppError('INVALID_INPUT', { detail: `${path}: ${message}.`, errors: [{ path, message }] });
}
