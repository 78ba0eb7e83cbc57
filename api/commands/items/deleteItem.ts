import type { ItemDeps } from '#api/commands/items/itemDeps.ts';
import { handOffCommitted } from '#api/commands/items/handOffChange.ts';
import { lockTree, requireItem, requireVersion } from '#api/commands/items/itemChecks.ts';
import { recordDeleter } from '#platform/db/repositories/deletedFiles.ts';
import { publishItems } from '#platform/db/repositories/itemEvents.ts';
import { deleteItemRow, listSubtree } from '#platform/db/repositories/items.ts';
import { touchActivity } from '#platform/db/repositories/sessionActivity.ts';
import type { SessionRecord } from '#platform/db/repositories/sessions.ts';

/** Deletes an item and all that is in it; its files are in the trash then. Throws NOT_FOUND and, when a version is given, VERSION_CONFLICT. */
export async function deleteItem(
  deps: ItemDeps,
  deletion: { session: SessionRecord; userId: number; id: number; expectedVersion: number | null },
): Promise<void> {
  const { database } = deps;
  const { session, userId, id, expectedVersion } = deletion;
  const gone = await database.transaction(async (tx) => {
    const locked = await lockTree(database, session, tx);
    const item = await requireItem(database, { sessionId: locked.id, id }, tx);
    requireVersion(item, expectedVersion);
    const items = await listSubtree(database, { sessionId: locked.id, id }, tx);
    await deleteItemRow(database, id, tx);
    await recordDeleter(database, { itemIds: items.map((below) => below.id), userId, source: 'editor' }, tx);
    const paths = items.map((below) => below.path);
    await publishItems(database, { sessionId: locked.id, paths, source: 'editor' }, tx);
    return { locked, items };
  });
  await handOffCommitted(deps, gone.locked, { kind: 'removal', items: gone.items });
  await touchActivity(database, session.uuid);
}
