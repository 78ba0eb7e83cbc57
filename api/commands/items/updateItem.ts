import type { ItemDeps } from '#api/commands/items/itemDeps.ts';
import { handOffCommitted, type HandOff } from '#api/commands/items/handOffChange.ts';
import {
  lockTree,
  requireFolder,
  requireFreePlace,
  requireItem,
  requireVersion,
} from '#api/commands/items/itemChecks.ts';
import type { UpdateItem } from '#shared/contracts/item.ts';
import { AppError } from '#shared/domain/errors.ts';
import { checkPath } from '#shared/domain/paths.ts';
import { contentBytes, describeFile } from '#platform/db/content.ts';
import type { Database, Tx } from '#platform/db/database.ts';
import { publishItems } from '#platform/db/repositories/itemEvents.ts';
import { findItemWithContent, listSubtree, placeItem, type ItemRecord } from '#platform/db/repositories/items.ts';
import { touchActivity } from '#platform/db/repositories/sessionActivity.ts';
import type { SessionRecord } from '#platform/db/repositories/sessions.ts';

/** A rename, a move, or a change of the executable bit. */
export interface Update {
  session: SessionRecord;
  userId: number;
  id: number;
  /** Null: whatever version it has. */
  expectedVersion: number | null;
  wanted: UpdateItem;
}

/** Renames, moves, or changes the executable bit. Throws NOT_FOUND, VERSION_CONFLICT, NAME_TAKEN, INVALID_PATH, CYCLE. */
export async function updateItem(deps: ItemDeps, update: Update): Promise<ItemRecord> {
  const { database } = deps;
  const done = await database.transaction(async (tx) => {
    const locked = await lockTree(database, update.session, tx);
    const item = await requireItem(database, { sessionId: locked.id, id: update.id }, tx);
    requireVersion(item, update.expectedVersion);
    const place = await choosePlace(database, { item, wanted: update.wanted }, tx);
    if (place.isSame) return { locked, before: item, item };
    const { parentId, name, executable } = place;
    const placed = await placeItem(database, { id: item.id, parentId, name, executable, userId: update.userId }, tx);
    const paths = [...new Set([item.path, placed.path])];
    await publishItems(database, { sessionId: locked.id, paths, source: 'editor' }, tx);
    return { locked, before: item, item: placed };
  });
  const change = await describeChange(database, done.before, done.item);
  if (change !== null) await handOffCommitted(deps, done.locked, change);
  await touchActivity(database, update.session.uuid);
  return done.item;
}

interface Place {
  parentId: number | null;
  name: string;
  executable: boolean;
  isSame: boolean;
}

async function choosePlace(
  database: Database,
  { item, wanted }: { item: ItemRecord; wanted: UpdateItem },
  tx: Tx,
): Promise<Place> {
  const { sessionId } = item;
  const parentId = wanted.parentId === undefined ? item.parentId : wanted.parentId;
  const name = wanted.name ?? item.name;
  const executable = wanted.executable ?? item.executable;
  if (executable && item.type === 'folder') {
    throw new AppError('INVALID_INPUT', {
      detail: 'A folder has no executable bit.',
      errors: [{ path: 'executable', message: 'is for files' }],
    });
  }
  const folder = await requireFolder(database, { sessionId, id: parentId }, tx);
  const subtree = item.type === 'folder' ? await listSubtree(database, { sessionId, id: item.id }, tx) : [item];
  if (folder !== null && subtree.some((below) => below.id === folder.id)) throw new AppError('CYCLE');
  const path = await requireFreePlace(database, { sessionId, folder, name, type: item.type, itemId: item.id }, tx);
  // What is in a folder moves with it and has to fit too.
  for (const below of subtree) checkPath(`${path}${below.path.slice(item.path.length)}`);
  return { parentId, name, executable, isSame: path === item.path && executable === item.executable };
}

async function describeChange(database: Database, before: ItemRecord, item: ItemRecord): Promise<HandOff | null> {
  // One thing at a time is handed on; the reconcile sees to a bit that changed together with the place.
  if (before.path !== item.path) return { kind: 'rename', from: before.path, item };
  if (before.executable === item.executable || item.encoding === 'symlink') return null;
  const file = await findItemWithContent(database, { sessionId: item.sessionId, id: item.id });
  return file === null
    ? null
    : { kind: 'write', item: file, content: describeFile(contentBytes(file.content, file.encoding)) };
}
