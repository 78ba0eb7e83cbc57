import type { Database, Tx } from '#platform/db/database.ts';
import { findReview, type ReviewRecord as ReviewRow } from '#platform/db/repositories/reviews.ts';
import type { ReviewRecord } from '#workflows/review/review.ports.ts';

/** The review as the workflow sees it, or null when its row is gone. */
export async function readReview(database: Database, reviewId: number, tx: Tx = null): Promise<ReviewRecord | null> {
  const row = await findReview(database, reviewId, tx);
  return row === null ? null : toWorkflowRecord(row);
}

/** Keeps what the workflow decides by; ids and short texts only, for it becomes part of the run's history. */
export function toWorkflowRecord(row: ReviewRow): ReviewRecord {
  return {
    reviewId: row.id,
    sessionUuid: row.sessionUuid,
    title: row.title,
    submittedBy: row.submittedBy.id,
    submittedByName: row.submittedBy.username,
    status: row.status,
    priority: row.priority,
    assignedTo: row.assignedTo?.id ?? null,
    assignedToName: row.assignedTo?.username ?? null,
    snapshotId: row.snapshotId,
    withdrawn: row.withdrawnAt !== null,
    claimExpiresAt: row.claimExpiresAt?.toISOString() ?? null,
    dueAt: row.dueAt?.toISOString() ?? null,
  };
}
