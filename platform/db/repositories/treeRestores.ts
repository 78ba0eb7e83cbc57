import { lastName, parentPath, pathDepth } from '#shared/domain/paths.ts';
import type { PresentEntry, RestoredFile, RestoredFolder, RestorePlan } from '#shared/domain/restorePlan.ts';
import type { Database, Tx } from '#platform/db/database.ts';
import { recordDeleter } from '#platform/db/repositories/deletedFiles.ts';
import { CONTENT } from '#platform/db/repositories/itemBatches.ts';

/** A restore: the plan, the rows that it was made from, and whose it is. */
export interface TreeRestore {
  sessionId: number;
  userId: number;
  plan: RestorePlan;
  /** The rows as they are, read under the same lock. */
  present: ReadonlyMap<string, PresentEntry>;
}

/**
 * Carries out a restore in a few statements, with a version for every file written; what goes is in the trash then. The
 * caller holds the session's row, and has refused a plan with blocked paths.
 */
export async function restoreTree(database: Database, restore: TreeRestore, tx: Tx): Promise<void> {
  const { sessionId, userId, plan, present } = restore;
  await holdBlobs(database, plan.files, tx);
  const ids = new Map([...present].map(([path, { id }]) => [path, id]));
  const removedIds = plan.removed.map((path) => ids.get(path)!);
  for (const path of plan.removed) ids.delete(path);
  if (removedIds.length > 0) {
    await database.query(`DELETE FROM workspace_items WHERE id = ANY ($1::integer[])`, [removedIds], tx);
    await recordDeleter(database, { itemIds: removedIds, userId, source: 'restore' }, tx);
  }
  await insertFolders(database, { sessionId, userId, folders: plan.folders, ids }, tx);
  const batch = { sessionId, userId, ids };
  await insertFiles(database, { ...batch, files: plan.files.filter(({ path }) => !ids.has(path)) }, tx);
  await updateFiles(database, { ...batch, files: plan.files.filter(({ path }) => ids.has(path)) }, tx);
}

/** Keeps the collection away from the bytes that are about to be referred to again. Sorted, as whoever stores bytes locks them. */
async function holdBlobs(database: Database, files: RestoredFile[], tx: Tx): Promise<void> {
  await database.query(
    `UPDATE blobs SET touched_at = now() FROM (
       SELECT sha256 FROM blobs WHERE sha256 = ANY ($1::text[]) ORDER BY sha256 FOR NO KEY UPDATE) held
     WHERE blobs.sha256 = held.sha256`,
    [files.map(({ entry }) => entry.sha256)],
    tx,
  );
}

interface Batch {
  sessionId: number;
  userId: number;
  ids: Map<string, number>;
}

// What comes back under its old id is newer than whatever a page has open of it. One look at all of them: one for each
// would read the whole past of the session a thousand times.
const LAST_VERSIONS = `last AS (
  SELECT item_id, max(version) AS version FROM (
    SELECT item_id, version FROM item_periods WHERE session_id = $1 AND item_id = ANY ($3::integer[])
    UNION ALL SELECT item_id, version FROM file_versions WHERE session_id = $1 AND item_id = ANY ($3::integer[])) AS known
  GROUP BY item_id)`;
const NEXT_VERSION = `coalesce(last.version + 1, 1)`;
const ID = `coalesce(n.id, nextval('workspace_items_id_seq')::integer)`;

async function insertFolders(database: Database, batch: Batch & { folders: RestoredFolder[] }, tx: Tx): Promise<void> {
  const byDepth = Map.groupBy(batch.folders, ({ path }) => pathDepth(path));
  // A folder needs its parent's row, so each depth is one statement.
  for (const depth of [...byDepth.keys()].sort((left, right) => left - right)) {
    const folders = byDepth.get(depth) ?? [];
    const rows = await database.query<{ id: number; path: string }>(
      `WITH ${LAST_VERSIONS}
       INSERT INTO workspace_items (id, session_id, parent_id, name, type, version, updated_by)
       SELECT ${ID}, $1, n.parent_id, n.name, 'folder', ${NEXT_VERSION}, $2
       FROM unnest($3::integer[], $4::integer[], $5::text[]) AS n (id, parent_id, name) LEFT JOIN last ON last.item_id = n.id
       RETURNING id, full_path AS path`,
      [batch.sessionId, batch.userId, ...places(folders, batch.ids)],
      tx,
    );
    for (const row of rows) batch.ids.set(row.path, row.id);
  }
}

