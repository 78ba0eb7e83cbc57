import { findPathProblem, lastName, RESERVED_PREFIX } from '#shared/domain/paths.ts';

/** Why a `.git` folder is not among the files: it is saved packed, once it has come to rest. */
export const GIT_REASON = 'git';
/** Begins the names of folders in which a `.git` is unpacked; what a killed agent leaves is removed at the next start. */
export const UNPACKING_PREFIX = `${RESERVED_PREFIX}git-`;
/** Marks a `.git` folder whose state, or an earlier one, is saved: nothing needs to be told about it. */
export const GIT_SAVED_REASON = 'git-saved';
/** Why a `.git` folder has no place beside the others of its session. */
export const GIT_SESSION_FULL_REASON = 'git-session-full';
/** Why a `.git` folder is not saved that cannot be read. */
export const GIT_UNREADABLE_REASON = 'git-unreadable';
/** `.git` folders of one workspace; with more of them a scan is not complete. */
export const MAX_GIT_FOLDERS = 1_000;

/** True for the path of a `.git` folder that can be saved. */
export function isGitPath(path: string): boolean {
  return lastName(path) === '.git' && findPathProblem(path) === null;
}
