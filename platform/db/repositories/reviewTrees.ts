import type { ItemEncoding } from '#shared/contracts/item.ts';
import type { Database } from '#platform/db/database.ts';

/** A path of a snapshot or of the live session, as far as trees are compared. */
export interface TreeItemRecord {
  itemId: number;
  path: string;
  type: 'file' | 'folder' | 'symlink';
  encoding: ItemEncoding;
  executable: boolean;
  sha256: string | null;
  size: number;
}

/** A tree that can be compared: what was frozen, or the session's files as PostgreSQL holds them now. */
export type TreeSide = { snapshotId: number } | { liveSessionId: number };

/** A snapshot of a session that was made for a review. */
export interface ReviewSnapshotRecord {
  id: number;
  manifestHash: string;
  createdAt: Date;
  /** The review that was open when it was made. */
  reviewId: number;
  round: number;
}

const SNAPSHOT_COLUMNS = `item_id AS "itemId", path, type, encoding, executable, sha256, size::int AS size`;
// A symlink is a file of its own encoding in the live tree.
const LIVE_COLUMNS = `id AS "itemId", full_path AS path, CASE WHEN encoding = 'symlink' THEN 'symlink' ELSE type END AS type,
  encoding, executable, sha256, size::int AS size`;

/** Every path of a tree. */
export function listTree(database: Database, side: TreeSide): Promise<TreeItemRecord[]> {
  return 'snapshotId' in side
    ? database.query(`SELECT ${SNAPSHOT_COLUMNS} FROM snapshot_items WHERE snapshot_id = $1`, [side.snapshotId])
    : database.query(`SELECT ${LIVE_COLUMNS} FROM workspace_items WHERE session_id = $1`, [side.liveSessionId]);
}

interface TreeContent {
  itemId: number;
  content: string;
  isIntact: boolean;
}

/**
 * The contents of some files of a tree by their items' ids, as their rows' encodings hold them. Rejects where frozen bytes
 * are not those of their digest.
 */
export async function readTreeContents(
  database: Database,
  side: TreeSide,
  itemIds: readonly number[],
): Promise<Map<number, string>> {
  const rows =
    'snapshotId' in side
      ? await database.query<TreeContent>(
          `SELECT i.item_id AS "itemId", encode(sha256(b.bytes), 'hex') = i.sha256 AS "isIntact", CASE i.encoding WHEN 'base64' THEN replace(encode(b.bytes, 'base64'), E'\\n', '')
             ELSE convert_from(b.bytes, 'UTF8') END AS content
           FROM snapshot_items i JOIN blobs b ON b.sha256 = i.sha256
           WHERE i.snapshot_id = $1 AND i.item_id = ANY ($2::integer[])`,
          [side.snapshotId, itemIds],
        )
      : await database.query<TreeContent>(
          `SELECT id AS "itemId", true AS "isIntact", content FROM workspace_items
           WHERE session_id = $1 AND id = ANY ($2::integer[]) AND type = 'file'`,
          [side.liveSessionId, itemIds],
        );
  const broken = rows.find(({ isIntact }) => !isIntact);
  if (broken !== undefined) throw new Error(`the frozen bytes of item ${broken.itemId} are not what was frozen`);
  return new Map(rows.map(({ itemId, content }) => [itemId, content]));
}

/** The snapshots of a session, oldest first, each with the review that was open when it was made. */
export function listReviewSnapshots(database: Database, sessionId: number): Promise<ReviewSnapshotRecord[]> {
  return database.query<ReviewSnapshotRecord>(
    `SELECT n.id, n.manifest_hash AS "manifestHash", n.created_at AS "createdAt", r.id AS "reviewId", r.round
     FROM snapshots n
     JOIN sessions s ON s.id = n.session_id
     CROSS JOIN LATERAL (
       SELECT id, round FROM review_requests
       WHERE session_id = s.uuid AND (snapshot_id = n.id OR submitted_at <= n.created_at)
       ORDER BY snapshot_id IS NOT DISTINCT FROM n.id DESC, submitted_at DESC, id DESC LIMIT 1) r
     WHERE n.session_id = $1 ORDER BY n.id`,
    [sessionId],
  );
}

/** Which of the items were in which snapshot, as `snapshotId:itemId`. */
export async function findKnownItems(
  database: Database,
  pairs: ReadonlyArray<{ snapshotId: number; itemId: number }>,
): Promise<Set<string>> {
  if (pairs.length === 0) return new Set();
  const rows = await database.query<{ snapshotId: number; itemId: number }>(
    `SELECT i.snapshot_id AS "snapshotId", i.item_id AS "itemId" FROM snapshot_items i
     WHERE i.snapshot_id = ANY ($1::integer[]) AND i.item_id = ANY ($2::integer[])`,
    [[...new Set(pairs.map(({ snapshotId }) => snapshotId))], [...new Set(pairs.map(({ itemId }) => itemId))]],
  );
  return new Set(rows.map(({ snapshotId, itemId }) => `${snapshotId}:${itemId}`));
}
