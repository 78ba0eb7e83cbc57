import { AppError } from '#shared/domain/errors.ts';
import type { Database, Tx } from '#platform/db/database.ts';
import { requestClose } from '#platform/db/repositories/sessionRequests.ts';
import { lockOrThrow, type SessionRecord } from '#platform/db/repositories/sessions.ts';

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
