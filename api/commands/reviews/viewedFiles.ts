import type { ApiDeps } from '#api/deps.ts';
import type { Caller } from '#api/http/route.ts';
import { loadReview } from '#api/commands/reviews/loadReview.ts';
import type { ReviewRecord } from '#platform/db/repositories/reviews.ts';
import { markViewed, recordOpening, unmarkViewed } from '#platform/db/repositories/reviewViews.ts';
import { findSnapshotEntry, type SnapshotItemRecord } from '#platform/db/repositories/snapshots.ts';
import { AppError } from '#shared/domain/errors.ts';

type Deps = Pick<ApiDeps, 'database'>;

/** A frozen file, and who says whether they have viewed it. */
export interface ViewedFile {
  caller: Pick<Caller, 'id' | 'reviewerLevel'>;
  reviewId: number;
  snapshotItemId: number;
}

/**
 * Marks a frozen file of the present snapshot as viewed by the caller, or not. The mark is about the file's bytes: it
 * holds in later snapshots and rounds until that file changes. Throws NOT_FOUND for a folder and for other snapshots' files.
 */
export async function setViewed(deps: Deps, file: ViewedFile, viewed: boolean): Promise<SnapshotItemRecord> {
  const { caller } = file;
  const review = await loadReview(deps, caller, { id: file.reviewId });
  if (review.snapshotId === null) throw new AppError('REVIEW_NOT_READY');
  const key = { snapshotId: review.snapshotId, snapshotItemId: file.snapshotItemId };
  const item = await findSnapshotEntry(deps.database, key);
  if (item === null || item.sha256 === null) throw new AppError('NOT_FOUND');
  const content = { userId: caller.id, itemId: item.itemId, sha256: item.sha256 };
  if (viewed) await markViewed(deps.database, { ...content, sessionId: review.sessionId });
  else await unmarkViewed(deps.database, content);
  return item;
}

/** A path of a snapshot whose content is handed out. */
export type OpenedFile = Pick<SnapshotItemRecord, 'snapshotId' | 'itemId' | 'path' | 'sha256'>;

/** Writes down that the caller was given a frozen file's content; not of the submitter, whose file it is. */
export async function logOpening(
  deps: Deps,
  { caller, review, item }: { caller: Pick<Caller, 'id'>; review: ReviewRecord; item: OpenedFile },
): Promise<void> {
  if (caller.id === review.submittedBy.id || item.sha256 === null) return;
  const { itemId, path, sha256, snapshotId } = item;
  await recordOpening(deps.database, { reviewId: review.id, userId: caller.id, snapshotId, itemId, path, sha256 });
}
