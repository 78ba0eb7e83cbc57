import { AppError } from '#shared/domain/errors.ts';
import type { Database, Tx } from '#platform/db/database.ts';
import { requestClose } from '#platform/db/repositories/sessionRequests.ts';
import { lockOrThrow, SESSION_COLUMNS, type SessionRecord } from '#platform/db/repositories/sessions.ts';

/** A session in the trash. */
export interface TrashedSession extends SessionRecord {
  deletedAt: Date;
  /** A review refers to it: it cannot be deleted for good, and its files alone go in the end. */
  isReviewed: boolean;
}

const IN_TRASH = `deleted_at IS NOT NULL AND purged_at IS NULL`;
const IS_REVIEWED = `EXISTS (SELECT 1 FROM review_requests r WHERE r.session_id = sessions.uuid) AS "isReviewed"`;

/** The person's sessions in the trash, newest first, those with an id below `cursor` when one is given. */
export function listTrashedSessions(
  database: Database,
  page: { userId: number; cursor: number | null; limit: number },
  tx: Tx = null,
): Promise<TrashedSession[]> {
  return database.query<TrashedSession>(
    `SELECT ${SESSION_COLUMNS}, ${IS_REVIEWED} FROM sessions
     WHERE user_id = $1 AND ${IN_TRASH} AND kind = 'workspace' AND ($2::integer IS NULL OR id < $2) ORDER BY id DESC LIMIT $3`,
    [page.userId, page.cursor, page.limit],
    tx,
  );
}

/** A session in the trash, its row held until the transaction ends where there is one; null when it is not there. */
export async function findTrashedSession(
  database: Database,
  uuid: string,
  tx: Tx = null,
): Promise<TrashedSession | null> {
  const rows = await database.query<TrashedSession>(
    `SELECT ${SESSION_COLUMNS}, ${IS_REVIEWED} FROM sessions WHERE uuid = $1 AND ${IN_TRASH} ${tx === null ? '' : 'FOR UPDATE'}`,
    [uuid],
    tx,
  );
  return rows[0] ?? null;
}

/** Takes a session out of the trash. The caller holds its row. */
export async function untrashSession(database: Database, id: number, tx: Tx): Promise<void> {
  await database.query(`UPDATE sessions SET deleted_at = NULL, updated_at = now() WHERE id = $1`, [id], tx);
  await database.query(`SELECT publish_session_event($1, 'session', '{}')`, [id], tx);
}

/** Sessions that were in the trash for so many days and that no workflow owns any more, oldest first. */
export async function listExpiredTrash(database: Database, page: { days: number; limit: number }): Promise<string[]> {
  const rows = await database.query<{ uuid: string }>(
    `SELECT uuid FROM sessions
     WHERE deleted_at < now() - make_interval(days => $1) AND purged_at IS NULL AND NOT is_active ORDER BY deleted_at LIMIT $2`,
    [page.days, page.limit],
  );
  return rows.map(({ uuid }) => uuid);
}

/**
 * Empties a session: the row with all that is its own, or, when a review refers to it, its files, their versions, its
 * repositories, recordings and volume alone; the row, its snapshots, reviews and their history stay then. The caller holds its row.
 */
export async function purgeSession(
  database: Database,
  session: Pick<TrashedSession, 'id' | 'isReviewed'>,
  tx: Tx,
): Promise<void> {
  if (!session.isReviewed) {
    await database.query(`DELETE FROM sessions WHERE id = $1`, [session.id], tx);
    return;
  }
  // The items first: what they leave in the trash goes with the rest.
  const files = ['workspace_items', 'deleted_files', 'item_periods', 'file_versions', 'uploads'];
  for (const table of [...files, 'git_folders', 'git_packs', 'recordings', 'volumes']) {
    await database.query(`DELETE FROM ${table} WHERE session_id = $1`, [session.id], tx);
  }
  await database.query(`UPDATE sessions SET purged_at = now(), updated_at = now() WHERE id = $1`, [session.id], tx);
}

/**
 * Puts the session into the trash, and asks for its close when it is live. Its volume, files and versions stay. Throws
 * NOT_FOUND, and SESSION_HAS_OPEN_REVIEW while a review of it is open.
 */
export async function trashSession(
  database: Database,
  session: Pick<SessionRecord, 'id'> & { actor: string },
  tx: Tx,
): Promise<void> {
  const locked = await lockOrThrow(database, session, tx);
  const reviews = await database.query<{ id: number }>(
    `SELECT id FROM review_requests WHERE session_id = $1 AND withdrawn_at IS NULL AND status IN ('pending', 'in_review')`,
    [locked.uuid],
    tx,
  );
  if (reviews[0] !== undefined) {
    throw new AppError('SESSION_HAS_OPEN_REVIEW', {
      detail: `Review ${reviews[0].id} of this session is open. Withdraw it first, or wait for its verdict.`,
      data: { reviewId: reviews[0].id },
    });
  }
  if (locked.isActive) await requestClose(database, locked, { actor: session.actor, reason: 'user' }, tx);
  await database.query(`UPDATE sessions SET deleted_at = now(), updated_at = now() WHERE id = $1`, [locked.id], tx);
  await database.query(`SELECT publish_session_event($1, 'session', '{}')`, [locked.id], tx);
}
