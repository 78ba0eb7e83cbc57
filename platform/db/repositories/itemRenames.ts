import { ancestorPaths, lastName, parentPath, pathDepth } from '#shared/domain/paths.ts';
import type { Renames } from '#shared/domain/renames.ts';
import type { Database, Tx } from '#platform/db/database.ts';
import { insertFolders, type TreeRow } from '#platform/db/repositories/itemBatches.ts';
import { FOLDER } from '#shared/domain/mergeEntry.ts';

/** Renames to be made under the session's row lock. */
export interface RowRenames {
  sessionId: number;
  /** The rows as they are, read under the same lock. */
  rows: ReadonlyMap<string, TreeRow>;
  renames: Renames;
}

/**
 * Gives rows another name or folder; they keep their ids, versions and content, and what is in a folder follows it. Folders
 * that lead to the new places and have no row get one. Resolves with the rows as they are then, and the folders made.
 */
export async function renameRows(
  database: Database,
  { sessionId, rows, renames }: RowRenames,
  tx: Tx,
): Promise<{ rows: Map<string, TreeRow>; made: string[] }> {
  const moved = new Map([...renames.apply(rows)].map(([path, row]) => [path, { ...row, path }]));
  const ids = new Map([...moved].map(([path, row]) => [path, row.id]));
  const list = renames.list();
  const made = new Set(list.flatMap(({ to }) => ancestorPaths(to)).filter((folder) => !moved.has(folder)));
  const folders = Map.groupBy(made, pathDepth);
  const places = Map.groupBy(list, ({ to }) => pathDepth(to));
  // Whatever a place lies in has its own place before: a row never goes below itself, nor to a name that still is another's.
  for (const depth of [...new Set([...folders.keys(), ...places.keys()])].sort((left, right) => left - right)) {
    await insertFolders(database, { sessionId, userId: null, paths: folders.get(depth) ?? [], ids }, tx);
    const targets = (places.get(depth) ?? []).map(({ to }) => ({ id: ids.get(to), folder: parentPath(to), to }));
    await placeRows(database, { sessionId, ids, targets }, tx);
  }
  for (const path of made) {
    moved.set(path, { ...FOLDER, id: ids.get(path)!, path, version: 1, encoding: 'utf8' });
  }
  return { rows: moved, made: [...made] };
}

async function placeRows(
  database: Database,
  {
    sessionId,
    ids,
    targets,
  }: {
    sessionId: number;
    ids: ReadonlyMap<string, number>;
    targets: Array<{ id: number | undefined; folder: string | null; to: string }>;
  },
  tx: Tx,
): Promise<void> {
  if (targets.length === 0) return;
  // The version counts contents: a save that is under way is based on the same one.
  const placed = await database.query(
    `UPDATE workspace_items w SET parent_id = n.parent_id, name = n.name, updated_by = NULL, updated_at = now()
     FROM unnest($2::integer[], $3::integer[], $4::text[]) AS n (id, parent_id, name)
     WHERE w.session_id = $1 AND w.id = n.id RETURNING w.id`,
    [
      sessionId,
      targets.map(({ id }) => id),
      targets.map(({ folder }) => (folder === null ? null : ids.get(folder))),
      targets.map(({ to }) => lastName(to)),
    ],
    tx,
  );
  if (placed.length !== targets.length)
    throw new Error(`Only ${placed.length} of ${targets.length} items were renamed.`);
}
