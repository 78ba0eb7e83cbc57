import type { ItemDeps } from '#api/commands/items/itemDeps.ts';
import { handOffCommitted, type HandOff } from '#api/commands/items/handOffChange.ts';
import { lockTree, requireFolder, requireFreePlace } from '#api/commands/items/itemChecks.ts';
import { requireFileSize, requireRoom } from '#api/commands/items/itemLimits.ts';
import type { CreateItem } from '#shared/contracts/item.ts';
import { AppError } from '#shared/domain/errors.ts';
import { parseContent } from '#platform/db/content.ts';
import { publishItems } from '#platform/db/repositories/itemEvents.ts';
import { insertFile, insertFolder, type ItemRecord } from '#platform/db/repositories/items.ts';
import { touchActivity } from '#platform/db/repositories/sessionActivity.ts';
import type { SessionRecord } from '#platform/db/repositories/sessions.ts';

/** Makes a file or folder. Throws NOT_FOUND, INVALID_PATH, NAME_TAKEN, FILE_TOO_LARGE, SESSION_TOO_LARGE. */
export async function createItem(
  deps: ItemDeps,
  { session, userId, wanted }: { session: SessionRecord; userId: number; wanted: CreateItem },
): Promise<ItemRecord> {
  const { database, config } = deps;
  if (wanted.type === 'folder' && (wanted.content !== '' || wanted.executable)) {
    const message = 'a folder has no content and no executable bit';
    throw new AppError('INVALID_INPUT', { detail: message, errors: [{ path: 'content', message }] });
  }
  const content = parseContent(wanted.content, wanted.encoding);
  requireFileSize(config, content.size);
  const made = await database.transaction(async (tx) => {
    const locked = await lockTree(database, session, tx);
    const sessionId = locked.id;
    const folder = await requireFolder(database, { sessionId, id: wanted.parentId }, tx);
    const { name, type } = wanted;
    const path = await requireFreePlace(database, { sessionId, folder, name, type, itemId: null }, tx);
    await requireRoom(deps, { sessionId, items: 1, bytes: content.size }, tx);
    const place = { sessionId, parentId: folder?.id ?? null, name: wanted.name };
    const author = { userId, source: 'editor' as const };
    const item =
      wanted.type === 'folder'
        ? await insertFolder(database, { ...place, userId }, tx)
        : await insertFile(database, { ...place, content, executable: wanted.executable, author }, tx);
    await publishItems(database, { sessionId, paths: [path], source: 'editor' }, tx);
    return { locked, item };
  });
  const change: HandOff =
    wanted.type === 'folder' ? { kind: 'folder', item: made.item } : { kind: 'write', item: made.item, content };
  await handOffCommitted(deps, made.locked, change);
  await touchActivity(database, session.uuid);
  return made.item;
}
