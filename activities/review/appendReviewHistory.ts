import { claimLimits } from '#platform/config/claimLimits.ts';
import type { Config } from '#platform/config/config.ts';
import type { Database, Tx } from '#platform/db/database.ts';
import { citeReceipts, type ReceiptRecord } from '#platform/db/repositories/receipts.ts';
import { insertComment } from '#platform/db/repositories/reviewComments.ts';
import { appendHistory, findHistoryByOpId } from '#platform/db/repositories/reviewHistory.ts';
import {
  assignReview,
  claimReview,
  decideReview,
  findReview,
  lockReview,
  publishReviewChange,
  releaseReview,
  withdrawReview,
  type ReviewRecord,
} from '#platform/db/repositories/reviews.ts';
import { endRunningCopies } from '#platform/db/repositories/runningCopies.ts';
import { describeCited } from '#shared/domain/receipt.ts';
import { closedRefusal, decisionRefusal, heldRefusal, type RuleRefusal } from '#shared/domain/reviewRules.ts';
import { holdingRefusal } from '#activities/review/holdingRefusal.ts';
import { describeLapse, endLapsedClaim, tellOfLapse } from '#activities/review/lapsedClaim.ts';
import { toWorkflowRecord } from '#activities/review/readReview.ts';
import { notFound, toRefusal } from '#activities/review/refusals.ts';
import { tellOfTransition } from '#activities/review/tellOfTransition.ts';
import type { Actor, Attempt } from '#activities/review/transitionAttempt.ts';
import { readCitation } from '#activities/review/verdictReceipts.ts';
import type { TransitionInput, TransitionResult } from '#workflows/review/review.ports.ts';

/**
 * Writes one transition: status, holder and history row in one transaction under the review's lock. A repeat of an opId
 * answers as the first time did and writes nothing. What the row does not allow is a result, not an error.
 */
export function appendReviewHistory(
  { database, config }: { database: Database; config: Config },
  input: TransitionInput,
): Promise<TransitionResult> {
  const leaseSeconds = config.REVIEW_CLAIM_SECONDS;
  return database.transaction(async (tx) => {
    const review = await lockReview(database, input.reviewId, tx);
    if (review === null) return notFound();
    const earlier = await findHistoryByOpId(database, { reviewId: review.id, opId: input.opId }, tx);
    if (earlier !== null) return { refused: null, seq: earlier.seq, review: toWorkflowRecord(review) };
    const attempt: Attempt = { review, actor: await findActor(database, input.actorId, tx), input, leaseSeconds };
    const citation = await readCitation(database, { review, input }, tx);
    const refusal =
      refusalOf(attempt) ??
      citation.refusal ??
      (await holdingRefusal(database, { ...attempt, limits: claimLimits(config) }, tx)) ??
      (await write(database, attempt, tx));
    if (refusal !== null) return toRefusal(refusal);
    return finish(database, { ...attempt, receipts: citation.receipts }, tx);
  });
}

function refusalOf({ review, actor, input }: Attempt): RuleRefusal | null {
  const { action, expectedSnapshotId, note, force } = input;
  if (action === 'leaseEnded') return closedRefusal(review);
  if (actor === null || actor.disabled) {
    return { code: 'FORBIDDEN', detail: 'The account does not exist or is disabled.', data: {} };
  }
  return decisionRefusal(action, { review, actor, words: { expectedSnapshotId, note, force: force ?? false } });
}

function notHeld(detail: string): RuleRefusal {
  return { code: 'REVIEW_NOT_CLAIMED', detail, data: {} };
}

async function findActor(database: Database, actorId: number | null, tx: Tx): Promise<Actor | null> {
  if (actorId === null) return null;
  const rows = await database.query<Actor>(
    `SELECT id, username, reviewer_level AS "reviewerLevel", disabled_at IS NOT NULL AS disabled FROM users WHERE id = $1`,
    [actorId],
    tx,
  );
  return rows[0] ?? null;
}

/** Changes the row. Resolves with why the row no longer allows it, or null. */
async function write(database: Database, attempt: Attempt, tx: Tx): Promise<RuleRefusal | null> {
  const { review, input, leaseSeconds } = attempt;
  const reviewId = review.id;
  switch (input.action) {
    case 'claim': {
      // The workflow's timer has not come yet: the history tells the end of the old claim before the new one.
      if (review.claimLapsed) await endLapsedClaim(database, review, tx);
      const won = await claimReview(database, { reviewId, userId: input.actorId ?? 0, leaseSeconds }, tx);
      return won ? null : heldRefusal(review, input.actorId ?? 0);
    }
    case 'release':
    case 'leaseEnded': {
      const onlyExpired = input.action === 'leaseEnded';
      const released = await releaseReview(database, { reviewId, onlyExpired }, tx);
      if (!released) return notHeld(onlyExpired ? 'The claim has not ended.' : 'Nobody holds it.');
      if (onlyExpired) await tellOfLapse(database, review, tx);
      return null;
    }
    case 'reassign':
      return (await assignReview(database, { reviewId, userId: input.assigneeId ?? 0, leaseSeconds }, tx))
        ? null
        : closedRefusal(review);
    case 'approve':
    case 'override':
    case 'reject': {
      await takeOver(database, attempt, tx);
      const status = input.action === 'reject' ? 'rejected' : 'approved';
      await decideReview(database, { reviewId, status }, tx);
      return null;
    }
    case 'withdraw':
      await withdrawReview(database, reviewId, tx);
      return null;
  }
}

