import type { Database, Tx } from '#platform/db/database.ts';
import { trashSession } from '#platform/db/repositories/sessionTrash.ts';

/** What stands in the way of erasing an account: open reviews, which somebody has to end or take over first. */
export interface ErasureObstacles {
  submitted: number[];
  held: number[];
}

/** The open reviews that the person submitted, and those that they hold. */
export async function findErasureObstacles(database: Database, userId: number, tx: Tx): Promise<ErasureObstacles> {
  const rows = await database.query<{ id: number; submitted: boolean }>(
    `SELECT id, submitted_by = $1 AS submitted FROM review_requests
     WHERE (submitted_by = $1 OR assigned_to = $1) AND withdrawn_at IS NULL AND status IN ('pending', 'in_review')
     ORDER BY id`,
    [userId],
    tx,
  );
  const idsOf = (submitted: boolean) => rows.filter((row) => row.submitted === submitted).map(({ id }) => id);
  return { submitted: idsOf(true), held: idsOf(false) };
}

/** What is a person's alone, and is needed by nobody else once they are gone. */
const OWN_TABLES = [
  'web_sessions',
  'api_tokens',
  'idempotency_keys',
  'preview_codes',
  'uploads',
  'templates',
  'notifications',
  'review_views',
];

/** A session that was put into the trash so long ago is emptied by the next run of `maintenance/retain`. */
const LONG_AGO = '1000 days';

/**
 * Makes the account nobody's: no name, address, password or right, and what was theirs alone is deleted. Their sessions
 * go into the trash as if long ago: those that no review needs are deleted within the hour, of the others the files, and
 * snapshots, published comments and history stay. The caller holds the account's row, and found no obstacle.
 */
export async function eraseUser(
  database: Database,
  { userId, actor }: { userId: number; actor: string },
  tx: Tx,
): Promise<{ sessions: number }> {
  // A name with a space cannot be registered, so it is never taken.
  await database.query(
    `UPDATE users SET username = 'erased ' || id, username_key = 'erased ' || id, email = 'erased ' || id,
       email_key = 'erased ' || id, password_hash = 'erased', is_reviewer = false, reviewer_level = 0,
       is_operator = false, away_until = NULL, disabled_at = coalesce(disabled_at, now()), updated_at = now()
     WHERE id = $1`,
    [userId],
    tx,
  );
  for (const table of OWN_TABLES) await database.query(`DELETE FROM ${table} WHERE user_id = $1`, [userId], tx);
  await database.query('DELETE FROM review_comments WHERE commenter_id = $1 AND published_at IS NULL', [userId], tx);
  const sessions = await database.query<{ id: number }>(
    `SELECT id FROM sessions WHERE user_id = $1 AND kind = 'workspace' AND purged_at IS NULL ORDER BY id`,
    [userId],
    tx,
  );
  for (const { id } of sessions) await trashSession(database, { id, actor }, tx);
  await database.query(
    `UPDATE sessions SET deleted_at = deleted_at - $2::interval WHERE id = ANY($1::int[])`,
    [sessions.map(({ id }) => id), LONG_AGO],
    tx,
  );
  return { sessions: sessions.length };
}
