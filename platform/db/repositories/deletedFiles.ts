import type { PastEntry } from '#shared/domain/restorePlan.ts';
import type { ContentEncoding } from '#platform/db/content.ts';
import type { Database, Tx } from '#platform/db/database.ts';

/** A file in the trash of its session. */
export interface DeletedFileRecord {
  id: number;
  itemId: number;
  path: string;
  encoding: ContentEncoding;
  executable: boolean;
  sha256: string;
  size: number;
  /** Who deleted it, from where; a terminal has no name. */
  source: 'editor' | 'terminal' | 'restore';
  deletedBy: string | null;
  deletedAt: Date;
}

const COLUMNS = `d.id::float8 AS id, d.item_id AS "itemId", d.path, d.encoding, d.executable, d.sha256,
  d.size::float8 AS size, d.source, u.username AS "deletedBy", d.created_at AS "deletedAt"`;

/** Deleted files of a session, the last deleted first, those with an id below `cursor` when one is given. */
export function listDeletedFiles(
  database: Database,
  page: { sessionId: number; cursor: number | null; limit: number },
  tx: Tx = null,
): Promise<DeletedFileRecord[]> {
  return database.query<DeletedFileRecord>(
    `SELECT ${COLUMNS} FROM deleted_files d LEFT JOIN users u ON u.id = d.deleted_by
     WHERE d.session_id = $1 AND ($2::bigint IS NULL OR d.id < $2) ORDER BY d.id DESC LIMIT $3`,
    [page.sessionId, page.cursor, page.limit],
    tx,
  );
}

/** Those of the given items that are in the trash of this session. */
export function findDeletedFiles(
  database: Database,
  { sessionId, itemIds }: { sessionId: number; itemIds: number[] },
  tx: Tx = null,
): Promise<DeletedFileRecord[]> {
  return database.query<DeletedFileRecord>(
    `SELECT ${COLUMNS} FROM deleted_files d LEFT JOIN users u ON u.id = d.deleted_by
     WHERE d.session_id = $1 AND d.item_id = ANY ($2::integer[]) ORDER BY d.id`,
    [sessionId, itemIds],
    tx,
  );
}

/** A deleted file as a restore takes it; its bytes are kept while a version of it is. */
export function pastEntryOf(file: DeletedFileRecord): PastEntry {
  const { itemId, encoding, executable, sha256, size } = file;
  return {
    itemId,
    encoding,
    executable,
    sha256,
    size,
    type: encoding === 'symlink' ? 'symlink' : 'file',
    isStored: true,
  };
}

/** Says who deleted files, in the transaction that deleted them; nobody else may have written to the trash in between. */
export async function recordDeleter(
  database: Database,
  deleted: { itemIds: number[]; userId: number; source: 'editor' | 'restore' },
  tx: Tx,
): Promise<void> {
  await database.query(
    `UPDATE deleted_files SET deleted_by = $2, source = $3 WHERE item_id = ANY ($1::integer[])`,
    [deleted.itemIds, deleted.userId, deleted.source],
    tx,
  );
}

/** Removes a deleted file with its versions and its past for good; false when it is not in the trash of this session. */
export async function eraseDeletedFile(
  database: Database,
  { sessionId, itemId }: { sessionId: number; itemId: number },
  tx: Tx,
): Promise<boolean> {
  const gone = await database.query(
    `DELETE FROM deleted_files WHERE session_id = $1 AND item_id = $2 RETURNING id`,
    [sessionId, itemId],
    tx,
  );
  if (gone.length === 0) return false;
  for (const table of ['file_versions', 'item_periods']) {
    await database.query(`DELETE FROM ${table} WHERE session_id = $1 AND item_id = $2`, [sessionId, itemId], tx);
  }
  return true;
}
