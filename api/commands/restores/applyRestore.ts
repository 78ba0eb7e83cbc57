import type { ItemDeps } from '#api/commands/items/itemDeps.ts';
import { requireRoom } from '#api/commands/items/itemLimits.ts';
import { AppError } from '#shared/domain/errors.ts';
import { planRestore, type PastEntry, type RestorePlan } from '#shared/domain/restorePlan.ts';
import type { Tx } from '#platform/db/database.ts';
import { readTree, type TreeRow } from '#platform/db/repositories/itemBatches.ts';
import { publishItems } from '#platform/db/repositories/itemEvents.ts';
import { restoreTree } from '#platform/db/repositories/treeRestores.ts';

/** What is to be as it was, and which paths belong to that. */
export interface Restore {
  sessionId: number;
  userId: number;
  past: ReadonlyMap<string, PastEntry>;
  isInside: (path: string) => boolean;
}

/** A plan with the tree that it was made from. */
export interface PlannedRestore {
  plan: RestorePlan;
  present: Map<string, TreeRow>;
}

/** Plans a restore under the session's row lock. Throws NAME_TAKEN when a file is where a folder is needed. */
export async function prepareRestore({ database }: ItemDeps, restore: Restore, tx: Tx): Promise<PlannedRestore> {
  const present = await readTree(database, restore.sessionId, tx);
  const plan = planRestore({ present, past: restore.past, isInside: restore.isInside });
  const inTheWay = plan.blocked[0];
  if (inTheWay !== undefined) {
    throw new AppError('NAME_TAKEN', {
      detail: `${inTheWay} is a file now, and a folder is needed there. Rename or delete it, then restore.`,
      data: { itemId: present.get(inTheWay)?.id },
    });
  }
  return { plan, present };
}

/**
 * Carries out a prepared restore in the same transaction, and tells who watches. The watcher of an open session finds the
 * paths that differ from their base and carries them to the volume. Throws SESSION_TOO_LARGE.
 */
export async function applyRestore(
  deps: ItemDeps,
  { restore, planned }: { restore: Restore; planned: PlannedRestore },
  tx: Tx,
): Promise<void> {
  const { sessionId, userId } = restore;
  const { plan, present } = planned;
  const paths = [
    ...new Set([...plan.removed, ...plan.folders.map(({ path }) => path), ...plan.files.map(({ path }) => path)]),
  ];
  if (paths.length === 0) return;
  const removed = new Set(plan.removed);
  const sizeAt = (path: string): number => present.get(path)?.size ?? 0;
  const isNew = (path: string): boolean => !present.has(path) || removed.has(path);
  const gone = plan.removed.reduce((sum, path) => sum + sizeAt(path), 0);
  const bytes = plan.files.reduce((sum, { path, entry }) => sum + entry.size - (isNew(path) ? 0 : sizeAt(path)), -gone);
  const items = plan.folders.length + plan.files.filter(({ path }) => isNew(path)).length - plan.removed.length;
  await requireRoom(deps, { sessionId, items, bytes }, tx);
  await restoreTree(deps.database, { sessionId, userId, plan, present }, tx);
  await publishItems(deps.database, { sessionId, paths, source: 'restore' }, tx);
}
