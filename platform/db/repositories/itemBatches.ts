import { comparePaths, lastName, parentPath, pathDepth } from '#shared/domain/paths.ts';
import type { TreeEntry } from '#shared/domain/mergeEntry.ts';
import type { ContentEncoding } from '#platform/db/content.ts';
import type { Database, Tx } from '#platform/db/database.ts';
import { ENTRY_TYPE } from '#platform/db/repositories/syncBase.ts';

/** A row as a tree needs it. */
export interface TreeRow extends TreeEntry {
  id: number;
  path: string;
  version: number;
  encoding: ContentEncoding;
}

/** A file whose bytes are in `blobs` already, to be written at a path. */
export interface FileWrite {
  path: string;
  sha256: string;
  encoding: ContentEncoding;
  executable: boolean;
  size: number;
  source: 'terminal' | 'merge' | 'upload' | 'editor' | 'starter';
}

/** The changes of one commit, all made under the session's row lock. */
export interface TreeWrite {
  sessionId: number;
  /** Who makes the change; left out when nobody is known to have typed it. */
  userId?: number;
  /** The rows as they are, read under the same lock. */
  rows: ReadonlyMap<string, TreeRow>;
  /** Paths whose rows go; what is below them is listed too. */
  removed: string[];
  folders: string[];
  files: FileWrite[];
}

/**
 * A row's content from the encoding of `n` and the stored bytes of `b`, made inside the database: the bytes cross the wire
 * once. `translate` would take four times as long for the same.
 */
export const CONTENT = `CASE n.encoding WHEN 'base64' THEN replace(encode(b.bytes, 'base64'), E'\\n', '')
  ELSE convert_from(b.bytes, 'UTF8') END`;

/** All rows of a session by path, without content. */
export async function readTree(database: Database, sessionId: number, tx: Tx = null): Promise<Map<string, TreeRow>> {
  const rows = await database.query<TreeRow>(
    `SELECT id, full_path AS path, version, encoding, ${ENTRY_TYPE} AS type, sha256, executable, size::float8 AS size
     FROM workspace_items WHERE session_id = $1`,
    [sessionId],
    tx,
  );
  return new Map(rows.map((row) => [row.path, row]));
}

/**
 * Removes, inserts and updates rows in a few statements, with a version for every file written. The caller holds the
 * session's row, and every file's bytes are stored.
 */
export async function writeTree(database: Database, write: TreeWrite, tx: Tx): Promise<void> {
  const ids = new Map([...write.rows].map(([path, row]) => [path, row.id]));
  const removedIds = write.removed.flatMap((path) => ids.get(path) ?? []);
  for (const path of write.removed) ids.delete(path);
  if (removedIds.length > 0) {
    await database.query(`DELETE FROM workspace_items WHERE id = ANY ($1::integer[])`, [removedIds], tx);
  }
  const { sessionId, userId = null } = write;
  await insertFolders(database, { sessionId, userId, paths: write.folders, ids }, tx);
  const updates = write.files.filter((file) => ids.has(file.path));
  const inserts = write.files.filter((file) => !ids.has(file.path));
  await insertFiles(database, { sessionId, userId, files: inserts, ids }, tx);
  await updateFiles(database, { sessionId, userId, files: updates, ids }, tx);
}

/** Inserts those of the folders that have no id yet, and enters theirs. The caller holds the session's row. */
export async function insertFolders(
  database: Database,
  batch: { sessionId: number; userId: number | null; paths: string[]; ids: Map<string, number> },
  tx: Tx,
): Promise<void> {
  const missing = batch.paths.filter((path) => !batch.ids.has(path)).sort(comparePaths);
  const byDepth = Map.groupBy(missing, pathDepth);
  // A folder needs its parent's id, so each depth is one statement.
  for (const depth of [...byDepth.keys()].sort((left, right) => left - right)) {
    const paths = byDepth.get(depth) ?? [];
    const rows = await database.query<{ id: number; path: string }>(
      `INSERT INTO workspace_items (session_id, parent_id, name, type, updated_by)
       SELECT $1, n.parent_id, n.name, 'folder', $4::integer FROM unnest($2::integer[], $3::text[]) AS n (parent_id, name)
       RETURNING id, full_path AS path`,
      [batch.sessionId, paths.map((path) => parentId(path, batch.ids)), paths.map(lastName), batch.userId],
      tx,
    );
    for (const row of rows) batch.ids.set(row.path, row.id);
  }
}

