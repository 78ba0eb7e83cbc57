import type { Transaction } from 'sequelize';
import { createRunWithin } from '#api/commands/runs/createRun.ts';
import type { ApiDeps } from '#api/deps.ts';
import type { Caller } from '#api/http/route.ts';
import { assertAllowed, mayRead, refuseRunningCopy } from '#api/policies/reviewPolicy.ts';
import { publishSessionEvent } from '#platform/db/repositories/events.ts';
import { requireRoomForLiveSession } from '#platform/db/repositories/liveLimit.ts';
import { findReceipts, type ReceiptRecord } from '#platform/db/repositories/receipts.ts';
import { findReview, lockReviewAlone, type ReviewRecord } from '#platform/db/repositories/reviews.ts';
import { findLiveCopy, insertRunningCopy } from '#platform/db/repositories/runningCopies.ts';
import { requestClose, requestOpen } from '#platform/db/repositories/sessionRequests.ts';
import { findSessionById, type SessionRecord } from '#platform/db/repositories/sessions.ts';
import { readVerifiedSnapshot } from '#platform/db/repositories/snapshots.ts';
import { fillTree, type CopiedItem } from '#platform/db/repositories/treeCopies.ts';
import { insertWarmVolume } from '#platform/db/repositories/volumes.ts';
import { claimWarmSlot } from '#platform/db/repositories/warmSlots.ts';
import type { CreateRun } from '#shared/contracts/run.ts';
import { AppError } from '#shared/domain/errors.ts';

type Deps = Pick<ApiDeps, 'database' | 'config'>;

/** Who wants a copy of which review's snapshot. */
export interface CopyScope {
  caller: Pick<Caller, 'id' | 'username' | 'reviewerLevel'>;
  reviewId: number;
}

/**
 * The caller's live copy of the review's snapshot; one is made and opened when they have none, or want another in its place.
 * Throws NOT_FOUND, why they may not run it, SESSION_LIMIT, SESSION_TOO_LARGE.
 */
export async function openRunningCopy(
  deps: Deps,
  scope: CopyScope,
  { replace }: { replace: boolean },
): Promise<SessionRecord> {
  const frozen = await prepare(deps, scope, { replace });
  return deps.database.transaction(async (tx) => {
    const review = await lockRunnable(deps, scope, tx);
    const live = await findLiveCopy(deps.database, { reviewId: review.id, userId: scope.caller.id }, tx);
    if (live !== null && !replace) return live;
    if (live !== null) {
      await requestClose(deps.database, live, { actor: scope.caller.username, reason: 'user' }, tx);
    }
    return makeCopy(deps, { scope, review, frozen, replaced: live }, tx);
  });
}

/**
 * Runs a command in the caller's copy, which is opened for it when they have none. When the run is refused no copy is opened.
 * Throws as openRunningCopy and createRun do, and RUNNING_COPY_STALE when their copy is of an older snapshot.
 */
export async function runOnSnapshot(deps: Deps, scope: CopyScope, wanted: CreateRun): Promise<ReceiptRecord> {
  const { database } = deps;
  const frozen = await prepare(deps, scope, { replace: false });
  const runId = await database.transaction(async (tx) => {
    const review = await lockRunnable(deps, scope, tx);
    const live = await findLiveCopy(database, { reviewId: review.id, userId: scope.caller.id }, tx);
    const copy = live ?? (await makeCopy(deps, { scope, review, frozen, replaced: null }, tx));
    const { id } = await createRunWithin(deps, { session: copy, userId: scope.caller.id, wanted }, tx);
    const [receipt] = await findReceipts(database, { reviewId: review.id, ids: [id] }, tx);
    if (receipt?.snapshotManifestSha256 !== review.manifestHash) throw new AppError('RUNNING_COPY_STALE');
    return id;
  });
  const [receipt] = await findReceipts(database, { reviewId: scope.reviewId, ids: [runId] });
  if (receipt === undefined) throw new AppError('NOT_FOUND');
  return receipt;
}

