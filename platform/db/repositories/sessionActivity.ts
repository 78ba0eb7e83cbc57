import type { Database } from '#platform/db/database.ts';

/** Notes that somebody is at work. Writes at most once in five seconds a session, for keystrokes call it often. */
export async function touchActivity(database: Database, uuid: string): Promise<void> {
  await database.query(
    `UPDATE sessions SET last_activity_at = now() WHERE uuid = $1 AND last_activity_at < now() - interval '5 seconds'`,
    [uuid],
  );
}

/** Holds the session open without activity until that time, fenced, with an event. False: superseded. */
export function extendSession(
  database: Database,
  extension: { sessionId: number; generation: number; until: Date },
): Promise<boolean> {
  return database.transaction(async (tx) => {
    const rows = await database.query<{ id: number }>(
      `UPDATE sessions SET expires_at = $3, updated_at = now() WHERE id = $1 AND generation = $2 RETURNING id`,
      [extension.sessionId, extension.generation, extension.until],
      tx,
    );
    if (rows.length === 0) return false;
    await database.query(`SELECT publish_session_event($1, 'session', '{}')`, [extension.sessionId], tx);
    return true;
  });
}

/**
 * Tells those who watch the session that it will close, when, and why: `since` nothing happened in it (`idle`, where `job` is
 * what ended then), or nobody was there while `job` ran on (`job`). Payload: `closingSoon` of the events' contract.
 */
export async function publishClosingSoon(
  database: Database,
  warning: { sessionId: number; at: Date; reason: 'idle' | 'expired' | 'job'; since: Date; job: string | null },
): Promise<void> {
  const { sessionId, ...payload } = warning;
  await database.query(`SELECT publish_session_event($1, 'closingSoon', $2)`, [sessionId, JSON.stringify(payload)]);
}
