import { AppError } from '#shared/domain/errors.ts';

/** The longest name of a file or folder, in bytes of UTF-8. */
export const MAX_NAME_BYTES = 255;
/** The longest path, in bytes of UTF-8. */
export const MAX_PATH_BYTES = 4_000;
/** The most names in a path. */
export const MAX_PATH_DEPTH = 200;
/** Names that begin so belong to Berth on the volume: temporary files, displaced files and the sentinel. */
export const RESERVED_PREFIX = '.berth-';
/** The file at the session's root with people's own ignore rules. */
export const IGNORE_FILE = '.berthignore';

/** Bytes of the text in UTF-8. A lone surrogate counts three, as its replacement would. */
export function byteLength(text: string): number {
  let bytes = 0;
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index);
    if (unit < 0x80) bytes += 1;
    else if (unit < 0x800) bytes += 2;
    else if (isLeadingSurrogate(unit) && isTrailingSurrogate(text.charCodeAt(index + 1))) {
      bytes += 4;
      index += 1;
    } else bytes += 3;
  }
  return bytes;
}

function isLeadingSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff;
}

function isTrailingSurrogate(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff;
}

/** Why the name cannot be used, as the end of a sentence; null when it can. Never throws, so it also judges what an agent says. */
export function findNameProblem(name: string): string | null {
  if (name === '') return 'is empty';
  if (name === '.' || name === '..') return 'is . or ..';
  if (name.includes('/')) return 'contains a slash';
  if (name.includes('\0')) return 'contains a NUL';
  if (!name.isWellFormed()) return 'is not valid Unicode';
  // What a program decodes from bytes that are no UTF-8: the true name cannot be told from it.
  if (name.includes('\uFFFD')) return 'is not valid UTF-8';
  if (name.startsWith(RESERVED_PREFIX)) return `begins with ${RESERVED_PREFIX}, which is reserved`;
  if (byteLength(name) > MAX_NAME_BYTES) return `is longer than ${MAX_NAME_BYTES} bytes`;
  return null;
}

/** Why the path, relative to the session's root, cannot be used; null when it can. Never throws. */
export function findPathProblem(path: string): string | null {
  if (path === '') return 'is empty';
  if (path.startsWith('/')) return 'is not relative';
  if (byteLength(path) > MAX_PATH_BYTES) return `is longer than ${MAX_PATH_BYTES} bytes`;
  const names = path.split('/');
  if (names.length > MAX_PATH_DEPTH) return `is deeper than ${MAX_PATH_DEPTH} folders`;
  for (const name of names) {
    const problem = findNameProblem(name);
    if (problem !== null) return `has a name that ${problem}`;
  }
  return null;
}

/** Throws INVALID_PATH when the name cannot be used. */
export function checkName(name: string): void {
  const problem = findNameProblem(name);
  if (problem !== null) throw invalidPath('name', `The name ${problem}.`);
}

/** Throws INVALID_PATH when the path cannot be used. */
export function checkPath(path: string): void {
  const problem = findPathProblem(path);
  if (problem !== null) throw invalidPath('path', `The path ${problem}.`);
}

function invalidPath(field: string, message: string): AppError {
  return new AppError('INVALID_PATH', { detail: message, errors: [{ path: field, message }] });
}

/** The path of a name inside a folder; null is the session's root. */
export function joinPath(folder: string | null, name: string): string {
  return folder === null ? name : `${folder}/${name}`;
}

/** The folder that holds the path, null for the session's root. */
export function parentPath(path: string): string | null {
  const slash = path.lastIndexOf('/');
  return slash === -1 ? null : path.slice(0, slash);
}

/** The last name of the path. */
export function lastName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** The folders above the path, nearest first. */
export function ancestorPaths(path: string): string[] {
  const ancestors: string[] = [];
  for (let folder = parentPath(path); folder !== null; folder = parentPath(folder)) ancestors.push(folder);
  return ancestors;
}

/** True when the path lies anywhere below the folder. */
export function isBelow(path: string, folder: string): boolean {
  return path.length > folder.length && path[folder.length] === '/' && path.startsWith(folder);
}

/** How many names the path has. */
export function pathDepth(path: string): number {
  let depth = 1;
  for (const character of path) if (character === '/') depth += 1;
  return depth;
}

/** Orders paths by code units, which puts every folder before what is in it. */
export function comparePaths(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}

/** True for a folder named `.git` and for all that is in one: those are git's own, and no items of a session. */
export function isInGit(path: string, type: string): boolean {
  const names = path.split('/');
  return (type === 'folder' ? names : names.slice(0, -1)).includes('.git');
}

/** True when a symlink's target is relative and stays inside the session's root. */
export function isInsideLink(path: string, target: string): boolean {
  if (target === '' || target.startsWith('/') || target.includes('\0') || byteLength(target) > MAX_PATH_BYTES) {
    return false;
  }
  let depth = pathDepth(path) - 1;
  for (const name of target.split('/')) {
    if (name === '..') depth -= 1;
    else if (name !== '' && name !== '.') depth += 1;
    if (depth < 0) return false;
  }
  return true;
}
