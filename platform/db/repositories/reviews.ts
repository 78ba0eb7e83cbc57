import type { ReviewPriority, ReviewStatus } from '#shared/domain/review.ts';
import type { ReviewEventKind } from '#shared/contracts/events.ts';
import type { Database, Tx } from '#platform/db/database.ts';
import { TURN_COLUMNS, TURN_TABLES, type TurnFactsRecord } from '#platform/db/repositories/turnFacts.ts';

/** A person as other people see them. */
export interface PersonRecord {
  id: number;
  username: string;
  reviewerLevel: number;
  /** ISO 8601 while they are away, else null. */
  awayUntil: string | null;
}

/** A review with everything that its presenter and its policy need, read in one statement. */
export interface ReviewRecord extends TurnFactsRecord {
  id: number;
  sessionId: number;
  sessionUuid: string;
  sessionName: string;
  title: string;
  description: string;
  status: ReviewStatus;
  priority: ReviewPriority;
  submittedBy: PersonRecord;
  assignedTo: PersonRecord | null;
  snapshotId: number | null;
  manifestHash: string | null;
  round: number;
  previousReviewId: number | null;
  /** Unresolved issues of this review and its earlier rounds. */
  openIssues: number;
  submittedAt: Date;
  reviewedAt: Date | null;
  withdrawnAt: Date | null;
  claimExpiresAt: Date | null;
  /** The claim's time has passed by the database's clock; the holder is still in the row. */
  claimLapsed: boolean;
  dueAt: Date | null;
  changeSeq: number;
  /** Users who edited the snapshot: they have no reviewer rights on it. */
  editorIds: number[];
}

/** A person as a JSON object; `alias` is the table's alias in the statement, never input. */
export function personColumn(alias: string): string {
  return `CASE WHEN ${alias}.id IS NULL THEN NULL ELSE json_build_object(
    'id', ${alias}.id, 'username', ${alias}.username, 'reviewerLevel', ${alias}.reviewer_level,
    'awayUntil', CASE WHEN ${alias}.away_until > now() THEN ${alias}.away_until END) END`;
}

/** The columns of a ReviewRecord, for a statement over REVIEW_TABLES. */
export const REVIEW_COLUMNS = `
  r.id, s.id AS "sessionId", s.uuid AS "sessionUuid", s.name AS "sessionName", r.title, r.description, r.status, r.priority,
  ${personColumn('submitter')} AS "submittedBy", ${personColumn('assignee')} AS "assignedTo",
  r.snapshot_id AS "snapshotId", n.manifest_hash AS "manifestHash", r.round, r.previous_review_id AS "previousReviewId",
  (SELECT count(*)::int FROM review_comments c WHERE c.review_request_id IN (SELECT review_chain(r.id)) AND c.comment_type = 'issue'
    AND c.published_at IS NOT NULL AND NOT c.is_resolved) AS "openIssues",
  r.submitted_at AS "submittedAt", r.reviewed_at AS "reviewedAt", r.withdrawn_at AS "withdrawnAt",
  r.claim_expires_at AS "claimExpiresAt", coalesce(r.claim_expires_at <= now(), false) AS "claimLapsed", r.due_at AS "dueAt", r.change_seq::int AS "changeSeq",
  coalesce((SELECT json_agg(e.user_id) FROM snapshot_editors e WHERE e.snapshot_id = r.snapshot_id), '[]') AS "editorIds",
  ${TURN_COLUMNS}`;

/** What a ReviewRecord is read from; the review is `r`. */
export const REVIEW_TABLES = `
  review_requests r
  JOIN sessions s ON s.uuid = r.session_id
  JOIN users submitter ON submitter.id = r.submitted_by
  LEFT JOIN users assignee ON assignee.id = r.assigned_to
  LEFT JOIN snapshots n ON n.id = r.snapshot_id
  ${TURN_TABLES}`;

