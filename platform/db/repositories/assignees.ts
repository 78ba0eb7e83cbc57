import type { AssigneeFacts } from '#shared/domain/reviewAssignment.ts';
import type { Database, Tx } from '#platform/db/database.ts';

const ASSIGNEE_SELECT = `
  SELECT u.id, u.username, u.reviewer_level AS "reviewerLevel", (u.disabled_at IS NOT NULL OR u.is_bot) AS disabled,
    u.away_until AS "awayUntil",
    coalesce((SELECT json_agg(json_build_object('id', r.id, 'title', r.title) ORDER BY r.id) FROM review_requests r
      WHERE r.assigned_to = u.id AND r.withdrawn_at IS NULL AND r.status IN ('pending', 'in_review')), '[]') AS held
  FROM users u`;

/** Who may get a review, with the open reviews that they hold; null when there is no such account. */
export async function findAssignee(database: Database, userId: number, tx: Tx = null): Promise<AssigneeFacts | null> {
  const rows = await database.query<AssigneeFacts>(`${ASSIGNEE_SELECT} WHERE u.id = $1`, [userId], tx);
  return rows[0] ?? null;
}

/**
 * The same under the lock of the account: two reviews that somebody takes at one moment are counted one after the other.
 */
export async function lockAssignee(database: Database, userId: number, tx: Tx): Promise<AssigneeFacts | null> {
  // In a statement of its own, so that what is counted then is what was committed by who held the lock before.
  await database.query('SELECT 1 FROM users WHERE id = $1 FOR NO KEY UPDATE', [userId], tx);
  return findAssignee(database, userId, tx);
}

/** The reviewers of at least this level, whose work the review is not, least load first; at most 200. */
export function listAssignees(
  database: Database,
  { reviewId, minLevel }: { reviewId: number; minLevel: number },
): Promise<AssigneeFacts[]> {
  return database.query<AssigneeFacts>(
    `WITH people AS (${ASSIGNEE_SELECT} JOIN review_requests wanted ON wanted.id = $1
       WHERE u.reviewer_level >= $2 AND u.disabled_at IS NULL AND NOT u.is_bot AND u.id <> wanted.submitted_by
         AND NOT EXISTS (SELECT 1 FROM snapshot_editors e WHERE e.snapshot_id = wanted.snapshot_id AND e.user_id = u.id))
     SELECT * FROM people ORDER BY json_array_length(held), username LIMIT 200`,
    [reviewId, minLevel],
  );
}
