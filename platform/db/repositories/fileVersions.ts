import type { ContentEncoding } from '#platform/db/content.ts';
import type { Database, Tx } from '#platform/db/database.ts';

/** From where a version came. */
export type VersionSource = 'starter' | 'editor' | 'terminal' | 'merge' | 'restore' | 'upload';

/** Who makes a version and from where. */
export interface Authorship {
  /** Null when nobody is known to have typed it. */
  userId: number | null;
  source: VersionSource;
}

/** The row of a file as a version records it. */
export interface VersionedItem {
  id: number;
  sessionId: number;
  path: string;
  version: number;
  sha256: string | null;
  encoding: ContentEncoding;
  executable: boolean;
  size: number;
}

/** A row of `file_versions` with the name of its author. */
export interface VersionRecord {
  id: number;
  version: number;
  path: string;
  sha256: string;
  encoding: ContentEncoding;
  executable: boolean;
  size: number;
  source: VersionSource;
  createdBy: string | null;
  createdAt: Date;
}

const COLUMNS = `f.id::float8 AS id, f.version, f.path, f.sha256, f.encoding, f.executable,
  f.size::float8 AS size, f.source,
  u.username AS "createdBy", f.created_at AS "createdAt"`;

/** Records the present content of a file as a version. The bytes are stored already. */
export async function recordVersion(
  database: Database,
  version: { item: VersionedItem; author: Authorship },
  tx: Tx,
): Promise<void> {
  const { item, author } = version;
  await database.query(
    `INSERT INTO file_versions (session_id, item_id, path, version, sha256, encoding, executable, size, source, created_by)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
    [
      item.sessionId,
      item.id,
      item.path,
      item.version,
      item.sha256,
      item.encoding,
      item.executable,
      item.size,
      author.source,
      author.userId,
    ],
    tx,
  );
}

/** Versions of an item, newest first, those with an id below `cursor` when one is given. */
export function listVersions(
  database: Database,
  page: { sessionId: number; itemId: number; cursor: number | null; limit: number },
  tx: Tx = null,
): Promise<VersionRecord[]> {
  return database.query<VersionRecord>(
    `SELECT ${COLUMNS} FROM file_versions f LEFT JOIN users u ON u.id = f.created_by
     WHERE f.session_id = $1 AND f.item_id = $2 AND ($3::bigint IS NULL OR f.id < $3) ORDER BY f.id DESC LIMIT $4`,
    [page.sessionId, page.itemId, page.cursor, page.limit],
    tx,
  );
}

/** One version of an item with its bytes; null when there is none such. */
export async function findVersion(
  database: Database,
  version: { sessionId: number; itemId: number; id: number },
  tx: Tx = null,
): Promise<(VersionRecord & { bytes: Buffer }) | null> {
  const rows = await database.query<VersionRecord & { bytes: Buffer }>(
    `SELECT ${COLUMNS}, b.bytes FROM file_versions f JOIN blobs b ON b.sha256 = f.sha256
     LEFT JOIN users u ON u.id = f.created_by WHERE f.session_id = $1 AND f.item_id = $2 AND f.id = $3`,
    [version.sessionId, version.itemId, version.id],
    tx,
  );
  return rows[0] ?? null;
}

/** The bytes that a session's versions take: each content once, however many versions have it. */
export async function measureVersions(database: Database, sessionId: number, tx: Tx = null): Promise<number> {
  const rows = await database.query<{ bytes: number }>(
    `SELECT coalesce(sum(size), 0)::float8 AS bytes
     FROM (SELECT DISTINCT sha256, size FROM file_versions WHERE session_id = $1) AS contents`,
    [sessionId],
    tx,
  );
  return rows[0]!.bytes;
}
