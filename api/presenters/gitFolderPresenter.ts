import type { GitFolder } from '#shared/contracts/gitFolder.ts';
import type { GitFolderRecord } from '#platform/db/repositories/gitFolders.ts';

/** A saved `.git` folder. */
export function presentGitFolder({ id, path, size, savedAt, removedAt }: GitFolderRecord): GitFolder {
  return { id, path, size, savedAt: savedAt.toISOString(), removedAt: removedAt?.toISOString() ?? null };
}
