import { randomUUID } from 'node:crypto';
import { refuseSecondUrgent } from '#api/commands/reviews/changePriority.ts';
import type { ApiDeps } from '#api/deps.ts';
import type { Caller } from '#api/http/route.ts';
import { requireWorkspace } from '#api/policies/runningCopyPolicy.ts';
import { clockSettings } from '#platform/config/reviewClocks.ts';
import type { Tx } from '#platform/db/database.ts';
import { insertIntent } from '#platform/db/repositories/intents.ts';
import {
  findOpenReview,
  findReview,
  insertReview,
  publishReviewChange,
  type ReviewRecord,
} from '#platform/db/repositories/reviews.ts';
import { lockUser } from '#platform/db/repositories/users.ts';
import { lockSession, type SessionRecord } from '#platform/db/repositories/sessions.ts';
import type { SubmitReview } from '#shared/contracts/review.ts';
import { AppError } from '#shared/domain/errors.ts';

/** Whose session is submitted, and with which words. */
export interface Submission {
  caller: Pick<Caller, 'id'>;
  sessionUuid: string;
  body: SubmitReview;
}

/**
 * Writes the review and the wish to start its workflow in one transaction; the snapshot follows by itself. Throws
 * NOT_AUTHENTICATED, NOT_FOUND, REVIEW_OPEN_EXISTS, REVIEW_URGENT_LIMIT, or REVIEW_EMPTY for a closed session without a file.
 */
export function submitReview(
  deps: Pick<ApiDeps, 'config' | 'database'>,
  submission: Submission,
): Promise<ReviewRecord> {
  const { database } = deps;
  return database.transaction(async (tx) => {
    const isUrgent = submission.body.priority === 'urgent';
    // The person before the session, as everywhere: whoever opens a session locks in this order. An account that is erased
    // in this moment waits for this, or this for it.
    const submitter = await lockUser(database, submission.caller.id, tx);
    if (submitter === null || submitter.disabledAt !== null) throw new AppError('NOT_AUTHENTICATED');
    const session = await lockSession(database, submission.sessionUuid, tx);
    if (session === null || session.userId !== submission.caller.id) throw new AppError('NOT_FOUND');
    requireWorkspace(session, 'submitted for review');
    await refuseEmpty(deps, session, tx);
    if (isUrgent) await refuseSecondUrgent(database, { submittedBy: submission.caller.id, exceptId: null }, tx);
    const { body } = submission;
    const previous = await previousRound(deps, { session, previousReviewId: body.previousReviewId ?? null }, tx);
    const reviewId = await insertReview(
      database,
      {
        sessionUuid: session.uuid,
        submittedBy: submission.caller.id,
        title: body.title,
        description: body.description,
        priority: body.priority,
        round: previous === null ? 1 : previous.round + 1,
        previousReviewId: previous?.id ?? null,
        dueSeconds: clockSettings(deps.config).dueSeconds[body.priority],
      },
      tx,
    );
    if (reviewId === null) throw await openReviewExists(deps, session, tx);
    await insertIntent(
      database,
      { subject: 'review', subjectId: reviewId, generation: 0, kind: 'start_review', opId: randomUUID(), payload: {} },
      tx,
    );
    await publishReviewChange(database, { reviewId, kinds: ['review'], sessionId: session.id }, tx);
    const review = await findReview(database, reviewId, tx);
    if (review === null) throw new Error(`review ${reviewId} was inserted and is not there`);
    return review;
  });
}

/** A live session may have files that are only on its volume yet, so only a closed one is empty for sure. */
async function refuseEmpty({ database }: Pick<ApiDeps, 'database'>, session: SessionRecord, tx: Tx): Promise<void> {
  if (session.isActive) return;
  const files = await database.query(
    `SELECT 1 FROM workspace_items WHERE session_id = $1 AND type = 'file' LIMIT 1`,
    [session.id],
    tx,
  );
  if (files.length === 0) throw new AppError('REVIEW_EMPTY');
}

async function previousRound(
  { database }: Pick<ApiDeps, 'database'>,
  wanted: { session: SessionRecord; previousReviewId: number | null },
  tx: Tx,
): Promise<ReviewRecord | null> {
  if (wanted.previousReviewId === null) return null;
  const previous = await findReview(database, wanted.previousReviewId, tx);
  if (previous === null || previous.sessionId !== wanted.session.id) {
    const message = 'is not a review of this session';
    throw new AppError('INVALID_INPUT', {
      detail: `previousReviewId ${message}.`,
      errors: [{ path: 'previousReviewId', message }],
    });
  }
  return previous;
}

async function openReviewExists(
  { database }: Pick<ApiDeps, 'database'>,
  session: SessionRecord,
  tx: Tx,
): Promise<AppError> {
  const reviewId = await findOpenReview(database, session.uuid, tx);
  return new AppError('REVIEW_OPEN_EXISTS', { detail: `It is review ${reviewId}.`, data: { reviewId } });
}
