import { AppError } from '#shared/domain/errors.ts';
import { starterFiles } from '#shared/domain/starterFiles.ts';
import { contentText, describeFile, type ContentEncoding, type FileContent } from '#platform/db/content.ts';
import { storeBlobs } from '#platform/db/repositories/blobs.ts';
import { recordVersion, type Authorship } from '#platform/db/repositories/fileVersions.ts';
import type { Database, Tx } from '#platform/db/database.ts';

/** A row of `workspace_items` without its content. */
export interface ItemRecord {
  id: number;
  sessionId: number;
  parentId: number | null;
  name: string;
  /** Relative to the session's root, kept by the database. */
  path: string;
  type: 'file' | 'folder';
  encoding: ContentEncoding;
  executable: boolean;
  version: number;
  sha256: string | null;
  size: number;
  updatedAt: Date;
}

/** The columns of `workspace_items` under the names of ItemRecord. */
export const ITEM_COLUMNS = `id, session_id AS "sessionId", parent_id AS "parentId", name, full_path AS path, type, encoding, executable,
  version, sha256, size::float8 AS size, updated_at AS "updatedAt"`;

/** All items of the session, folders before what is in them. */
export function listItems(database: Database, sessionId: number, tx: Tx = null): Promise<ItemRecord[]> {
  return database.query<ItemRecord>(
    `SELECT ${ITEM_COLUMNS} FROM workspace_items WHERE session_id = $1 ORDER BY full_path COLLATE "C"`,
    [sessionId],
    tx,
  );
}

/** An item of the session by id; null when the session has none such. */
export async function findItem(
  database: Database,
  item: { sessionId: number; id: number },
  tx: Tx = null,
): Promise<ItemRecord | null> {
  const rows = await database.query<ItemRecord>(
    `SELECT ${ITEM_COLUMNS} FROM workspace_items WHERE session_id = $1 AND id = $2`,
    [item.sessionId, item.id],
    tx,
  );
  return rows[0] ?? null;
}

/** The item of the session at that path; null when there is none. */
export async function findItemByPath(
  database: Database,
  place: { sessionId: number; path: string },
  tx: Tx = null,
): Promise<ItemRecord | null> {
  const rows = await database.query<ItemRecord>(
    `SELECT ${ITEM_COLUMNS} FROM workspace_items WHERE session_id = $1 AND full_path = $2`,
    [place.sessionId, place.path],
    tx,
  );
  return rows[0] ?? null;
}

/** The item with that name in a folder (null: the root); null when there is none. */
export async function findChild(
  database: Database,
  place: { sessionId: number; parentId: number | null; name: string },
  tx: Tx = null,
): Promise<ItemRecord | null> {
  const rows = await database.query<ItemRecord>(
    `SELECT ${ITEM_COLUMNS} FROM workspace_items
     WHERE session_id = $1 AND parent_id IS NOT DISTINCT FROM $2::integer AND name = $3`,
    [place.sessionId, place.parentId, place.name],
    tx,
  );
  return rows[0] ?? null;
}

/** A file's row with its content; null when there is no such file. */
export async function findItemWithContent(
  database: Database,
  item: { sessionId: number; id: number },
  tx: Tx = null,
): Promise<(ItemRecord & { content: string }) | null> {
  const rows = await database.query<ItemRecord & { content: string }>(
    `SELECT ${ITEM_COLUMNS}, content FROM workspace_items WHERE session_id = $1 AND id = $2 AND type = 'file'`,
    [item.sessionId, item.id],
    tx,
  );
  return rows[0] ?? null;
}

/** The item and everything below it, folders before what is in them. */
export function listSubtree(
  database: Database,
  item: { sessionId: number; id: number },
  tx: Tx = null,
): Promise<ItemRecord[]> {
  return database.query<ItemRecord>(
    `WITH RECURSIVE down AS (
       SELECT id AS item_id FROM workspace_items WHERE session_id = $1 AND id = $2
       UNION ALL SELECT w.id FROM workspace_items w JOIN down ON w.parent_id = down.item_id)
     SELECT ${ITEM_COLUMNS} FROM workspace_items JOIN down ON down.item_id = id ORDER BY full_path COLLATE "C"`,
    [item.sessionId, item.id],
    tx,
  );
}

