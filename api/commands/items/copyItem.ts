import type { ItemDeps } from '#api/commands/items/itemDeps.ts';
import { handOffCommitted, type HandOff } from '#api/commands/items/handOffChange.ts';
import { lockTree, requireFolder, requireFreePlace, requireItem } from '#api/commands/items/itemChecks.ts';
import { requireRoom } from '#api/commands/items/itemLimits.ts';
import type { CopyItem } from '#shared/contracts/item.ts';
import { numberedPath } from '#shared/domain/conflictName.ts';
import { AppError } from '#shared/domain/errors.ts';
import { checkName, checkPath, joinPath, lastName } from '#shared/domain/paths.ts';
import { contentBytes, describeFile } from '#platform/db/content.ts';
import type { Tx } from '#platform/db/database.ts';
import { copyGitWithin, measureGit } from '#platform/db/repositories/gitCopies.ts';
import { readTree, writeTree } from '#platform/db/repositories/itemBatches.ts';
import { publishItems } from '#platform/db/repositories/itemEvents.ts';
import { findItemByPath, findItemWithContent, listSubtree, type ItemRecord } from '#platform/db/repositories/items.ts';
import { touchActivity } from '#platform/db/repositories/sessionActivity.ts';
import type { SessionRecord } from '#platform/db/repositories/sessions.ts';
import { keepBlobs } from '#platform/db/repositories/snapshots.ts';
import { fileWrites } from '#platform/db/repositories/treeCopies.ts';

/**
 * Copies a file, or a folder with all that is in it and its repositories; versions stay with the original. A copied file is on
 * an open session's volume at once, a folder with the next reconcile. Throws NOT_FOUND, INVALID_PATH, NAME_TAKEN, SESSION_TOO_LARGE.
 */
export async function copyItem(
  deps: ItemDeps,
  copy: { session: SessionRecord; userId: number; id: number; wanted: CopyItem },
): Promise<ItemRecord> {
  const { database } = deps;
  const { session, userId, id, wanted } = copy;
  const made = await database.transaction(async (tx) => {
    const locked = await lockTree(database, session, tx);
    const sessionId = locked.id;
    const item = await requireItem(database, { sessionId, id }, tx);
    const path = await choosePath(deps, { item, wanted }, tx);
    const below = item.type === 'folder' ? await listSubtree(database, { sessionId, id }, tx) : [item];
    const copies = below.map((one) => ({ ...one, path: `${path}${one.path.slice(item.path.length)}` }));
    for (const one of copies) checkPath(one.path);
    const bytes = copies.reduce((sum, { size }) => sum + size, 0);
    await requireRoom(deps, { sessionId, items: copies.length, bytes }, tx);
    if (item.type === 'folder') await requireGitRoom(deps, { sessionId, folder: item.path }, tx);
    await keepBlobs(database, sessionId, tx);
    const rows = await readTree(database, sessionId, tx);
    const folders = copies.filter(({ type }) => type === 'folder').map((folder) => folder.path);
    const files = fileWrites(copies, 'editor');
    await writeTree(database, { sessionId, userId, rows, removed: [], folders, files }, tx);
    if (item.type === 'folder') await copyGitWithin(database, { sessionId, from: item.path, to: path }, tx);
    const paths = copies.map((one) => one.path);
    await publishItems(database, { sessionId, paths, source: 'editor' }, tx);
    return { locked, item: (await findItemByPath(database, { sessionId, path }, tx))! };
  });
  const change = await describeCopy(deps, made.item);
  if (change !== null) await handOffCommitted(deps, made.locked, change);
  await touchActivity(database, session.uuid);
  return made.item;
}

async function choosePath(
  { database }: ItemDeps,
  { item, wanted }: { item: ItemRecord; wanted: CopyItem },
  tx: Tx,
): Promise<string> {
  const { sessionId, type } = item;
  const id = wanted.parentId === undefined ? item.parentId : wanted.parentId;
  const folder = await requireFolder(database, { sessionId, id }, tx);
  let name = wanted.name ?? item.name;
  checkName(name);
  if (wanted.conflict === 'keep-both') {
    const rows = await readTree(database, sessionId, tx);
    name = lastName(numberedPath(joinPath(folder?.path ?? null, name), (path) => rows.has(path)));
  }
  return requireFreePlace(database, { sessionId, folder, name, type, itemId: null }, tx);
}

async function requireGitRoom(
  { database, config }: ItemDeps,
  place: { sessionId: number; folder: string },
  tx: Tx,
): Promise<void> {
  const { all, below } = await measureGit(database, place, tx);
  if (below === 0 || all + below <= config.MAX_SESSION_GIT_BYTES) return;
  throw new AppError('SESSION_TOO_LARGE', {
    detail: `The session's repositories would have ${all + below} bytes; they may have ${config.MAX_SESSION_GIT_BYTES}.`,
    data: { limit: config.MAX_SESSION_GIT_BYTES, bytes: all },
  });
}

async function describeCopy({ database }: ItemDeps, item: ItemRecord): Promise<HandOff | null> {
  if (item.type === 'folder') return null;
  const file = await findItemWithContent(database, { sessionId: item.sessionId, id: item.id });
  if (file === null) return null;
  const content = describeFile(contentBytes(file.content, file.encoding));
  return { kind: 'write', item: file, content: { ...content, encoding: file.encoding } };
}
