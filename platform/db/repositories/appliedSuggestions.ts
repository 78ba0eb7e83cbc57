import type { Database, Tx } from '#platform/db/database.ts';

/** A suggestion that became a version of a file. */
export interface NewAppliedSuggestion {
  commentId: number;
  itemId: number;
  version: number;
  appliedBy: number;
}

/** Records it, in the transaction of the save. False: it was applied before. */
export async function insertAppliedSuggestion(
  database: Database,
  applied: NewAppliedSuggestion,
  tx: Tx,
): Promise<boolean> {
  const rows = await database.query(
    `INSERT INTO applied_suggestions (comment_id, item_id, version, applied_by) VALUES ($1, $2, $3, $4)
     ON CONFLICT (comment_id) DO NOTHING RETURNING comment_id`,
    [applied.commentId, applied.itemId, applied.version, applied.appliedBy],
    tx,
  );
  return rows.length === 1;
}

/** The version that a suggestion became; null when it was not applied. */
export async function findAppliedVersion(database: Database, commentId: number): Promise<number | null> {
  const rows = await database.query<{ version: number }>(
    'SELECT version FROM applied_suggestions WHERE comment_id = $1',
    [commentId],
  );
  return rows[0]?.version ?? null;
}
