import type { Database, Tx } from '#platform/db/database.ts';

/** What a review's history says about its clocks; times are the database's. */
export interface ClockRecord {
  /** The start of this transaction. */
  now: Date;
  remindedAt: Date | null;
  escalatedAt: Date | null;
  leaseWarned: boolean;
  /** Since when those have the turn who have it now: the submission, or the last change of hands. */
  turnSince: Date;
}

/** Under these keys the history keeps that a clock rang: a second row under one of them is impossible. */
export const CLOCK_OPERATIONS = { reminder: 'clock-reminder', escalation: 'clock-escalation' } as const;

/** The key of the warning that a claim ends; a later claim ends at another time and has a warning of its own. */
export function leaseWarningOperation(claimExpiresAt: Date): string {
  return `clock-lease-warning-${claimExpiresAt.toISOString()}`;
}

/** Reads what rang already. Null when the review is gone. */
export async function findClockRecord(
  database: Database,
  review: { id: number; claimExpiresAt: Date | null },
  tx: Tx,
): Promise<ClockRecord | null> {
  const warning = review.claimExpiresAt === null ? '' : leaseWarningOperation(review.claimExpiresAt);
  const rows = await database.query<ClockRecord>(
    `SELECT now() AS now, rang.reminded AS "remindedAt", rang.escalated AS "escalatedAt",
       coalesce(rang.warned, false) AS "leaseWarned", coalesce(rang.turned, r.submitted_at) AS "turnSince"
     FROM review_requests r CROSS JOIN LATERAL (
       SELECT max(h.created_at) FILTER (WHERE h.op_id = $2) AS reminded,
         max(h.created_at) FILTER (WHERE h.op_id = $3) AS escalated,
         bool_or(h.op_id = $4) AS warned,
         max(h.created_at) FILTER (WHERE h.change_description ~ '^(submit|claim|release|assign):') AS turned
       FROM review_history h WHERE h.review_request_id = r.id) rang
     WHERE r.id = $1`,
    [review.id, CLOCK_OPERATIONS.reminder, CLOCK_OPERATIONS.escalation, warning],
    tx,
  );
  return rows[0] ?? null;
}

/**
 * Sets when the first look is due, counted from the submission, whatever was set before: a change of the priority can
 * neither begin the time anew nor hide that it has passed. Call it under the review's lock, and send the workflow the
 * signal `changed` after the commit.
 */
export async function rearmDue(
  database: Database,
  due: { reviewId: number; dueSeconds: number },
  tx: Tx,
): Promise<void> {
  await database.query(
    `UPDATE review_requests SET due_at = submitted_at + make_interval(secs => $2), updated_at = now() WHERE id = $1`,
    [due.reviewId, due.dueSeconds],
    tx,
  );
}

/** Who was reminded of the review, or told of its escalation, within a day; and who did something in it. */
export async function findSparedPeople(
  database: Database,
  reviewId: number,
  tx: Tx,
): Promise<{ told: number[]; acted: number[] }> {
  const [row] = await database.query<{ told: number[]; acted: number[] }>(
    `SELECT
       coalesce((SELECT json_agg(DISTINCT n.user_id) FROM notifications n WHERE n.review_id = $1
         AND n.kind IN ('reminder', 'escalation') AND n.created_at > now() - interval '1 day'), '[]') AS told,
       coalesce((SELECT json_agg(DISTINCT acts.user_id) FROM (
         SELECT c.commenter_id AS user_id FROM review_comments c
         WHERE c.review_request_id = $1 AND c.updated_at > now() - interval '1 day'
         UNION SELECT h.changed_by FROM review_history h
         WHERE h.review_request_id = $1 AND h.changed_by IS NOT NULL AND h.created_at > now() - interval '1 day'
       ) acts), '[]') AS acted`,
    [reviewId],
    tx,
  );
  return row ?? { told: [], acted: [] };
}

/** Every operator who can log in. */
export function listOperators(database: Database, tx: Tx): Promise<Array<{ id: number; username: string }>> {
  return database.query<{ id: number; username: string }>(
    'SELECT id, username FROM users WHERE is_operator AND disabled_at IS NULL ORDER BY id',
    [],
    tx,
  );
}

/** Open reviews whose escalation, or whose claim's end, should have come so long ago; the longest silent first, at most 100. */
export function listSilentReviews(
  database: Database,
  silentSeconds: number,
): Promise<Array<{ id: number; title: string; author: string }>> {
  return database.query<{ id: number; title: string; author: string }>(
    `SELECT r.id, r.title, u.username AS author FROM review_requests r JOIN users u ON u.id = r.submitted_by
     WHERE r.withdrawn_at IS NULL AND r.status IN ('pending', 'in_review') AND r.snapshot_id IS NOT NULL AND (
       (r.status = 'pending' AND r.due_at < now() - make_interval(secs => $1) AND NOT EXISTS (
         SELECT 1 FROM review_history h WHERE h.review_request_id = r.id AND h.op_id = $2))
       OR (r.assigned_to IS NOT NULL AND r.claim_expires_at < now() - make_interval(secs => $1)))
     ORDER BY coalesce(r.claim_expires_at, r.due_at) LIMIT 100`,
    [silentSeconds, CLOCK_OPERATIONS.escalation],
  );
}
