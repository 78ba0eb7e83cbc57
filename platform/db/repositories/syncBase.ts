import type { KnownEntry } from '#shared/domain/itemRenames.ts';
import type { TreeEntry } from '#shared/domain/mergeEntry.ts';
import type { Database, Tx } from '#platform/db/database.ts';

/** The kind of a row of `workspace_items` as trees name it. */
export const ENTRY_TYPE = `CASE WHEN type = 'folder' THEN 'folder' WHEN encoding = 'symlink' THEN 'symlink' ELSE 'file' END`;

/** What both sides agreed on at a path. */
export interface BaseEntry {
  path: string;
  type: TreeEntry['type'];
  sha256: string | null;
  executable: boolean;
}

/** The base of a volume by path. Sizes are not kept: the digest is what counts. */
export async function readBase(database: Database, volumeId: number, tx: Tx = null): Promise<Map<string, KnownEntry>> {
  const rows = await database.query<BaseEntry & { itemId: number | null }>(
    `SELECT path, type, sha256, executable, item_id AS "itemId" FROM sync_base WHERE volume_id = $1`,
    [volumeId],
    tx,
  );
  return new Map(rows.map(({ path, ...entry }) => [path, { ...entry, size: 0 }]));
}

/** Records what both sides now agree on, and which item stands for it now, and forgets paths that neither has. */
export async function moveBase(
  database: Database,
  move: { volumeId: number; put: BaseEntry[]; removed: string[] },
  tx: Tx = null,
): Promise<void> {
  if (move.removed.length > 0) {
    await database.query(
      `DELETE FROM sync_base b USING unnest($2::text[]) AS gone (path)
       WHERE b.volume_id = $1 AND path_digest(b.path) = path_digest(gone.path)`,
      [move.volumeId, move.removed],
      tx,
    );
  }
  if (move.put.length === 0) return;
  await database.query(
    `INSERT INTO sync_base (volume_id, path, type, sha256, executable, item_id)
     SELECT v.id, n.path, n.type, n.sha256, n.executable, w.id
     FROM unnest($2::text[], $3::text[], $4::text[], $5::boolean[]) AS n (path, type, sha256, executable)
     JOIN volumes v ON v.id = $1
     LEFT JOIN workspace_items w ON w.session_id = v.session_id AND w.full_path = n.path
     ON CONFLICT (volume_id, path_digest(path)) DO UPDATE
     SET type = excluded.type, sha256 = excluded.sha256, executable = excluded.executable, item_id = excluded.item_id`,
    [
      move.volumeId,
      move.put.map((entry) => entry.path),
      move.put.map((entry) => entry.type),
      move.put.map((entry) => entry.sha256),
      move.put.map((entry) => entry.executable),
    ],
    tx,
  );
}

/** Replaces the whole base of a volume. */
export async function replaceBase(
  database: Database,
  base: { volumeId: number; put: BaseEntry[] },
  tx: Tx = null,
): Promise<void> {
  await database.query(`DELETE FROM sync_base WHERE volume_id = $1`, [base.volumeId], tx);
  await moveBase(database, { ...base, removed: [] }, tx);
}

/**
 * Moves the base of one path to what an agent acknowledged, only where it still is what the change was made from
 * (`expected`: the digest, null for no base). Resolves with whether it moved.
 */
export async function acknowledgeWrite(
  database: Database,
  write: { volumeId: number; entry: BaseEntry; expected: string | null },
  tx: Tx = null,
): Promise<boolean> {
  const { entry } = write;
  const rows =
    write.expected === null
      ? await database.query(
          `INSERT INTO sync_base (volume_id, path, type, sha256, executable, item_id)
           SELECT v.id, $2, $3, $4, $5, w.id FROM volumes v
           LEFT JOIN workspace_items w ON w.session_id = v.session_id AND w.full_path = $2 WHERE v.id = $1
           ON CONFLICT (volume_id, path_digest(path)) DO NOTHING RETURNING path`,
          [write.volumeId, entry.path, entry.type, entry.sha256, entry.executable],
          tx,
        )
      : await database.query(
          `UPDATE sync_base SET type = $3, sha256 = $4, executable = $5, item_id = (
             SELECT w.id FROM volumes v JOIN workspace_items w ON w.session_id = v.session_id AND w.full_path = $2
             WHERE v.id = $1)
           WHERE volume_id = $1 AND path_digest(path) = path_digest($2) AND sha256 = $6
           RETURNING path`,
          [write.volumeId, entry.path, entry.type, entry.sha256, entry.executable, write.expected],
          tx,
        );
  return rows.length > 0;
}

