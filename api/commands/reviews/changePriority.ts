import { randomUUID } from 'node:crypto';
import { loadReview } from '#api/commands/reviews/loadReview.ts';
import type { ApiDeps } from '#api/deps.ts';
import type { Caller } from '#api/http/route.ts';
import { assertAllowed, mayRead, refusePriority } from '#api/policies/reviewPolicy.ts';
import { clockSettings } from '#platform/config/reviewClocks.ts';
import type { Database, Tx } from '#platform/db/database.ts';
import { insertIntent } from '#platform/db/repositories/intents.ts';
import { insertNotification } from '#platform/db/repositories/notifications.ts';
import { rearmDue } from '#platform/db/repositories/reviewClocks.ts';
import { appendHistory } from '#platform/db/repositories/reviewHistory.ts';
import {
  findOpenUrgent,
  lockReview,
  publishReviewChange,
  releaseReview,
  setPriority,
  type ReviewRecord,
} from '#platform/db/repositories/reviews.ts';
import { lockUser } from '#platform/db/repositories/users.ts';
import { AppError } from '#shared/domain/errors.ts';
import { LEVEL_FOR_PRIORITY } from '#shared/domain/review.ts';
import type { PriorityChange } from '#shared/domain/reviewPriority.ts';

/** Who changes the priority of which review. */
export interface PriorityScope {
  caller: Pick<Caller, 'id' | 'reviewerLevel' | 'username'>;
  reviewId: number;
}

/**
 * Sets the priority in one transaction with its history row. What is due is counted from the submission; a claim by
 * somebody whose level is too low for the new priority ends; the workflow is told by the outbox, so that a crash in this
 * moment loses nothing. The same priority again changes nothing.
 */
export async function changePriority(
  deps: Pick<ApiDeps, 'database' | 'config'>,
  scope: PriorityScope,
  change: PriorityChange,
): Promise<ReviewRecord> {
  const { database } = deps;
  await database.transaction(async (tx) => {
    // The person before the session, as everywhere: whoever opens a session locks in this order.
    await lockUser(database, scope.caller.id, tx);
    const review = await lockReview(database, scope.reviewId, tx);
    if (review === null || !mayRead(scope.caller, review)) throw new AppError('NOT_FOUND');
    assertAllowed(refusePriority(scope.caller, review, change));
    if (change.priority === review.priority) return;
    if (change.priority === 'urgent' && review.submittedBy.id === scope.caller.id) {
      await refuseSecondUrgent(database, { submittedBy: scope.caller.id, exceptId: review.id }, tx);
    }
    const dueSeconds = clockSettings(deps.config).dueSeconds[change.priority];
    await write(database, { scope, review, change, dueSeconds, opId: randomUUID() }, tx);
  });
  return loadReview(deps, scope.caller, { id: scope.reviewId });
}

/** Throws REVIEW_URGENT_LIMIT when the person has another open urgent review. The caller holds the person's lock. */
export async function refuseSecondUrgent(
  database: Database,
  wanted: { submittedBy: number; exceptId: number | null },
  tx: Tx,
): Promise<void> {
  const reviewId = await findOpenUrgent(database, wanted, tx);
  if (reviewId === null) return;
  throw new AppError('REVIEW_URGENT_LIMIT', { detail: `It is review ${reviewId}.`, data: { reviewId } });
}

interface Writing {
  scope: PriorityScope;
  review: ReviewRecord;
  change: PriorityChange;
  /** When the first look is due by the new priority, from the submission. */
  dueSeconds: number;
  opId: string;
}

async function write(database: Database, writing: Writing, tx: Tx): Promise<void> {
  const { scope, review, change, dueSeconds, opId } = writing;
  const { caller } = scope;
  await setPriority(database, { reviewId: review.id, priority: change.priority }, tx);
  await rearmDue(database, { reviewId: review.id, dueSeconds }, tx);
  const why = change.note.trim() === '' ? '' : ` Reason: ${change.note.trim()}`;
  await appendHistory(
    database,
    {
      reviewId: review.id,
      opId,
      changedBy: caller.id,
      oldStatus: review.status,
      newStatus: review.status,
      description: `priority: ${caller.username} changed the priority from ${review.priority} to ${change.priority}.${why}`,
    },
    tx,
  );
  const released = await releaseIfTooLow(database, writing, tx);
  await tellPeople(database, { ...writing, released }, tx);
  await insertIntent(
    database,
    // `changed`: the workflow runs already and is to read its row again.
    { subject: 'review', subjectId: review.id, generation: 0, kind: 'start_review', opId, payload: { changed: true } },
    tx,
  );
  await publishReviewChange(
    database,
    { reviewId: review.id, kinds: ['review', 'history'], sessionId: review.sessionId },
    tx,
  );
}

/** Ends the claim of somebody who could not decide the review at its new priority. */
async function releaseIfTooLow(database: Database, { scope, review, change, opId }: Writing, tx: Tx): Promise<boolean> {
  const holder = review.assignedTo;
  const needed = LEVEL_FOR_PRIORITY[change.priority];
  if (holder === null || holder.reviewerLevel >= needed) return false;
  await releaseReview(database, { reviewId: review.id, onlyExpired: false }, tx);
  await appendHistory(
    database,
    {
      reviewId: review.id,
      opId: `${opId}/release`,
      changedBy: scope.caller.id,
      oldStatus: review.status,
      newStatus: review.status,
      description: `release: ${holder.username} does not hold the review any more; priority ${change.priority} needs level ${needed}.`,
    },
    tx,
  );
  return true;
}

async function tellPeople(
  database: Database,
  { scope, review, change, opId, released }: Writing & { released: boolean },
  tx: Tx,
): Promise<void> {
  const notice = { subject: { reviewId: review.id }, theirTurn: false, batchKey: `review/${review.id}/${opId}` };
  const what = `${scope.caller.username} changed the priority of “${review.title}” from ${review.priority} to ${change.priority}`;
  const notCaller = (id: number | undefined): number[] => (id === undefined || id === scope.caller.id ? [] : [id]);
  const holder = notCaller(review.assignedTo?.id);
  if (released) {
    const summary = `${what}, which needs a higher level: it is not with you any more.`;
    await insertNotification(database, { ...notice, userIds: holder, kind: 'unassigned', summary }, tx);
  }
  const others = [...(released ? [] : holder), ...notCaller(review.submittedBy.id)];
  await insertNotification(database, { ...notice, userIds: others, kind: 'priority', summary: `${what}.` }, tx);
}