/** The review, or null. */
export async function findReview(database: Database, id: number, tx: Tx = null): Promise<ReviewRecord | null> {
  const rows = await database.query<ReviewRecord>(
    `SELECT ${REVIEW_COLUMNS} FROM ${REVIEW_TABLES} WHERE r.id = $1`,
    [id],
    tx,
  );
  return rows[0] ?? null;
}

/**
 * Locks the review's session and then the review, always in this order (the other order deadlocks with a snapshot being
 * made), and reads it. Null when it does not exist.
 */
export async function lockReview(database: Database, id: number, tx: Tx): Promise<ReviewRecord | null> {
  await database.query(
    'SELECT 1 FROM sessions WHERE uuid = (SELECT session_id FROM review_requests WHERE id = $1) FOR UPDATE',
    [id],
    tx,
  );
  return lockReviewAlone(database, id, tx);
}

/** Locks the review and reads it, for changes that do not touch its session: a comment does not wait for a save. */
export async function lockReviewAlone(database: Database, id: number, tx: Tx): Promise<ReviewRecord | null> {
  await database.query('SELECT 1 FROM review_requests WHERE id = $1 FOR UPDATE', [id], tx);
  return findReview(database, id, tx);
}

/** What a submission says. */
export interface NewReview {
  sessionUuid: string;
  submittedBy: number;
  title: string;
  description: string;
  priority: ReviewPriority;
  round: number;
  previousReviewId: number | null;
  /** The first look is due so many seconds after the submission. */
  dueSeconds: number;
}

/** Sets the priority. What is due by it is set beside it, with `rearmDue`. */
export async function setPriority(
  database: Database,
  { reviewId, priority }: { reviewId: number; priority: ReviewPriority },
  tx: Tx,
): Promise<void> {
  await database.query(
    'UPDATE review_requests SET priority = $2, updated_at = now() WHERE id = $1',
    [reviewId, priority],
    tx,
  );
}

/** Another open urgent review of the person, or null. */
export async function findOpenUrgent(
  database: Database,
  { submittedBy, exceptId }: { submittedBy: number; exceptId: number | null },
  tx: Tx,
): Promise<number | null> {
  const rows = await database.query<{ id: number }>(
    `SELECT id FROM review_requests WHERE submitted_by = $1 AND id IS DISTINCT FROM $2::integer AND priority = 'urgent'
       AND withdrawn_at IS NULL AND status IN ('pending', 'in_review') ORDER BY id LIMIT 1`,
    [submittedBy, exceptId],
    tx,
  );
  return rows[0]?.id ?? null;
}

/** Inserts a review without a snapshot, which is in nobody's queue yet. Resolves with its id; null when the session has an open one. */
export async function insertReview(database: Database, review: NewReview, tx: Tx): Promise<number | null> {
  const rows = await database.query<{ id: number }>(
    `INSERT INTO review_requests
       (session_id, submitted_by, title, description, priority, round, previous_review_id, due_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, now() + make_interval(secs => $8))
     ON CONFLICT (session_id) WHERE withdrawn_at IS NULL AND status IN ('pending', 'in_review') DO NOTHING
     RETURNING id`,
    [
      review.sessionUuid,
      review.submittedBy,
      review.title,
      review.description,
      review.priority,
      review.round,
      review.previousReviewId,
      review.dueSeconds,
    ],
    tx,
  );
  return rows[0]?.id ?? null;
}

/** The open review of a session, or null. */
export async function findOpenReview(database: Database, sessionUuid: string, tx: Tx = null): Promise<number | null> {
  const rows = await database.query<{ id: number }>(
    `SELECT id FROM review_requests WHERE session_id = $1 AND withdrawn_at IS NULL AND status IN ('pending', 'in_review')`,
    [sessionUuid],
    tx,
  );
  return rows[0]?.id ?? null;
}

/**
 * Gives an open review that nobody holds, or that is assigned to the person and was not claimed yet, to them for so many
 * seconds: one conditional statement, so exactly one of many callers wins. False: it is not free.
 */
