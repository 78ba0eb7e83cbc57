import { LEVEL_FOR_PRIORITY, OVERRIDE_LEVEL, type ReviewPriority } from '#shared/domain/review.ts';
import type { Database } from '#platform/db/database.ts';

/**
 * Who could decide a review of this session: `reviewers` of the level that its priority needs, only `level4`, or
 * `nobody`. Before the snapshot is made the editors of the session as it is now are left out, as it will leave them out.
 */
export async function findDeciders(
  database: Database,
  review: { sessionId: number; priority: ReviewPriority; submittedBy: { id: number } },
): Promise<'reviewers' | 'level4' | 'nobody'> {
  const [found] = await database.query<{ reviewers: boolean; overriders: boolean }>(
    `WITH free AS (
       SELECT u.reviewer_level AS level FROM users u
       WHERE u.reviewer_level >= $2 AND u.disabled_at IS NULL AND u.id <> $3
         AND NOT EXISTS (SELECT 1 FROM file_versions v WHERE v.session_id = $1 AND v.created_by = u.id)
         AND NOT EXISTS (SELECT 1 FROM workspace_items i WHERE i.session_id = $1 AND i.updated_by = u.id))
     SELECT EXISTS (SELECT 1 FROM free WHERE level < $4) AS reviewers, EXISTS (SELECT 1 FROM free) AS overriders`,
    [review.sessionId, LEVEL_FOR_PRIORITY[review.priority], review.submittedBy.id, OVERRIDE_LEVEL],
  );
  if (found?.reviewers === true) return 'reviewers';
  return found?.overriders === true ? 'level4' : 'nobody';
}
