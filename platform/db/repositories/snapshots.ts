import { createHash } from 'node:crypto';
import type { ItemEncoding } from '#shared/contracts/item.ts';
import { manifestText, type ManifestEntry } from '#shared/domain/reviewManifest.ts';
import type { Database, Tx } from '#platform/db/database.ts';
import type { CopiedItem } from '#platform/db/repositories/treeCopies.ts';

/** One path of a snapshot. */
export interface SnapshotItemRecord extends ManifestEntry {
  id: number;
  snapshotId: number;
  itemId: number;
  encoding: ItemEncoding;
  size: number;
}

/** SHA-256 over the sorted (path, type, executable, sha256) of a snapshot, in hexadecimal. */
export function manifestHash(entries: readonly ManifestEntry[]): string {
  return createHash('sha256').update(manifestText(entries), 'utf8').digest('hex');
}

/** What a frozen session contains. */
export interface CreatedSnapshot {
  id: number;
  manifestHash: string;
  files: number;
}

// The type that a snapshot shows: a symlink is a file of its own encoding in the live tree.
const FROZEN_TYPE = `CASE WHEN encoding = 'symlink' THEN 'symlink' ELSE type END`;

/**
 * Copies the session's present tree into an immutable snapshot and records who edited it. The caller holds the session's
 * row lock, so no tree change falls between the statements.
 */
export async function createSnapshot(
  database: Database,
  session: { sessionId: number; createdBy: number | null },
  tx: Tx,
): Promise<CreatedSnapshot> {
  const entries = await readManifest(database, session.sessionId, tx);
  const hash = manifestHash(entries);
  const [snapshot] = await database.query<{ id: number }>(
    'INSERT INTO snapshots (session_id, manifest_hash, created_by) VALUES ($1, $2, $3) RETURNING id',
    [session.sessionId, hash, session.createdBy],
    tx,
  );
  if (snapshot === undefined) throw new Error('the snapshot was not inserted');
  await keepBlobs(database, session.sessionId, tx);
  await database.query(
    `INSERT INTO snapshot_items (snapshot_id, item_id, path, type, encoding, executable, sha256, size)
     SELECT $1::integer, id, full_path, ${FROZEN_TYPE}, encoding, executable, sha256, size FROM workspace_items WHERE session_id = $2`,
    [snapshot.id, session.sessionId],
    tx,
  );
  await database.query(
    `INSERT INTO snapshot_editors (snapshot_id, user_id)
     SELECT $1::integer, user_id FROM sessions WHERE id = $2
     UNION SELECT $1::integer, created_by FROM file_versions WHERE session_id = $2 AND created_by IS NOT NULL
     UNION SELECT $1::integer, updated_by FROM workspace_items WHERE session_id = $2 AND updated_by IS NOT NULL`,
    [snapshot.id, session.sessionId],
    tx,
  );
  return { id: snapshot.id, manifestHash: hash, files: entries.filter((entry) => entry.type !== 'folder').length };
}

/** What a snapshot of the session's present tree would say about each path. */
export function readManifest(database: Database, sessionId: number, tx: Tx): Promise<ManifestEntry[]> {
  return database.query<ManifestEntry>(
    `SELECT full_path AS path, ${FROZEN_TYPE} AS type, executable, sha256 FROM workspace_items WHERE session_id = $1`,
    [sessionId],
    tx,
  );
}

/** Stores the bytes of files that have no blob yet. Sorted, so that two sessions with the same files cannot deadlock. */
export async function keepBlobs(database: Database, sessionId: number, tx: Tx): Promise<void> {
  await database.query(
    `INSERT INTO blobs (sha256, bytes)
     SELECT DISTINCT ON (w.sha256) w.sha256,
       CASE w.encoding WHEN 'base64' THEN decode(w.content, 'base64') ELSE convert_to(w.content, 'UTF8') END
     FROM workspace_items w
     WHERE w.session_id = $1 AND w.type = 'file' AND NOT EXISTS (SELECT 1 FROM blobs b WHERE b.sha256 = w.sha256)
     ORDER BY w.sha256
     ON CONFLICT (sha256) DO UPDATE SET touched_at = now()`,
    [sessionId],
    tx,
  );
}

const ITEM_COLUMNS = `
  i.id, i.snapshot_id AS "snapshotId", i.item_id AS "itemId", i.path, i.type, i.encoding, i.executable, i.sha256, i.size::int AS size`;

/** Every path of a snapshot, sorted so that a folder comes before what is in it. */
export async function listSnapshotItems(database: Database, snapshotId: number): Promise<SnapshotItemRecord[]> {
  return database.query<SnapshotItemRecord>(
    `SELECT ${ITEM_COLUMNS} FROM snapshot_items i WHERE i.snapshot_id = $1 ORDER BY i.path COLLATE "C"`,
    [snapshotId],
  );
}

/** How many files a snapshot has. */
export async function countSnapshotFiles(database: Database, snapshotId: number, tx: Tx): Promise<number> {
  const rows = await database.query<{ files: number }>(
    `SELECT count(*)::int AS files FROM snapshot_items WHERE snapshot_id = $1 AND type <> 'folder'`,
    [snapshotId],
    tx,
  );
  return rows[0]?.files ?? 0;
}