const RECORD_VERSIONS = `INSERT INTO file_versions
  (session_id, item_id, path, version, sha256, encoding, executable, size, source, created_by)
  SELECT $1, id, full_path, version, sha256, encoding, executable, size, 'restore', $2 FROM written RETURNING id`;
const WRITTEN = `w.id, w.full_path, w.version, w.sha256, w.encoding, w.executable, w.size`;

async function insertFiles(database: Database, batch: Batch & { files: RestoredFile[] }, tx: Tx): Promise<void> {
  if (batch.files.length === 0) return;
  const written = await database.query(
    `WITH n AS (
       SELECT * FROM unnest($3::integer[], $4::integer[], $5::text[], $6::text[], $7::text[], $8::boolean[], $9::bigint[])
         AS n (id, parent_id, name, sha256, encoding, executable, size)
     ), ${LAST_VERSIONS}, written AS (
       INSERT INTO workspace_items AS w
         (id, session_id, parent_id, name, type, content, encoding, sha256, size, executable, version, updated_by)
       SELECT ${ID}, $1, n.parent_id, n.name, 'file', ${CONTENT}, n.encoding, n.sha256, n.size, n.executable, ${NEXT_VERSION}, $2
       FROM n JOIN blobs b ON b.sha256 = n.sha256 LEFT JOIN last ON last.item_id = n.id
       RETURNING ${WRITTEN}
     ) ${RECORD_VERSIONS}`,
    [batch.sessionId, batch.userId, ...places(batch.files, batch.ids), ...contents(batch.files)],
    tx,
  );
  checkWritten(written.length, batch.files.length);
}

async function updateFiles(database: Database, batch: Batch & { files: RestoredFile[] }, tx: Tx): Promise<void> {
  if (batch.files.length === 0) return;
  const written = await database.query(
    `WITH n AS (
       SELECT * FROM unnest($3::integer[], $4::text[], $5::text[], $6::boolean[], $7::bigint[])
         AS n (id, sha256, encoding, executable, size)
     ), written AS (
       UPDATE workspace_items w SET content = ${CONTENT}, encoding = n.encoding, sha256 = n.sha256, size = n.size,
         executable = n.executable, version = w.version + 1, updated_by = $2, updated_at = now()
       FROM n JOIN blobs b ON b.sha256 = n.sha256
       WHERE w.session_id = $1 AND w.id = n.id AND w.type = 'file'
       RETURNING ${WRITTEN}
     ) ${RECORD_VERSIONS}`,
    [batch.sessionId, batch.userId, batch.files.map(({ path }) => batch.ids.get(path)), ...contents(batch.files)],
    tx,
  );
  checkWritten(written.length, batch.files.length);
}

function places(made: RestoredFolder[], ids: Map<string, number>): unknown[][] {
  const parentIds = made.map(({ path }) => {
    const parent = parentPath(path);
    if (parent === null) return null;
    const id = ids.get(parent);
    if (id === undefined) throw new Error(`The folder of ${path} has no row.`);
    return id;
  });
  return [made.map(({ itemId }) => itemId), parentIds, made.map(({ path }) => lastName(path))];
}

function contents(files: RestoredFile[]): unknown[][] {
  return [
    files.map(({ entry }) => entry.sha256),
    files.map(({ entry }) => entry.encoding),
    files.map(({ entry }) => entry.executable),
    files.map(({ entry }) => entry.size),
  ];
}

// A join drops a file whose bytes are not stored: the transaction must not pass without it.
function checkWritten(written: number, wanted: number): void {
  if (written !== wanted) throw new Error(`Only ${written} of ${wanted} files could be restored.`);
}
