import type { ItemDeps } from '#api/commands/items/itemDeps.ts';
import { handOffCommitted } from '#api/commands/items/handOffChange.ts';
import { lockTree, requireVersion } from '#api/commands/items/itemChecks.ts';
import { applyRestore, prepareRestore, type Restore } from '#api/commands/restores/applyRestore.ts';
import { AppError } from '#shared/domain/errors.ts';
import { contentBytes, describeFile, type FileContent } from '#platform/db/content.ts';
import { findDeletedFiles } from '#platform/db/repositories/deletedFiles.ts';
import { findVersion, type VersionRecord } from '#platform/db/repositories/fileVersions.ts';
import { findItem, findItemWithContent, type ItemRecord } from '#platform/db/repositories/items.ts';
import { touchActivity } from '#platform/db/repositories/sessionActivity.ts';
import type { SessionRecord } from '#platform/db/repositories/sessions.ts';

/** Which version of which file; `expectedVersion` is what the person has seen of the file as it is now. */
export interface VersionRestore {
  session: SessionRecord;
  userId: number;
  itemId: number;
  versionId: number;
  expectedVersion: number | null;
}

/**
 * Gives a file the content and executable bit of one of its versions, as a save; a deleted file is made again under its id
 * where it was. Throws NOT_FOUND, VERSION_REQUIRED and VERSION_CONFLICT for a file that is there, NAME_TAKEN for one that
 * was deleted and whose path is taken, SESSION_TOO_LARGE.
 */
export async function restoreVersion(deps: ItemDeps, wanted: VersionRestore): Promise<ItemRecord> {
  const { database } = deps;
  const { itemId } = wanted;
  const done = await database.transaction(async (tx) => {
    const locked = await lockTree(database, wanted.session, tx);
    const sessionId = locked.id;
    const version = await findVersion(database, { sessionId, itemId, id: wanted.versionId }, tx);
    if (version === null) throw new AppError('NOT_FOUND', { detail: 'There is no such version of this file.' });
    const item = await findItem(database, { sessionId, id: itemId }, tx);
    const [deleted] = item === null ? await findDeletedFiles(database, { sessionId, itemIds: [itemId] }, tx) : [];
    const path = item?.path ?? deleted?.path;
    if (path === undefined) throw new AppError('NOT_FOUND', { detail: 'The file was deleted for good.' });
    if (item !== null) requireSeen(item, wanted.expectedVersion);
    const past = new Map([[path, { ...entryOf(version), itemId }]]);
    const restore: Restore = { sessionId, userId: wanted.userId, past, isInside: () => false };
    const planned = await prepareRestore(deps, restore, tx);
    if (item === null) requireFree(path, planned.present.get(path)?.id);
    await applyRestore(deps, { restore, planned }, tx);
    const changed = planned.plan.files.length > 0;
    return { locked, file: (await findItemWithContent(database, { sessionId, id: itemId }, tx))!, changed };
  });
  const { content, ...file } = done.file;
  if (done.changed) {
    const bytes = describe(contentBytes(content, file.encoding), file);
    await handOffCommitted(deps, done.locked, { kind: 'write', item: file, content: bytes });
  }
  await touchActivity(database, wanted.session.uuid);
  return file;
}

function entryOf(version: VersionRecord) {
  const { sha256, encoding, executable, size } = version;
  return {
    type: encoding === 'symlink' ? ('symlink' as const) : ('file' as const),
    sha256,
    encoding,
    executable,
    size,
    isStored: true,
  };
}

function requireSeen(item: ItemRecord, expected: number | null): void {
  if (expected === null) throw new AppError('VERSION_REQUIRED');
  requireVersion(item, expected);
}

/** Throws NAME_TAKEN when something else is at the path of a deleted file by now. */
export function requireFree(path: string, itemId: number | undefined): void {
  if (itemId === undefined) return;
  throw new AppError('NAME_TAKEN', {
    detail: `${path} is there again. Rename or delete it, then restore the deleted file.`,
    data: { itemId },
  });
}

function describe(bytes: Buffer, { encoding }: ItemRecord): FileContent {
  return { ...describeFile(bytes), encoding };
}