export async function claimReview(
  database: Database,
  claim: { reviewId: number; userId: number; leaseSeconds: number },
  tx: Tx,
): Promise<boolean> {
  const rows = await database.query(
    `UPDATE review_requests SET status = 'in_review', assigned_to = $2,
       claim_expires_at = date_trunc('milliseconds', now()) + make_interval(secs => $3), updated_at = now()
     WHERE id = $1 AND withdrawn_at IS NULL AND status IN ('pending', 'in_review')
       AND (assigned_to IS NULL OR (assigned_to = $2 AND status = 'pending')) AND snapshot_id IS NOT NULL
     RETURNING id`,
    [claim.reviewId, claim.userId, claim.leaseSeconds],
    tx,
  );
  return rows.length === 1;
}

/**
 * Gives an open review to the person, whoever held it, with a fresh lease. The status stays: a review that was
 * never claimed waits for the claim of its assignee. False: it is closed, or has no snapshot.
 */
export async function assignReview(
  database: Database,
  assignment: { reviewId: number; userId: number; leaseSeconds: number },
  tx: Tx,
): Promise<boolean> {
  const rows = await database.query(
    `UPDATE review_requests SET assigned_to = $2,
       claim_expires_at = date_trunc('milliseconds', now()) + make_interval(secs => $3), updated_at = now()
     WHERE id = $1 AND withdrawn_at IS NULL AND status IN ('pending', 'in_review') AND snapshot_id IS NOT NULL
     RETURNING id`,
    [assignment.reviewId, assignment.userId, assignment.leaseSeconds],
    tx,
  );
  return rows.length === 1;
}

/** Takes the review from its holder; the status stays. `onlyExpired`: only when the lease has run out. False: nothing to take. */
export async function releaseReview(
  database: Database,
  release: { reviewId: number; onlyExpired: boolean },
  tx: Tx,
): Promise<boolean> {
  const rows = await database.query(
    `UPDATE review_requests SET assigned_to = NULL, claim_expires_at = NULL, updated_at = now()
     WHERE id = $1 AND assigned_to IS NOT NULL AND withdrawn_at IS NULL AND status IN ('pending', 'in_review')
       AND (NOT $2::boolean OR claim_expires_at <= now())
     RETURNING id`,
    [release.reviewId, release.onlyExpired],
    tx,
  );
  return rows.length === 1;
}

/** Writes the verdict. The holder stays on the row: it tells who decided. */
export async function decideReview(
  database: Database,
  verdict: { reviewId: number; status: 'approved' | 'rejected' },
  tx: Tx,
): Promise<void> {
  await database.query(
    `UPDATE review_requests SET status = $2, reviewed_at = now(), claim_expires_at = NULL, updated_at = now() WHERE id = $1`,
    [verdict.reviewId, verdict.status],
    tx,
  );
}

/** Closes the review without a verdict; its status stays what it was. */
export async function withdrawReview(database: Database, reviewId: number, tx: Tx): Promise<void> {
  await database.query(
    'UPDATE review_requests SET withdrawn_at = now(), claim_expires_at = NULL, updated_at = now() WHERE id = $1',
    [reviewId],
    tx,
  );
}

/** Points the review at a snapshot. */
export async function setSnapshot(
  database: Database,
  change: { reviewId: number; snapshotId: number },
  tx: Tx,
): Promise<void> {
  await database.query(
    'UPDATE review_requests SET snapshot_id = $2, updated_at = now() WHERE id = $1',
    [change.reviewId, change.snapshotId],
    tx,
  );
}

/** Tells every page that shows the review, and the author's session page where `sessionId` is given. */
export async function publishReviewChange(
  database: Database,
  change: { reviewId: number; kinds: readonly ReviewEventKind[]; sessionId?: number },
  tx: Tx,
): Promise<void> {
  if (change.sessionId !== undefined) {
    await database.query(
      `SELECT publish_session_event($1, 'review', jsonb_build_object('reviewId', $2::int))`,
      [change.sessionId, change.reviewId],
      tx,
    );
  }
  for (const kind of change.kinds) {
    await database.query(`SELECT publish_review_event($1, $2, '{}')`, [change.reviewId, kind], tx);
  }
}