/** The caller's live copy for a review that they may read; null when they have none. Throws NOT_FOUND. */
export async function loadLiveCopy(
  { database }: Pick<ApiDeps, 'database'>,
  scope: CopyScope,
): Promise<SessionRecord | null> {
  await findReadable({ database }, scope);
  return findLiveCopy(database, { reviewId: scope.reviewId, userId: scope.caller.id });
}

/** What the snapshot holds. It never changes, so it is read and checked before the review's row is held. */
interface Frozen {
  snapshotId: number;
  items: CopiedItem[];
}

/** The snapshot for a copy that is to be made; null when the caller's own will do. */
async function prepare(deps: Deps, scope: CopyScope, { replace }: { replace: boolean }): Promise<Frozen | null> {
  const review = await findReadable(deps, scope);
  assertAllowed(refuseRunningCopy(scope.caller, review));
  const own = { reviewId: review.id, userId: scope.caller.id };
  if (!replace && (await findLiveCopy(deps.database, own)) !== null) return null;
  const snapshotId = review.snapshotId!;
  return { snapshotId, items: (await readVerifiedSnapshot(deps.database, snapshotId)).items };
}

async function findReadable({ database }: Pick<ApiDeps, 'database'>, scope: CopyScope): Promise<ReviewRecord> {
  const review = await findReview(database, scope.reviewId);
  if (review === null || !mayRead(scope.caller, review)) throw new AppError('NOT_FOUND');
  return review;
}

/** Holds the review's row: no verdict falls between the check and the copy, and of two requests at once one makes it. */
async function lockRunnable(deps: Deps, scope: CopyScope, tx: Transaction): Promise<ReviewRecord> {
  const review = await lockReviewAlone(deps.database, scope.reviewId, tx);
  if (review === null || !mayRead(scope.caller, review)) throw new AppError('NOT_FOUND');
  assertAllowed(refuseRunningCopy(scope.caller, review));
  return review;
}

/** A session of its own with the snapshot's files and nothing else of the author's, and the wish to open it. */
async function makeCopy(
  deps: Deps,
  {
    scope,
    review,
    frozen,
    replaced,
  }: { scope: CopyScope; review: ReviewRecord; frozen: Frozen | null; replaced: SessionRecord | null },
  tx: Transaction,
): Promise<SessionRecord> {
  const { database, config } = deps;
  // The copy that would have done has ended in this moment.
  if (frozen === null) throw new AppError('RUNNING_COPY_OVER');
  const { snapshotId, items } = frozen;
  if (review.snapshotId !== snapshotId) {
    throw new AppError('REVIEW_SNAPSHOT_CHANGED', { detail: `The review is about snapshot ${review.snapshotId} now.` });
  }
  const userId = scope.caller.id;
  await requireRoomForLiveSession(deps, { userId, exceptUuid: replaced?.uuid ?? null }, tx);
  const author = await findSessionById(database, review.sessionId, tx);
  const slot = await claimWarmSlot(database, tx);
  const made = {
    reviewId: review.id,
    snapshotId,
    userId,
    language: author?.language ?? 'text',
    uuid: slot?.uuid ?? null,
  };
  // The title is for those who may read the review; this name is also seen by somebody who no longer may.
  const copy = await insertRunningCopy(database, { ...made, name: `Copy for review ${review.id}` }, tx);
  if (slot !== null) {
    await insertWarmVolume(database, { id: slot.volumeId, sessionId: copy.id, claimUid: slot.claimUid }, tx);
  }
  const limits = { maxItems: config.MAX_SESSION_ITEMS, maxBytes: config.MAX_SESSION_BYTES };
  await fillTree(database, { sessionId: copy.id, userId, items, ...limits }, tx);
  await publishSessionEvent(database, { sessionId: copy.id, kind: 'session', payload: {} }, tx);
  return (await requestOpen(database, copy, tx)).session;
}
