import type { PastEntry } from '#shared/domain/restorePlan.ts';
import type { Database, Tx } from '#platform/db/database.ts';
import { ENTRY_TYPE } from '#platform/db/repositories/syncBase.ts';

/** Since when it is known what a session's files were. */
export async function readHistorySince(database: Database, sessionId: number, tx: Tx = null): Promise<Date | null> {
  const rows = await database.query<{ since: Date }>(
    `SELECT history_since AS since FROM sessions WHERE id = $1`,
    [sessionId],
    tx,
  );
  return rows[0]?.since ?? null;
}

/** The session's tree as it was at a moment (ISO 8601, to the microsecond), by path. */
export async function readTreeAt(
  database: Database,
  { sessionId, at }: { sessionId: number; at: string },
  tx: Tx = null,
): Promise<Map<string, PastEntry>> {
  const rows = await database.query<PastEntry & { path: string }>(
    `SELECT p.path, p.item_id AS "itemId", ${ENTRY_TYPE} AS type, p.encoding, p.executable, p.sha256,
       p.size::float8 AS size, p.type = 'folder' OR b.sha256 IS NOT NULL AS "isStored"
     FROM item_periods p LEFT JOIN blobs b ON b.sha256 = p.sha256
     WHERE p.session_id = $1 AND p.began_at <= $2::timestamptz AND (p.ended_at IS NULL OR p.ended_at > $2::timestamptz)`,
    [sessionId, at],
    tx,
  );
  return new Map(rows.map(({ path, ...entry }) => [path, entry]));
}