/** A path of this snapshot without its bytes, or null when the snapshot has no such path. */
export async function findSnapshotEntry(
  database: Database,
  key: { snapshotId: number; snapshotItemId: number },
): Promise<SnapshotItemRecord | null> {
  const rows = await database.query<SnapshotItemRecord>(
    `SELECT ${ITEM_COLUMNS} FROM snapshot_items i WHERE i.id = $2 AND i.snapshot_id = $1`,
    [key.snapshotId, key.snapshotItemId],
  );
  return rows[0] ?? null;
}

/** A path of this snapshot with its bytes (null for a folder), or null when the snapshot has no such path. */
export async function findSnapshotItem(
  database: Database,
  key: { snapshotId: number; snapshotItemId: number },
  tx: Tx = null,
): Promise<(SnapshotItemRecord & { bytes: Buffer | null }) | null> {
  const rows = await database.query<SnapshotItemRecord & { bytes: Buffer | null }>(
    `SELECT ${ITEM_COLUMNS}, b.bytes FROM snapshot_items i LEFT JOIN blobs b ON b.sha256 = i.sha256
     WHERE i.id = $2 AND i.snapshot_id = $1`,
    [key.snapshotId, key.snapshotItemId],
    tx,
  );
  return rows[0] ?? null;
}

/** A path with its bytes of any snapshot that was made for this review, or null when none has it. */
export async function findReviewedItem(
  database: Database,
  key: { reviewId: number; snapshotItemId: number },
  tx: Tx,
): Promise<(SnapshotItemRecord & { bytes: Buffer | null }) | null> {
  const rows = await database.query<SnapshotItemRecord & { bytes: Buffer | null }>(
    `SELECT ${ITEM_COLUMNS}, b.bytes FROM snapshot_items i
     JOIN snapshots n ON n.id = i.snapshot_id
     JOIN sessions s ON s.id = n.session_id
     JOIN review_requests r ON r.session_id = s.uuid
       AND (n.id = r.snapshot_id OR n.id < r.snapshot_id AND n.created_at >= r.submitted_at)
     LEFT JOIN blobs b ON b.sha256 = i.sha256
     WHERE i.id = $2 AND r.id = $1`,
    [key.reviewId, key.snapshotItemId],
    tx,
  );
  return rows[0] ?? null;
}

/** A path of a snapshot, and whether its bytes are still those that were frozen. */
interface CheckedItem extends CopiedItem {
  frozenType: ManifestEntry['type'];
  isIntact: boolean;
}

/**
 * All of a snapshot as items to be written elsewhere, with its digest. The digests of every file's bytes and of the whole are
 * computed again: rejects where the database holds anything else than was frozen.
 */
export async function readVerifiedSnapshot(
  database: Database,
  snapshotId: number,
): Promise<{ manifestHash: string; items: CopiedItem[] }> {
  const items = await database.query<CheckedItem>(
    `SELECT i.path, i.type AS "frozenType", CASE i.type WHEN 'symlink' THEN 'file' ELSE i.type END AS type, i.encoding,
       i.executable, i.sha256, i.size::float8 AS size,
       (i.sha256 IS NULL OR coalesce(encode(sha256(b.bytes), 'hex') = i.sha256, false)) AS "isIntact"
     FROM snapshot_items i LEFT JOIN blobs b ON b.sha256 = i.sha256 WHERE i.snapshot_id = $1 ORDER BY i.path COLLATE "C"`,
    [snapshotId],
  );
  const broken = items.find(({ isIntact }) => !isIntact);
  if (broken !== undefined) throw new Error(`blob ${broken.sha256} of snapshot ${snapshotId} holds other bytes`);
  const [snapshot] = await database.query<{ manifestHash: string }>(
    `SELECT manifest_hash AS "manifestHash" FROM snapshots WHERE id = $1`,
    [snapshotId],
  );
  const computed = manifestHash(
    items.map(({ path, frozenType, executable, sha256 }) => ({ path, type: frozenType, executable, sha256 })),
  );
  if (snapshot?.manifestHash !== computed) throw new Error(`snapshot ${snapshotId} is not what its digest says`);
  return { manifestHash: computed, items };
}

/** A path of this snapshot with its bytes (null for a folder), or null when the snapshot has no such path. */
export async function findSnapshotItemByPath(
  database: Database,
  key: { snapshotId: number; path: string },
): Promise<(SnapshotItemRecord & { bytes: Buffer | null }) | null> {
  const rows = await database.query<SnapshotItemRecord & { bytes: Buffer | null }>(
    `SELECT ${ITEM_COLUMNS}, b.bytes FROM snapshot_items i LEFT JOIN blobs b ON b.sha256 = i.sha256
     WHERE i.snapshot_id = $1 AND path_digest(i.path) = path_digest($2)`,
    [key.snapshotId, key.path],
  );
  return rows[0] ?? null;
}
