import type { KeptVersion } from '#shared/domain/versionRetention.ts';
import type { Database, Tx } from '#platform/db/database.ts';

// A live file, a frozen one, and what the next merge may take for its ancestor: the base of a volume, or what was sent to it.
const IS_NEEDED = `(v.sha256 IN (SELECT w.sha256 FROM workspace_items w WHERE w.session_id = $1 AND w.sha256 IS NOT NULL)
  OR v.sha256 IN (SELECT b.sha256 FROM sync_base b JOIN volumes o ON o.id = b.volume_id WHERE o.session_id = $1 AND b.sha256 IS NOT NULL)
  OR v.sha256 IN (SELECT c.sha256 FROM sent_changes c JOIN volumes o ON o.id = c.volume_id WHERE o.session_id = $1 AND c.sha256 IS NOT NULL)
  OR EXISTS (SELECT 1 FROM snapshot_items i JOIN snapshots s ON s.id = i.snapshot_id
    WHERE s.session_id = $1 AND i.sha256 = v.sha256))`;

/** Sessions with a version that a terminal made within so many days, by id, those above `after`. */
export async function listSessionsWithVersions(
  database: Database,
  page: { days: number; after: number; limit: number },
): Promise<number[]> {
  const rows = await database.query<{ id: number }>(
    `SELECT id FROM sessions WHERE id > $2 AND EXISTS (SELECT 1 FROM file_versions v WHERE v.session_id = sessions.id
       AND v.created_at > now() - make_interval(days => $1) AND v.source = 'terminal') ORDER BY id LIMIT $3`,
    [page.days, page.after, page.limit],
  );
  return rows.map(({ id }) => id);
}

/** All versions of a session as the rules of keeping see them. */
export async function readKeptVersions(database: Database, sessionId: number): Promise<KeptVersion[]> {
  const rows = await database.query<Omit<KeptVersion, 'createdAt'> & { createdAt: Date }>(
    `SELECT v.id::float8 AS id, v.path, v.sha256, v.size::float8 AS size, v.created_at AS "createdAt",
       v.source = 'terminal' AS "isFromTerminal", ${IS_NEEDED} AS "isNeeded"
     FROM file_versions v WHERE v.session_id = $1`,
    [sessionId],
  );
  return rows.map((row) => ({ ...row, createdAt: row.createdAt.getTime() }));
}

/**
 * Removes those of the versions that are still not needed, and has the session's past refer to what is left. Holds the
 * session's row for this one batch. Resolves with how many went.
 */
export function removeVersions(
  database: Database,
  { sessionId, ids }: { sessionId: number; ids: number[] },
): Promise<number> {
  return database.transaction(async (tx) => {
    await database.query(`SELECT 1 FROM sessions WHERE id = $1 FOR UPDATE`, [sessionId], tx);
    const gone = await database.query<RemovedVersion>(
      `DELETE FROM file_versions v WHERE v.session_id = $1 AND v.id = ANY ($2::bigint[]) AND NOT ${IS_NEEDED}
       RETURNING v.item_id AS "itemId", v.version, v.sha256`,
      [sessionId, ids],
      tx,
    );
    if (gone.length === 0) return 0;
    await coarsenPast(database, { sessionId, gone }, tx);
    return gone.length;
  });
}

interface RemovedVersion {
  itemId: number;
  version: number;
  sha256: string;
}

/**
 * The past goes on with what is kept: where a removed version was, the one before it was, or, where there is none before,
 * the next one. What neither has is forgotten, in the trash as well.
 */
async function coarsenPast(
  database: Database,
  { sessionId, gone }: { sessionId: number; gone: RemovedVersion[] },
  tx: Tx,
): Promise<void> {
  const items = [...new Set(gone.map(({ itemId }) => itemId))];
  const columns = [
    gone.map(({ itemId }) => itemId),
    gone.map(({ version }) => version),
    gone.map(({ sha256 }) => sha256),
  ];
  await database.query(
    `WITH gone AS (SELECT * FROM unnest($2::integer[], $3::integer[], $4::text[]) AS gone (item_id, version, sha256)),
     homeless AS (
       SELECT p.id, p.item_id, p.path, p.began_at FROM item_periods p
       WHERE p.session_id = $1 AND p.item_id = ANY ($2::integer[]) AND p.type = 'file' AND p.ended_at IS NOT NULL
         AND ((p.item_id, p.version, p.sha256) IN (SELECT * FROM gone)
           OR NOT EXISTS (SELECT 1 FROM file_versions v WHERE v.session_id = $1 AND v.sha256 = p.sha256))
     ), housed AS (
       SELECT DISTINCT ON (h.id) h.id, v.sha256, v.encoding, v.size,
         CASE WHEN v.item_id = h.item_id THEN v.version END AS version
       FROM homeless h JOIN file_versions v ON v.session_id = $1 AND (v.item_id = h.item_id OR v.path = h.path)
       ORDER BY h.id, v.created_at > h.began_at, abs(extract(epoch FROM v.created_at - h.began_at)), v.id DESC
     ), forgotten AS (
       DELETE FROM item_periods WHERE id IN (SELECT id FROM homeless EXCEPT SELECT id FROM housed)
     )
     UPDATE item_periods p SET sha256 = h.sha256, encoding = h.encoding, size = h.size,
       version = coalesce(h.version, p.version) FROM housed h WHERE h.id = p.id`,
    [sessionId, ...columns],
    tx,
  );
  await joinPeriods(database, { sessionId, items }, tx);
  await database.query(
    `DELETE FROM deleted_files d WHERE d.session_id = $1 AND d.item_id = ANY ($2::integer[]) AND NOT EXISTS (
       SELECT 1 FROM file_versions v WHERE v.session_id = $1 AND v.item_id = d.item_id AND v.sha256 = d.sha256)`,
    [sessionId, items],
    tx,
  );
}

/** Periods that follow one another and say the same become one. */
async function joinPeriods(
  database: Database,
  { sessionId, items }: { sessionId: number; items: number[] },
  tx: Tx,
): Promise<void> {
  await database.query(
    `WITH ordered AS (
       SELECT id, item_id, ended_at, lag(ended_at) OVER line = began_at
         AND lag(ROW (path, encoding, executable, sha256)) OVER line = ROW (path, encoding, executable, sha256) AS follows
       FROM item_periods WHERE session_id = $1 AND item_id = ANY ($2::integer[]) AND type = 'file' AND ended_at IS NOT NULL
       WINDOW line AS (PARTITION BY item_id ORDER BY id)
     ), grouped AS (
       SELECT *, count(*) FILTER (WHERE follows IS NOT TRUE) OVER (PARTITION BY item_id ORDER BY id) AS island FROM ordered
     ), islands AS (
       SELECT item_id, island, min(id) AS first, max(ended_at) AS ended_at
       FROM grouped GROUP BY item_id, island HAVING count(*) > 1
     ), joined AS (
       DELETE FROM item_periods p USING grouped g JOIN islands i USING (item_id, island)
       WHERE p.id = g.id AND p.id <> i.first
     )
     UPDATE item_periods p SET ended_at = i.ended_at FROM islands i WHERE p.id = i.first`,
    [sessionId, items],
    tx,
  );
}
