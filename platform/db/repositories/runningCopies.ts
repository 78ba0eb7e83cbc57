import type { RuleRefusal } from '#shared/domain/reviewRules.ts';
import { runningCopyRefusal } from '#shared/domain/runningCopy.ts';
import type { Database, Tx } from '#platform/db/database.ts';
import { findReview } from '#platform/db/repositories/reviews.ts';
import { requestClose } from '#platform/db/repositories/sessionRequests.ts';
import { purgeSession } from '#platform/db/repositories/sessionTrash.ts';
import { SESSION_COLUMNS, type SessionRecord } from '#platform/db/repositories/sessions.ts';

/** A copy that nobody has asked to end: open, or on its way to be. */
const IS_LIVE = `kind = 'review_run' AND is_active AND phase NOT IN ('saving', 'closing') AND NOT EXISTS (
  SELECT 1 FROM intents i WHERE i.subject = 'session' AND i.subject_id = sessions.id AND i.kind = 'close'
    AND i.generation = sessions.generation)`;

/** What a copy is made from. `uuid` is a warm slot's, or is made. */
export interface NewRunningCopy {
  reviewId: number;
  snapshotId: number;
  userId: number;
  name: string;
  language: string;
  uuid: string | null;
}

/** Inserts a copy that was never opened and has no files yet. The caller holds the review's row. */
export async function insertRunningCopy(database: Database, copy: NewRunningCopy, tx: Tx): Promise<SessionRecord> {
  const rows = await database.query<SessionRecord>(
    `INSERT INTO sessions (uuid, user_id, name, language, kind, source_snapshot_id, review_request_id)
     VALUES (coalesce($1, gen_random_uuid()), $2, $3, $4, 'review_run', $5, $6) RETURNING ${SESSION_COLUMNS}`,
    [copy.uuid, copy.userId, copy.name, copy.language, copy.snapshotId, copy.reviewId],
    tx,
  );
  return rows[0]!;
}

/** The person's live copy for a review, null when they have none. Where one is about to be made, the caller holds the review's row. */
export async function findLiveCopy(
  database: Database,
  { reviewId, userId }: { reviewId: number; userId: number },
  tx: Tx = null,
): Promise<SessionRecord | null> {
  const rows = await database.query<SessionRecord>(
    `SELECT ${SESSION_COLUMNS} FROM sessions WHERE review_request_id = $1 AND user_id = $2 AND ${IS_LIVE} ORDER BY id DESC LIMIT 1`,
    [reviewId, userId],
    tx,
  );
  return rows[0] ?? null;
}

/** Asks for the end of all copies for a review that has ended, in the transaction that ends it. */
export async function endRunningCopies(
  database: Database,
  { reviewId, actor }: { reviewId: number; actor: string },
  tx: Tx,
): Promise<void> {
  const copies = await database.query<{ id: number }>(
    `SELECT id FROM sessions WHERE review_request_id = $1 AND ${IS_LIVE} ORDER BY id`,
    [reviewId],
    tx,
  );
  for (const copy of copies) await requestClose(database, copy, { actor, reason: 'copy-over' }, tx);
}

/** Tells the pages of the live copies for a review that its snapshot is another one now, in the transaction that made it so. */
export async function tellRunningCopies(database: Database, reviewId: number, tx: Tx): Promise<void> {
  await database.query(
    `SELECT publish_session_event(copy.id, 'session', '{}')
     FROM (SELECT id FROM sessions WHERE review_request_id = $1 AND ${IS_LIVE} ORDER BY id) AS copy`,
    [reviewId],
    tx,
  );
}

/** Why the owner of a copy may not use it any more; null while they may. */
export async function findCopyRefusal(
  database: Database,
  copy: Pick<SessionRecord, 'userId' | 'reviewId'>,
): Promise<RuleRefusal | null> {
  const review = copy.reviewId === null ? null : await findReview(database, copy.reviewId);
  const [owner] = await database.query<{ id: number; reviewerLevel: number }>(
    `SELECT id, reviewer_level AS "reviewerLevel" FROM users WHERE id = $1 AND disabled_at IS NULL`,
    [copy.userId],
  );
  if (review === null || owner === undefined) {
    return { code: 'NOT_FOUND', detail: 'The review, or the account, is gone.', data: {} };
  }
  return runningCopyRefusal(review, owner);
}

/**
 * Removes what is left of copies that ended so many seconds ago: the row with all that is its own, or, where something was run in
 * it, the files alone: the row stays for its receipts. Resolves with how many.
 */
export async function removeEndedCopies(database: Database, { ageSeconds }: { ageSeconds: number }): Promise<number> {
  const ended = await database.query<{ id: number }>(
    `SELECT id FROM sessions WHERE kind = 'review_run' AND NOT is_active AND purged_at IS NULL
       AND updated_at < now() - make_interval(secs => $1)
       AND NOT EXISTS (SELECT 1 FROM runs r WHERE r.session_id = sessions.id AND r.ended_at IS NULL)
     ORDER BY id LIMIT 200`,
    [ageSeconds],
  );
  for (const { id } of ended) await database.transaction((tx) => removeEndedCopy(database, id, tx));
  return ended.length;
}

async function removeEndedCopy(database: Database, id: number, tx: Tx): Promise<void> {
  await database.query(`SELECT 1 FROM sessions WHERE id = $1 FOR UPDATE`, [id], tx);
  const runs = await database.query(`SELECT 1 FROM runs WHERE session_id = $1 LIMIT 1`, [id], tx);
  const isReviewed = runs.length > 0;
  await purgeSession(database, { id, isReviewed }, tx);
  if (!isReviewed) return;
  await database.query(`UPDATE sessions SET deleted_at = now() WHERE id = $1`, [id], tx);
}
