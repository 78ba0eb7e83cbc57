import { AppError } from '#shared/domain/errors.ts';
import { checkName, checkPath, joinPath } from '#shared/domain/paths.ts';
import type { Database, Tx } from '#platform/db/database.ts';
import { findChild, findItem, type ItemRecord } from '#platform/db/repositories/items.ts';
import { lockSession, type SessionRecord } from '#platform/db/repositories/sessions.ts';

/** Holds the session's row, which every change of its tree does first. Throws NOT_FOUND when it is gone meanwhile. */
export async function lockTree(database: Database, session: SessionRecord, tx: Tx): Promise<SessionRecord> {
  const locked = await lockSession(database, session.uuid, tx);
  if (locked === null) throw new AppError('NOT_FOUND');
  return locked;
}

/** The item of the session. Throws NOT_FOUND. */
export async function requireItem(
  database: Database,
  item: { sessionId: number; id: number },
  tx: Tx = null,
): Promise<ItemRecord> {
  const found = await findItem(database, item, tx);
  if (found === null) throw new AppError('NOT_FOUND', { detail: 'There is no such file or folder in this session.' });
  return found;
}

/** The folder for an item, null for the root. Throws NOT_FOUND when there is none, INVALID_PATH when it is a file. */
export async function requireFolder(
  database: Database,
  folder: { sessionId: number; id: number | null },
  tx: Tx,
): Promise<ItemRecord | null> {
  if (folder.id === null) return null;
  const found = await requireItem(database, { sessionId: folder.sessionId, id: folder.id }, tx);
  if (found.type === 'folder') return found;
  const message = 'is a file, not a folder';
  throw new AppError('INVALID_PATH', { detail: `${found.path} ${message}.`, errors: [{ path: 'parentId', message }] });
}

/**
 * The path of a name in a folder, free for the item (null: a new one). Throws INVALID_PATH and NAME_TAKEN. The caller
 * holds the session's row, so what is free stays free until the commit.
 */
export async function requireFreePlace(
  database: Database,
  place: {
    sessionId: number;
    folder: ItemRecord | null;
    name: string;
    type: ItemRecord['type'];
    itemId: number | null;
  },
  tx: Tx,
): Promise<string> {
  const { sessionId, folder, name } = place;
  checkName(name);
  if (name === '.git' && place.type === 'folder') {
    const message = 'belongs to git: make a repository in the terminal';
    throw new AppError('INVALID_PATH', { detail: `The folder .git ${message}.`, errors: [{ path: 'name', message }] });
  }
  const path = joinPath(folder?.path ?? null, name);
  checkPath(path);
  const child = await findChild(database, { sessionId, parentId: folder?.id ?? null, name }, tx);
  if (child === null || child.id === place.itemId) return path;
  throw new AppError('NAME_TAKEN', { detail: `${path} is there already.`, data: { itemId: child.id } });
}

/** Throws VERSION_CONFLICT, carrying the present version, unless it is the one that the change is based on (null: any). */
export function requireVersion(item: ItemRecord, expected: number | null): void {
  if (expected === null || expected === item.version) return;
  throw new AppError('VERSION_CONFLICT', {
    detail: `Version ${item.version} of ${item.path} is newer than version ${expected}.`,
    data: { currentVersion: item.version, sha256: item.sha256 },
  });
}
