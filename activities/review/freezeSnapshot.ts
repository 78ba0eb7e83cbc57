import type { Database, Tx } from '#platform/db/database.ts';
import { appendHistory, findHistoryByOpId } from '#platform/db/repositories/reviewHistory.ts';
import { lockReview, publishReviewChange, setSnapshot, type ReviewRecord } from '#platform/db/repositories/reviews.ts';
import { tellRunningCopies } from '#platform/db/repositories/runningCopies.ts';
import { countSnapshotFiles, createSnapshot, type CreatedSnapshot } from '#platform/db/repositories/snapshots.ts';
import { closedRefusal, decisionRefusal } from '#shared/domain/reviewRules.ts';
import { readReview } from '#activities/review/readReview.ts';
import { notFound, toRefusal } from '#activities/review/refusals.ts';
import { tellOfRefresh } from '#activities/review/tellOfTransition.ts';
import type { FreezeResult, ReviewActivities } from '#workflows/review/review.ports.ts';

type FreezeInput = Parameters<ReviewActivities['freezeSnapshot']>[0];

const NOT_SYNCED =
  'The open session did not answer in time, so the snapshot holds what was saved in Berth; a change made in its terminal a moment before may be missing.';

/** Freezes the session and points the review at the snapshot, with the history row that says so, in one transaction. */
export function freezeSnapshot(database: Database, input: FreezeInput): Promise<FreezeResult> {
  return database.transaction(async (tx) => {
    const review = await lockReview(database, input.reviewId, tx);
    if (review === null) return notFound();
    const earlier = await findHistoryByOpId(database, { reviewId: review.id, opId: input.opId }, tx);
    if (earlier !== null) return frozen(database, { reviewId: review.id, seq: earlier.seq }, tx);
    const actor = input.actorId === null ? null : { id: input.actorId, reviewerLevel: 0 };
    const refusal =
      actor === null ? closedRefusal(review) : decisionRefusal('refreshSnapshot', { review, actor, words: null });
    if (refusal !== null) return toRefusal(refusal);
    const createdBy = review.submittedBy.id;
    const snapshot = await createSnapshot(database, { sessionId: review.sessionId, createdBy }, tx);
    await setSnapshot(database, { reviewId: review.id, snapshotId: snapshot.id }, tx);
    await tellRunningCopies(database, review.id, tx);
    const seq = await appendHistory(
      database,
      {
        reviewId: review.id,
        opId: input.opId,
        changedBy: createdBy,
        oldStatus: review.snapshotId === null ? null : review.status,
        newStatus: review.status,
        description: describe(review, snapshot, input.synced),
      },
      tx,
    );
    await tellOfRefresh(database, { review, opId: input.opId }, tx);
    await publishReviewChange(
      database,
      { reviewId: review.id, kinds: ['review', 'history'], sessionId: review.sessionId },
      tx,
    );
    return frozen(database, { reviewId: review.id, seq }, tx);
  });
}

function describe(review: ReviewRecord, snapshot: CreatedSnapshot, synced: boolean): string {
  const files = `${snapshot.files} ${snapshot.files === 1 ? 'file' : 'files'}`;
  const what =
    review.snapshotId === null
      ? `submit: snapshot ${snapshot.id} with ${files}`
      : `snapshot: ${snapshot.id} with ${files} replaces ${review.snapshotId}`;
  return `${what} (${snapshot.manifestHash.slice(0, 12)}).${synced ? '' : ` ${NOT_SYNCED}`}`;
}

async function frozen(database: Database, operation: { reviewId: number; seq: number }, tx: Tx): Promise<FreezeResult> {
  const review = await readReview(database, operation.reviewId, tx);
  if (review === null || review.snapshotId === null) throw new Error(`review ${operation.reviewId} has no snapshot`);
  const files = await countSnapshotFiles(database, review.snapshotId, tx);
  return { refused: null, seq: operation.seq, snapshotId: review.snapshotId, files, review };
}
