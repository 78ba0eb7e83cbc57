import type { Database, Tx } from '#platform/db/database.ts';
import { insertComment } from '#platform/db/repositories/reviewComments.ts';
import { appendHistory, findHistoryByOpId } from '#platform/db/repositories/reviewHistory.ts';
import { lockReviewAlone, publishReviewChange } from '#platform/db/repositories/reviews.ts';
import { findUserById } from '#platform/db/repositories/users.ts';
import { closedRefusal, refusal } from '#shared/domain/reviewRules.ts';
import { notFound, toRefusal } from '#activities/review/refusals.ts';
import type { BotCommentInput, BotCommentResult } from '#workflows/review/review.ports.ts';

/**
 * Publishes a program's comment on the review as it is now, with the history row that tells of it, in one transaction.
 * Bots advise: the comment is `general`, so it blocks nothing. A repeat of an opId writes nothing.
 */
export function addBotComment(database: Database, input: BotCommentInput): Promise<BotCommentResult> {
  const { reviewId, opId, actorId } = input;
  return database.transaction(async (tx) => {
    const review = await lockReviewAlone(database, reviewId, tx);
    if (review === null) return notFound();
    const earlier = await findHistoryByOpId(database, { reviewId, opId }, tx);
    if (earlier !== null) return { refused: null, seq: earlier.seq };
    const closed = closedRefusal(review);
    if (closed !== null) return toRefusal(closed);
    const bot = await findUserById(database, actorId, tx);
    if (bot === null || !bot.isBot || bot.disabledAt !== null) {
      return toRefusal(refusal('FORBIDDEN', `Account ${actorId} is not a bot that may comment.`));
    }
    await writeComment(database, { ...input, snapshotId: review.snapshotId }, tx);
    const seq = await appendHistory(
      database,
      {
        reviewId,
        opId,
        changedBy: bot.id,
        oldStatus: review.status,
        newStatus: review.status,
        description: `comment: the bot ${bot.username} commented.`,
      },
      tx,
    );
    await publishReviewChange(database, { reviewId, kinds: ['comments', 'history'] }, tx);
    return { refused: null, seq };
  });
}

async function writeComment(
  database: Database,
  { reviewId, actorId, text, snapshotId }: BotCommentInput & { snapshotId: number | null },
  tx: Tx,
): Promise<void> {
  const nowhere = { workspaceItemId: null, path: null, lineNumber: null, endLineNumber: null, quotedText: null };
  await insertComment(
    database,
    {
      ...nowhere,
      reviewId,
      commenterId: actorId,
      snapshotId,
      text,
      type: 'general',
      parentCommentId: null,
      published: true,
    },
    tx,
  );
}