/** A verdict by somebody who has not claimed the review begins with a claim of its own, so that the history tells both. */
async function takeOver(database: Database, { review, actor, input, leaseSeconds }: Attempt, tx: Tx): Promise<void> {
  const isHolder = review.assignedTo?.id === actor?.id;
  if (actor === null || (isHolder && review.status === 'in_review')) return;
  const reviewId = review.id;
  const from = isHolder ? null : review.assignedTo;
  if (from !== null) await releaseReview(database, { reviewId, onlyExpired: false }, tx);
  await claimReview(database, { reviewId, userId: actor.id, leaseSeconds }, tx);
  await appendHistory(
    database,
    {
      reviewId,
      opId: `${input.opId}/claim`,
      changedBy: actor.id,
      oldStatus: review.status,
      newStatus: 'in_review',
      description: `claim: ${actor.username} took the review over${from === null ? '' : ` from ${from.username}`}.`,
    },
    tx,
  );
}

async function finish(
  database: Database,
  attempt: Attempt & { receipts: ReceiptRecord[] },
  tx: Tx,
): Promise<TransitionResult> {
  const { review: before, actor, input, receipts } = attempt;
  const after = await findReview(database, before.id, tx);
  if (after === null) throw new Error(`review ${before.id} vanished under its lock`);
  const verdict = input.action === 'approve' || input.action === 'reject' || input.action === 'override';
  if (verdict) await keepSummary(database, attempt, tx);
  const seq = await appendHistory(
    database,
    {
      reviewId: before.id,
      opId: input.opId,
      changedBy: actor?.id ?? null,
      // After a takeover the verdict starts from in_review: no review goes from pending to a verdict.
      oldStatus: verdict ? 'in_review' : before.status,
      newStatus: after.status,
      description: `${describe(attempt, after)}${describeCited(receipts)}`,
    },
    tx,
  );
  await tellOfTransition(database, { ...attempt, after }, tx);
  const ended = verdict || input.action === 'withdraw';
  await citeReceipts(database, { reviewId: before.id, ids: receipts.map(({ id }) => id) }, tx);
  if (ended) await endRunningCopies(database, { reviewId: before.id, actor: actor?.username ?? 'Berth' }, tx);
  await publishReviewChange(
    database,
    {
      reviewId: before.id,
      kinds: verdict ? ['review', 'history', 'comments'] : ['review', 'history'],
      ...(ended ? { sessionId: before.sessionId } : {}),
    },
    tx,
  );
  return { refused: null, seq, review: toWorkflowRecord(after) };
}

/** The verdict's summary is a published comment on the snapshot, where the author reads it; an approval always leaves one. */
async function keepSummary(database: Database, { review, actor, input }: Attempt, tx: Tx): Promise<void> {
  const approval = input.action !== 'reject';
  const text = input.note.trim() === '' && approval ? 'Approved.' : input.note.trim();
  if (actor === null || text === '') return;
  await insertComment(
    database,
    {
      reviewId: review.id,
      commenterId: actor.id,
      workspaceItemId: null,
      snapshotId: review.snapshotId,
      path: null,
      lineNumber: null,
      endLineNumber: null,
      quotedText: null,
      text,
      type: approval ? 'approval' : 'general',
      parentCommentId: null,
      published: true,
    },
    tx,
  );
}

function describe({ review, actor, input }: Attempt, after: ReviewRecord): string {
  const who = actor?.username ?? 'Berth';
  const about = `snapshot ${review.snapshotId ?? 'none'}`;
  switch (input.action) {
    case 'claim':
      return `claim: ${who} took the review until ${after.claimExpiresAt?.toISOString() ?? ''}.`;
    case 'release':
      return `release: ${who} gave the review back.`;
    case 'reassign': {
      const reason = input.note.trim() === '' ? '' : ` Reason: ${input.note.trim()}`;
      const from = review.assignedTo === null ? '' : ` from ${review.assignedTo.username}`;
      return `assign: ${who} gave the review${from} to ${after.assignedTo?.username ?? 'nobody'} until ${after.claimExpiresAt?.toISOString() ?? ''}.${reason}`;
    }
    case 'leaseEnded':
      return describeLapse(review);
    case 'approve':
      return `approve: ${who} approved ${about}.`;
    case 'reject':
      return `reject: ${who} rejected ${about}.`;
    case 'override':
      return `override: ${who} approved ${about} over ${review.openIssues} open issues. Reason: ${input.note.trim()}`;
    case 'withdraw':
      return actor?.id === review.submittedBy.id
        ? `withdraw: ${who} withdrew the review.`
        : `withdraw: ${who} closed the review of ${review.submittedBy.username}. Reason: ${input.note.trim()}`;
  }
}
