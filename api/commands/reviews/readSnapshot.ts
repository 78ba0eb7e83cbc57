import { createHash } from 'node:crypto';
import type { ApiDeps } from '#api/deps.ts';
import type { ReviewRecord } from '#platform/db/repositories/reviews.ts';
import { findSnapshotItem, listSnapshotItems, type SnapshotItemRecord } from '#platform/db/repositories/snapshots.ts';
import { AppError } from '#shared/domain/errors.ts';

/** A frozen file with its bytes as text, base64, or a symlink's target. A folder's content is empty. */
export interface SnapshotItemWithText extends SnapshotItemRecord {
  content: string;
}

/** Every path of the review's present snapshot. Throws REVIEW_NOT_READY until it has one. */
export function listFrozenItems(deps: Pick<ApiDeps, 'database'>, review: ReviewRecord): Promise<SnapshotItemRecord[]> {
  return listSnapshotItems(deps.database, snapshotOf(review));
}

/**
 * One path of the review's present snapshot with its content, checked against its hash: what is shown is what was
 * frozen. Throws NOT_FOUND for a path of another snapshot.
 */
export async function readFrozenItem(
  deps: Pick<ApiDeps, 'database'>,
  review: ReviewRecord,
  snapshotItemId: number,
): Promise<SnapshotItemWithText> {
  const item = await findSnapshotItem(deps.database, { snapshotId: snapshotOf(review), snapshotItemId });
  if (item === null) throw new AppError('NOT_FOUND');
  const { bytes, ...rest } = item;
  if (bytes === null) return { ...rest, content: '' };
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  if (sha256 !== item.sha256)
    throw new Error(`blob ${item.sha256} of snapshot item ${item.id} holds other bytes (${sha256})`);
  return { ...rest, content: bytes.toString(item.encoding === 'base64' ? 'base64' : 'utf8') };
}

function snapshotOf(review: ReviewRecord): number {
  if (review.snapshotId === null) throw new AppError('REVIEW_NOT_READY');
  return review.snapshotId;
}
