import type { Database, Tx } from '#platform/db/database.ts';
import { insertNotification } from '#platform/db/repositories/notifications.ts';
import { appendHistory } from '#platform/db/repositories/reviewHistory.ts';
import { releaseReview, type ReviewRecord } from '#platform/db/repositories/reviews.ts';

/**
 * Takes the locked review from a holder whose time has passed: row, history and a notice, in the transaction of the
 * caller, who tells the pages. Drafts stay. False: the claim has not ended by the database's clock.
 */
export async function endLapsedClaim(database: Database, review: ReviewRecord, tx: Tx): Promise<boolean> {
  if (!(await releaseReview(database, { reviewId: review.id, onlyExpired: true }, tx))) return false;
  await appendHistory(
    database,
    {
      reviewId: review.id,
      opId: leaseEndOperation(review),
      changedBy: null,
      oldStatus: review.status,
      newStatus: review.status,
      description: describeLapse(review),
    },
    tx,
  );
  await tellOfLapse(database, review, tx);
  return true;
}

/** Tells who held the review that they do not any more. */
export async function tellOfLapse(database: Database, review: ReviewRecord, tx: Tx): Promise<void> {
  if (review.assignedTo === null) return;
  await insertNotification(
    database,
    {
      userIds: [review.assignedTo.id],
      kind: 'unassigned',
      subject: { reviewId: review.id },
      summary: `Your claim of "${review.title}" by ${review.submittedBy.username} ended without a verdict. Your drafts are kept; anybody can claim it now.`,
      theirTurn: false,
      batchKey: `review-${review.id}-${leaseEndOperation(review)}`,
    },
    tx,
  );
}

/** The sentence of the history. */
export function describeLapse(review: ReviewRecord): string {
  return `release: the claim of ${review.assignedTo?.username ?? 'nobody'} ended without a verdict.`;
}

/** The same claim ends once, whoever notices it. */
function leaseEndOperation(review: ReviewRecord): string {
  return `lease-${review.claimExpiresAt?.toISOString() ?? ''}`;
}
