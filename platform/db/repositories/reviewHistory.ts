import type { ReviewStatus } from '#shared/domain/review.ts';
import type { Database, Tx } from '#platform/db/database.ts';
import { personColumn, type PersonRecord } from '#platform/db/repositories/reviews.ts';

/** One row of a review's history. `changedBy` null: a timer. */
export interface HistoryRecord {
  seq: number;
  opId: string;
  changedBy: PersonRecord | null;
  oldStatus: ReviewStatus | null;
  newStatus: ReviewStatus;
  description: string;
  rowHash: string;
  createdAt: Date;
}

/** What is written; the database makes seq and hashes under the review's row lock. */
export interface NewHistoryRow {
  reviewId: number;
  opId: string;
  changedBy: number | null;
  oldStatus: ReviewStatus | null;
  newStatus: ReviewStatus;
  description: string;
}

/** Appends a row and resolves with its seq. Rejects when the op_id is there already: look with `findHistoryByOpId` first, under the lock. */
export async function appendHistory(database: Database, row: NewHistoryRow, tx: Tx): Promise<number> {
  const rows = await database.query<{ seq: number }>(
    // seq and hashes are replaced by the trigger; the columns only have no default.
    `INSERT INTO review_history (review_request_id, op_id, changed_by, old_status, new_status, change_description, seq, prev_hash, row_hash)
     VALUES ($1, $2, $3, $4, $5, $6, 0, '', '') RETURNING seq`,
    [row.reviewId, row.opId, row.changedBy, row.oldStatus, row.newStatus, row.description],
    tx,
  );
  const inserted = rows[0];
  if (inserted === undefined) throw new Error(`history of review ${row.reviewId} took no row`);
  return inserted.seq;
}

const HISTORY_COLUMNS = `
  h.seq, h.op_id AS "opId", ${personColumn('u')} AS "changedBy", h.old_status AS "oldStatus", h.new_status AS "newStatus",
  h.change_description AS description, h.row_hash AS "rowHash", h.created_at AS "createdAt"`;

/** The row that this operation wrote before, or null. */
export async function findHistoryByOpId(
  database: Database,
  operation: { reviewId: number; opId: string },
  tx: Tx,
): Promise<HistoryRecord | null> {
  const rows = await database.query<HistoryRecord>(
    `SELECT ${HISTORY_COLUMNS} FROM review_history h LEFT JOIN users u ON u.id = h.changed_by
     WHERE h.review_request_id = $1 AND h.op_id = $2`,
    [operation.reviewId, operation.opId],
    tx,
  );
  return rows[0] ?? null;
}

/** The history, oldest first. */
export async function listHistory(database: Database, reviewId: number): Promise<HistoryRecord[]> {
  return database.query<HistoryRecord>(
    `SELECT ${HISTORY_COLUMNS} FROM review_history h LEFT JOIN users u ON u.id = h.changed_by
     WHERE h.review_request_id = $1 ORDER BY h.seq`,
    [reviewId],
  );
}

/**
 * Computes every hash again. `firstBadSeq` is the first row that is not what was written: altered, missing, or not
 * linked to the row before; one past the last row when the review's status is not what its last row says.
 */
export async function verifyHistory(
  database: Database,
  reviewId: number,
): Promise<{ valid: boolean; rows: number; firstBadSeq: number | null }> {
  const [result] = await database.query<{ rows: number; firstBad: number | null; statusMatches: boolean }>(
    `WITH chain AS (
       SELECT h.seq, h.new_status, row_number() OVER (ORDER BY h.seq)::int AS position,
         h.row_hash = review_history_hash(h) AND h.seq = row_number() OVER (ORDER BY h.seq)
           AND h.prev_hash = coalesce(lag(h.row_hash) OVER (ORDER BY h.seq), repeat('0', 64)) AS good
       FROM review_history h WHERE h.review_request_id = $1)
     SELECT (SELECT count(*)::int FROM chain) AS rows,
       (SELECT min(position) FROM chain WHERE NOT good) AS "firstBad",
       coalesce((SELECT new_status FROM chain ORDER BY seq DESC LIMIT 1)
         = (SELECT status FROM review_requests WHERE id = $1), true) AS "statusMatches"`,
    [reviewId],
  );
  if (result === undefined) throw new Error('the verification answered nothing');
  const firstBadSeq = result.firstBad ?? (result.statusMatches ? null : result.rows + 1);
  return { valid: firstBadSeq === null, rows: result.rows, firstBadSeq };
}
