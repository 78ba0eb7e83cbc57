import type { ItemDeps } from '#api/commands/items/itemDeps.ts';
import { lockTree } from '#api/commands/items/itemChecks.ts';
import { applyRestore, prepareRestore } from '#api/commands/restores/applyRestore.ts';
import { requireFree } from '#api/commands/restores/restoreVersion.ts';
import { AppError } from '#shared/domain/errors.ts';
import { eraseDeletedFile, findDeletedFiles, pastEntryOf } from '#platform/db/repositories/deletedFiles.ts';
import { listItems, type ItemRecord } from '#platform/db/repositories/items.ts';
import { publishSessionEvent } from '#platform/db/repositories/events.ts';
import { touchActivity } from '#platform/db/repositories/sessionActivity.ts';
import type { SessionRecord } from '#platform/db/repositories/sessions.ts';

/**
 * Puts deleted files back where they were, under their ids, with the folders that are missing: all of them or none. Throws
 * NOT_FOUND when one is not in the trash, NAME_TAKEN when a path is taken, SESSION_TOO_LARGE.
 */
export async function restoreDeletedFiles(
  deps: ItemDeps,
  { session, userId, itemIds }: { session: SessionRecord; userId: number; itemIds: number[] },
): Promise<ItemRecord[]> {
  const { database } = deps;
  const wanted = [...new Set(itemIds)];
  const restored = await database.transaction(async (tx) => {
    const { id: sessionId } = await lockTree(database, session, tx);
    const files = await findDeletedFiles(database, { sessionId, itemIds: wanted }, tx);
    if (files.length < wanted.length) {
      throw new AppError('NOT_FOUND', { detail: 'One of these files is not in the trash of this session any more.' });
    }
    const past = new Map(files.map((file) => [file.path, pastEntryOf(file)]));
    if (past.size < files.length) {
      const message = 'two of these files were at one path';
      throw new AppError('INVALID_INPUT', {
        detail: `Restore them one by one: ${message}.`,
        errors: [{ path: 'itemIds', message }],
      });
    }
    const restore = { sessionId, userId, past, isInside: () => false };
    const planned = await prepareRestore(deps, restore, tx);
    for (const path of past.keys()) requireFree(path, planned.present.get(path)?.id);
    await applyRestore(deps, { restore, planned }, tx);
    return (await listItems(database, sessionId, tx)).filter((item) => wanted.includes(item.id));
  });
  await touchActivity(database, session.uuid);
  return restored;
}

/** Removes a deleted file with all its versions for good. Throws NOT_FOUND when it is not in the trash. */
export async function eraseFile(
  { database }: ItemDeps,
  { session, itemId }: { session: SessionRecord; itemId: number },
): Promise<void> {
  await database.transaction(async (tx) => {
    const { id: sessionId } = await lockTree(database, session, tx);
    if (!(await eraseDeletedFile(database, { sessionId, itemId }, tx))) {
      throw new AppError('NOT_FOUND', { detail: 'This file is not in the trash of the session.' });
    }
    await publishSessionEvent(database, { sessionId, kind: 'session', payload: {} }, tx);
  });
}