/** Forgets paths that an agent acknowledged to be removed, where the base still is what was removed. */
export async function acknowledgeRemovals(
  database: Database,
  removal: { volumeId: number; entries: Array<{ path: string; sha256: string | null }> },
  tx: Tx = null,
): Promise<void> {
  await database.query(
    `DELETE FROM sync_base b USING unnest($2::text[], $3::text[]) AS gone (path, sha256)
     WHERE b.volume_id = $1 AND path_digest(b.path) = path_digest(gone.path)
       AND b.sha256 IS NOT DISTINCT FROM gone.sha256`,
    [removal.volumeId, removal.entries.map((entry) => entry.path), removal.entries.map((entry) => entry.sha256)],
    tx,
  );
}

/** Moves the base of a path and of all below it to a new place, after an agent acknowledged the rename. */
export async function acknowledgeRename(
  database: Database,
  rename: { volumeId: number; from: string; to: string },
  tx: Tx = null,
): Promise<void> {
  await database.query(
    `UPDATE sync_base SET path = $3 || substr(path, length($2) + 1)
     WHERE volume_id = $1 AND (path = $2 OR starts_with(path, $2 || '/'))
       AND NOT EXISTS (SELECT 1 FROM sync_base t WHERE t.volume_id = $1 AND (t.path = $3 OR starts_with(t.path, $3 || '/')))`,
    [rename.volumeId, rename.from, rename.to],
    tx,
  );
}

/**
 * Paths of the session whose row, or whose absence, differs from what its live volume last agreed on: the database's
 * side has news for the pod. Empty without a volume; at most `limit` paths (200 by default).
 */
export async function dirtyPaths(database: Database, sessionId: number, limit = 200): Promise<string[]> {
  const rows = await database.query<{ path: string }>(
    `WITH item AS (
       SELECT full_path AS path, sha256, executable, ${ENTRY_TYPE} AS type FROM workspace_items WHERE session_id = $1
     ), base AS (
       SELECT b.path, b.sha256, b.executable, b.type FROM sync_base b JOIN volumes v ON v.id = b.volume_id WHERE v.session_id = $1
     )
     SELECT coalesce(item.path, base.path) AS path FROM item FULL JOIN base ON base.path = item.path
     WHERE EXISTS (SELECT 1 FROM volumes WHERE session_id = $1)
       AND (item.path IS NULL OR base.path IS NULL OR base.type <> item.type
         OR base.sha256 IS DISTINCT FROM item.sha256 OR base.executable <> item.executable)
     LIMIT $2`,
    [sessionId, limit],
  );
  return rows.map((row) => row.path);
}

/** What a hand-off goes by: the live volume, and of the paths asked for their base and the digest of their row now. */
export interface HandOffState {
  volumeId: number;
  base: Map<string, BaseEntry>;
  current: Map<string, string | null>;
}

/** Reads what a hand-off goes by; null when the session has no live volume. */
export async function readHandOffState(
  database: Database,
  { sessionId, paths }: { sessionId: number; paths: string[] },
): Promise<HandOffState | null> {
  const volumes = await database.query<{ id: number }>(
    `SELECT id FROM volumes WHERE session_id = $1 AND state = 'live'`,
    [sessionId],
  );
  const volumeId = volumes[0]?.id;
  if (volumeId === undefined) return null;
  const base = await database.query<BaseEntry>(
    `SELECT b.path, b.type, b.sha256, b.executable FROM sync_base b
     WHERE b.volume_id = $1 AND path_digest(b.path) IN (SELECT path_digest(p) FROM unnest($2::text[]) AS p)`,
    [volumeId, paths],
  );
  const rows = await database.query<{ path: string; sha256: string | null }>(
    `SELECT full_path AS path, sha256 FROM workspace_items WHERE session_id = $1 AND full_path = ANY ($2::text[])`,
    [sessionId, paths],
  );
  return {
    volumeId,
    base: new Map(base.map((entry) => [entry.path, entry])),
    current: new Map(rows.map((row) => [row.path, row.sha256])),
  };
}
