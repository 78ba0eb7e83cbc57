import type { Database, Tx } from '#platform/db/database.ts';

/** The newest save of a session: what a discard falls back to. */
export interface NewestSave {
  path: string;
  at: Date;
}

/** The newest version that the database has of any of the session's files; null when it has none. */
export async function findNewestSave(database: Database, sessionId: number, tx: Tx = null): Promise<NewestSave | null> {
  const rows = await database.query<NewestSave>(
    `SELECT path, created_at AS at FROM file_versions WHERE session_id = $1 ORDER BY id DESC LIMIT 1`,
    [sessionId],
    tx,
  );
  return rows[0] ?? null;
}

/**
 * Gives up what is on the session's volume: nothing of it comes into the database any more, and the next opening removes
 * it. Answers the volume's id, null when the session has none. Call under the session's row lock.
 */
export async function discardVolumeRow(database: Database, sessionId: number, tx: Tx): Promise<number | null> {
  const rows = await database.query<{ id: number }>(
    `UPDATE volumes SET state = 'discarded', kept_until = NULL, updated_at = now() WHERE session_id = $1 RETURNING id`,
    [sessionId],
    tx,
  );
  return rows[0]?.id ?? null;
}
