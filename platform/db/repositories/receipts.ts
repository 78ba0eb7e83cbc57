import type { Database, Tx } from '#platform/db/database.ts';
import { RUN_COLUMNS, type RunRecord } from '#platform/db/repositories/runs.ts';

/** A run in a throw-away copy of a review's snapshot. */
export interface ReceiptRecord extends RunRecord {
  reviewId: number;
  snapshotId: number;
  snapshotManifestSha256: string;
  /** The verdict cites it. */
  isCited: boolean;
}

const SELECT = `SELECT ${RUN_COLUMNS}, s.review_request_id AS "reviewId", n.id AS "snapshotId",
  n.manifest_hash AS "snapshotManifestSha256",
  EXISTS (SELECT 1 FROM review_receipts c WHERE c.run_id = r.id AND c.review_request_id = s.review_request_id) AS "isCited"
  FROM runs r JOIN sessions s ON s.id = r.session_id JOIN snapshots n ON n.id = s.source_snapshot_id
  LEFT JOIN users u ON u.id = r.requested_by`;

/** The review's receipts, newest first, those with an id below `cursor` when one is given. */
export function listReceipts(
  database: Database,
  page: { reviewId: number; cursor: number | null; limit: number },
): Promise<ReceiptRecord[]> {
  return database.query<ReceiptRecord>(
    `${SELECT} WHERE s.review_request_id = $1 AND ($2::integer IS NULL OR r.id < $2) ORDER BY r.id DESC LIMIT $3`,
    [page.reviewId, page.cursor, page.limit],
  );
}

/** Those of the named runs that are receipts of the review, oldest first. */
export function findReceipts(
  database: Database,
  { reviewId, ids }: { reviewId: number; ids: readonly number[] },
  tx: Tx = null,
): Promise<ReceiptRecord[]> {
  return database.query<ReceiptRecord>(
    `${SELECT} WHERE s.review_request_id = $1 AND r.id = ANY ($2::integer[]) ORDER BY r.id`,
    [reviewId, [...ids]],
    tx,
  );
}

/** Notes that the verdict cites these receipts, in the verdict's transaction. From then on they stay. */
export async function citeReceipts(
  database: Database,
  { reviewId, ids }: { reviewId: number; ids: readonly number[] },
  tx: Tx,
): Promise<void> {
  if (ids.length === 0) return;
  await database.query(
    `INSERT INTO review_receipts (review_request_id, run_id) SELECT $1, unnest($2::integer[])`,
    [reviewId, [...ids]],
    tx,
  );
}
