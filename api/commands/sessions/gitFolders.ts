import type { ApiDeps } from '#api/deps.ts';
import { AppError } from '#shared/domain/errors.ts';
import { parentPath } from '#shared/domain/paths.ts';
import { listGitFolders, reviveGitFolder, type GitFolderRecord } from '#platform/db/repositories/gitFolders.ts';
import { readTree } from '#platform/db/repositories/itemBatches.ts';
import { lockOrThrow, type SessionRecord } from '#platform/db/repositories/sessions.ts';

type Deps = Pick<ApiDeps, 'database'>;
type Session = Pick<SessionRecord, 'id'>;

/** The session's saved `.git` folders and those that were removed. */
export function loadGitFolders({ database }: Deps, session: Session): Promise<GitFolderRecord[]> {
  return listGitFolders(database, session.id);
}

/**
 * Puts a removed `.git` folder back into the session; its volume gets it at the next sync or opening, if none is there. One
 * that was not removed stays as it is. Throws NOT_FOUND, NAME_TAKEN where another one is, and INVALID_PATH where the folder
 * around it is gone.
 */
export function restoreGitFolder(
  { database }: Deps,
  { session, id }: { session: Session; id: number },
): Promise<GitFolderRecord> {
  return database.transaction(async (tx) => {
    await lockOrThrow(database, session, tx);
    const folders = await listGitFolders(database, session.id, tx);
    const folder = folders.find((one) => one.id === id);
    if (folder === undefined) throw new AppError('NOT_FOUND');
    if (folder.removedAt === null) return folder;
    if (folders.some(({ path, removedAt }) => path === folder.path && removedAt === null)) {
      throw new AppError('NAME_TAKEN', { detail: `Another ${folder.path} is saved. Remove or rename it first.` });
    }
    const around = parentPath(folder.path);
    if (around !== null && (await readTree(database, session.id, tx)).get(around)?.type !== 'folder') {
      const message = `The folder ${around} is gone. Make it again first.`;
      throw new AppError('INVALID_PATH', { detail: message, errors: [{ path: 'gitFolderId', message }] });
    }
    return reviveGitFolder(database, id, tx);
  });
}
