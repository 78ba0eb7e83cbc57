import type { Database, Tx } from '#platform/db/database.ts';
import { insertNotification } from '#platform/db/repositories/notifications.ts';
import { findThreadAuthors, type CommentRecord } from '#platform/db/repositories/reviewComments.ts';
import { publishReviewChange, type ReviewRecord } from '#platform/db/repositories/reviews.ts';

/** Comments that were published together. */
export interface PublishedBatch {
  author: { id: number; username: string };
  comments: readonly CommentRecord[];
}

/**
 * Tells what was published, in its transaction: the pages by one event, and each person concerned by one notification for
 * the whole batch. What a reviewer asks is the submitter's turn; what the submitter answers is the holder's.
 */
export async function tellPublished(
  database: Database,
  review: ReviewRecord,
  { author, comments, tx }: PublishedBatch & { tx: Tx },
): Promise<void> {
  const first = comments[0];
  if (first === undefined) return;
  await publishReviewChange(database, { reviewId: review.id, kinds: ['comments'] }, tx);
  const bySubmitter = author.id === review.submittedBy.id;
  const asks = comments.some(({ type, isResolved }) => type !== 'approval' && !isResolved);
  const turn = bySubmitter ? review.assignedTo?.id : asks ? review.submittedBy.id : undefined;
  const concerned = new Set([
    review.submittedBy.id,
    ...(review.assignedTo === null ? [] : [review.assignedTo.id]),
    ...(await findThreadAuthors(
      database,
      comments.map(({ id }) => id),
      tx,
    )),
  ]);
  concerned.delete(author.id);
  const count = comments.length === 1 ? 'a comment' : `${comments.length} comments`;
  const notice = {
    kind: 'comments' as const,
    subject: { reviewId: review.id },
    summary: `${author.username} published ${count} on “${review.title}”.`,
    batchKey: `comments/${first.id}`,
  };
  const others = [...concerned].filter((id) => id !== turn);
  const theirs = [...concerned].filter((id) => id === turn);
  if (theirs.length > 0) await insertNotification(database, { ...notice, userIds: theirs, theirTurn: true }, tx);
  if (others.length > 0) await insertNotification(database, { ...notice, userIds: others, theirTurn: false }, tx);
}