/** How many items the session has and how many bytes its files hold. */
export async function measureTree(
  database: Database,
  sessionId: number,
  tx: Tx = null,
): Promise<{ items: number; bytes: number }> {
  const rows = await database.query<{ items: number; bytes: number }>(
    `SELECT count(*)::integer AS items, coalesce(sum(size), 0)::float8 AS bytes FROM workspace_items WHERE session_id = $1`,
    [sessionId],
    tx,
  );
  return rows[0]!;
}

/** Inserts a folder. The caller holds the session's row and has checked the place. */
export async function insertFolder(
  database: Database,
  folder: { sessionId: number; parentId: number | null; name: string; userId: number | null },
  tx: Tx,
): Promise<ItemRecord> {
  const rows = await database.query<ItemRecord>(
    `INSERT INTO workspace_items (session_id, parent_id, name, type, updated_by) VALUES ($1, $2, $3, 'folder', $4)
     RETURNING ${ITEM_COLUMNS}`,
    [folder.sessionId, folder.parentId, folder.name, folder.userId],
    tx,
  );
  return rows[0]!;
}

/** Inserts a file with its first version. The caller holds the session's row and has checked the place. */
export async function insertFile(
  database: Database,
  file: {
    sessionId: number;
    parentId: number | null;
    name: string;
    content: FileContent;
    executable: boolean;
    author: Authorship;
  },
  tx: Tx,
): Promise<ItemRecord> {
  const { content, author } = file;
  await storeBlobs(database, [content], tx);
  const rows = await database.query<ItemRecord>(
    `INSERT INTO workspace_items (session_id, parent_id, name, type, content, encoding, sha256, size, executable, updated_by)
     VALUES ($1, $2, $3, 'file', $4, $5, $6, $7, $8, $9) RETURNING ${ITEM_COLUMNS}`,
    [
      file.sessionId,
      file.parentId,
      file.name,
      contentText(content),
      content.encoding,
      content.sha256,
      content.size,
      file.executable,
      author.userId,
    ],
    tx,
  );
  await recordVersion(database, { item: rows[0]!, author }, tx);
  return rows[0]!;
}

/** Saves a file over the version that the caller has seen; null when that is not the present version, and nothing changed. */
export async function saveFile(
  database: Database,
  save: { sessionId: number; id: number; expectedVersion: number; content: FileContent; author: Authorship },
  tx: Tx,
): Promise<ItemRecord | null> {
  const { content, author } = save;
  await storeBlobs(database, [content], tx);
  const rows = await database.query<ItemRecord>(
    `UPDATE workspace_items SET content = $4, encoding = $5, sha256 = $6, size = $7, version = version + 1,
       updated_by = $8, updated_at = now()
     WHERE session_id = $1 AND id = $2 AND version = $3 AND type = 'file' RETURNING ${ITEM_COLUMNS}`,
    [
      save.sessionId,
      save.id,
      save.expectedVersion,
      contentText(content),
      content.encoding,
      content.sha256,
      content.size,
      author.userId,
    ],
    tx,
  );
  const saved = rows[0];
  if (saved === undefined) return null;
  await recordVersion(database, { item: saved, author }, tx);
  return saved;
}

/** Gives an item its name, folder and executable bit. The caller holds the session's row and has checked the place. */
export async function placeItem(
  database: Database,
  item: { id: number; parentId: number | null; name: string; executable: boolean; userId: number | null },
  tx: Tx,
): Promise<ItemRecord> {
  const rows = await database.query<ItemRecord>(
    `UPDATE workspace_items SET parent_id = $2, name = $3, executable = $4, version = version + 1, updated_by = $5, updated_at = now()
     WHERE id = $1 RETURNING ${ITEM_COLUMNS}`,
    [item.id, item.parentId, item.name, item.executable, item.userId],
    tx,
  );
  if (rows[0] === undefined) throw new AppError('NOT_FOUND');
  return rows[0];
}

/** Deletes an item and everything below it. Versions stay. */
export async function deleteItemRow(database: Database, id: number, tx: Tx): Promise<void> {
  await database.query(`DELETE FROM workspace_items WHERE id = $1`, [id], tx);
}

/** Gives a new session the files that its language begins with. */
export async function createStarterItems(
  database: Database,
  session: { id: number; userId: number },
  language: string,
  tx: Tx,
): Promise<void> {
  for (const { path, content } of starterFiles(language)) {
    const author: Authorship = { userId: session.userId, source: 'starter' };
    const file = { name: path, content: describeFile(Buffer.from(content)), executable: false, author };
    await insertFile(database, { sessionId: session.id, parentId: null, ...file }, tx);
  }
}
