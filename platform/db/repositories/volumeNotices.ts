import type { Database } from '#platform/db/database.ts';
import { publishSessionEvent } from '#platform/db/repositories/events.ts';

/**
 * Tells, once for each time that was set, the sessions whose kept volume goes within a day. Resolves with how many were
 * told.
 */
export async function tellExpiringVolumes(database: Database): Promise<number> {
  const due = await database.query<{ sessionId: number }>(
    `SELECT session_id AS "sessionId" FROM volumes WHERE ${IS_DUE} ORDER BY kept_until LIMIT 500`,
  );
  for (const { sessionId } of due) await tell(database, sessionId);
  return due.length;
}

const IS_DUE = `state = 'kept' AND kept_until BETWEEN now() AND now() + interval '1 day'
  AND expiry_told IS DISTINCT FROM kept_until`;

async function tell(database: Database, sessionId: number): Promise<void> {
  await database.transaction(async (tx) => {
    await database.query(`SELECT 1 FROM sessions WHERE id = $1 FOR UPDATE`, [sessionId], tx);
    // Opened, saved or discarded meanwhile: then there is nothing to tell.
    const [told] = await database.query<{ until: Date }>(
      `UPDATE volumes SET expiry_told = kept_until WHERE session_id = $1 AND ${IS_DUE} RETURNING kept_until AS until`,
      [sessionId],
      tx,
    );
    if (told === undefined) return;
    const payload = { until: told.until.toISOString() };
    await publishSessionEvent(database, { sessionId, kind: 'volumeExpires', payload }, tx);
  });
}
