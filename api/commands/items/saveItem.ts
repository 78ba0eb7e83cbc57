import type { ItemDeps } from '#api/commands/items/itemDeps.ts';
import { handOffCommitted } from '#api/commands/items/handOffChange.ts';
import { lockTree, requireItem, requireVersion } from '#api/commands/items/itemChecks.ts';
import { requireFileSize, requireRoom } from '#api/commands/items/itemLimits.ts';
import type { SaveItem } from '#shared/contracts/item.ts';
import { AppError } from '#shared/domain/errors.ts';
import { parseContent } from '#platform/db/content.ts';
import type { Tx } from '#platform/db/database.ts';
import { publishItems } from '#platform/db/repositories/itemEvents.ts';
import { saveFile, type ItemRecord } from '#platform/db/repositories/items.ts';
import { touchActivity } from '#platform/db/repositories/sessionActivity.ts';
import type { SessionRecord } from '#platform/db/repositories/sessions.ts';

/** A save over the version that the person has seen. */
export interface Save {
  session: SessionRecord;
  userId: number;
  id: number;
  expectedVersion: number;
  wanted: SaveItem;
  /** What else happens with the save or not at all, in its transaction; called with the item as it then is. */
  alongside?(item: ItemRecord, tx: Tx): Promise<void>;
}

/**
 * Saves a file; once this resolves the bytes are committed. The same bytes again make no version. Throws NOT_FOUND,
 * VERSION_CONFLICT with the present version, FILE_TOO_LARGE, SESSION_TOO_LARGE.
 */
export async function saveItem(deps: ItemDeps, save: Save): Promise<ItemRecord> {
  const { database, config } = deps;
  const content = parseContent(save.wanted.content, save.wanted.encoding);
  requireFileSize(config, content.size);
  const saved = await database.transaction(async (tx) => {
    const locked = await lockTree(database, save.session, tx);
    const item = await requireItem(database, { sessionId: locked.id, id: save.id }, tx);
    requireEditable(item);
    requireVersion(item, save.expectedVersion);
    if (item.sha256 === content.sha256) {
      await save.alongside?.(item, tx);
      return { locked, item, changed: false };
    }
    await requireRoom(deps, { sessionId: locked.id, items: 0, bytes: content.size - item.size }, tx);
    const author = { userId: save.userId, source: 'editor' as const };
    const write = { sessionId: locked.id, id: item.id, expectedVersion: item.version, content, author };
    const written = await saveFile(database, write, tx);
    // Under the session's lock nobody else can have written in between.
    if (written === null) throw new AppError('VERSION_CONFLICT', { data: { currentVersion: item.version } });
    await publishItems(database, { sessionId: locked.id, paths: [written.path], source: 'editor' }, tx);
    await save.alongside?.(written, tx);
    return { locked, item: written, changed: true };
  });
  if (saved.changed) await handOffCommitted(deps, saved.locked, { kind: 'write', item: saved.item, content });
  await touchActivity(database, save.session.uuid);
  return saved.item;
}

function requireEditable(item: ItemRecord): void {
  if (item.type === 'folder')
    throw new AppError('INVALID_INPUT', { detail: `${item.path} is a folder; it has no content.` });
  if (item.encoding !== 'symlink') return;
  throw new AppError('INVALID_INPUT', { detail: `${item.path} is a link; edit the file that it leads to.` });
}