function parentId(path: string, ids: Map<string, number>): number | null {
  const parent = parentPath(path);
  if (parent === null) return null;
  const id = ids.get(parent);
  if (id === undefined) throw new Error(`The folder of ${path} has no row.`);
  return id;
}

interface FileBatch {
  sessionId: number;
  userId: number | null;
  files: FileWrite[];
  ids: Map<string, number>;
}

async function insertFiles(database: Database, batch: FileBatch, tx: Tx): Promise<void> {
  if (batch.files.length === 0) return;
  const written = await database.query(
    `WITH n AS (
       SELECT * FROM unnest($2::integer[], $3::text[], $4::text[], $5::text[], $6::boolean[], $7::bigint[], $8::text[])
         AS n (parent_id, name, sha256, encoding, executable, size, source)
     ), written AS (
       INSERT INTO workspace_items
         (session_id, parent_id, name, type, content, encoding, sha256, size, executable, updated_by)
       SELECT $1, n.parent_id, n.name, 'file', ${CONTENT}, n.encoding, n.sha256, n.size, n.executable, $9::integer
       FROM n JOIN blobs b ON b.sha256 = n.sha256
       RETURNING id, parent_id, name, full_path, version
     )
     INSERT INTO file_versions (session_id, item_id, path, version, sha256, encoding, executable, size, source, created_by)
     SELECT $1, w.id, w.full_path, w.version, n.sha256, n.encoding, n.executable, n.size, n.source, $9::integer
     FROM written w JOIN n ON n.parent_id IS NOT DISTINCT FROM w.parent_id AND n.name = w.name
     RETURNING id`,
    [
      batch.sessionId,
      batch.files.map((file) => parentId(file.path, batch.ids)),
      batch.files.map((file) => lastName(file.path)),
      ...fileColumns(batch.files),
      batch.userId,
    ],
    tx,
  );
  checkWritten(written.length, batch.files.length);
}

async function updateFiles(database: Database, batch: FileBatch, tx: Tx): Promise<void> {
  if (batch.files.length === 0) return;
  const written = await database.query(
    `WITH n AS (
       SELECT * FROM unnest($2::integer[], $3::text[], $4::text[], $5::boolean[], $6::bigint[], $7::text[])
         AS n (id, sha256, encoding, executable, size, source)
     ), written AS (
       UPDATE workspace_items w SET content = ${CONTENT}, encoding = n.encoding, sha256 = n.sha256, size = n.size,
         executable = n.executable, version = w.version + 1, updated_by = $8::integer, updated_at = now()
       FROM n JOIN blobs b ON b.sha256 = n.sha256
       WHERE w.session_id = $1 AND w.id = n.id AND w.type = 'file'
       RETURNING w.id, w.full_path, w.version
     )
     INSERT INTO file_versions (session_id, item_id, path, version, sha256, encoding, executable, size, source, created_by)
     SELECT $1, w.id, w.full_path, w.version, n.sha256, n.encoding, n.executable, n.size, n.source, $8::integer
     FROM written w JOIN n ON n.id = w.id
     RETURNING id`,
    [batch.sessionId, batch.files.map((file) => batch.ids.get(file.path)), ...fileColumns(batch.files), batch.userId],
    tx,
  );
  checkWritten(written.length, batch.files.length);
}

// A join drops a file whose bytes are not stored: the transaction must not pass without it.
function checkWritten(written: number, wanted: number): void {
  if (written !== wanted) throw new Error(`Only ${written} of ${wanted} files could be written.`);
}

function fileColumns(files: FileWrite[]): unknown[][] {
  return [
    files.map((file) => file.sha256),
    files.map((file) => file.encoding),
    files.map((file) => file.executable),
    files.map((file) => file.size),
    files.map((file) => file.source),
  ];
}
