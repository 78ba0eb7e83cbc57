import { byteLength, joinPath, lastName, MAX_NAME_BYTES, MAX_PATH_BYTES, parentPath } from '#shared/domain/paths.ts';

const CONFLICT_MARK = '.conflict-';

/**
 * The path beside `path` at which the other side of a conflict is kept: `name.conflict-YYYYMMDD-HHMMSS.ext` in UTC,
 * shortened to what a name and a path may be, numbered until `taken` says that it is free. A folder so deep that no copy
 * fits into it passes the copy to the folder above.
 */
export function conflictCopyPath(path: string, at: Date, taken: (candidate: string) => boolean): string {
  const { stem, extension } = splitName(lastName(path));
  const mark = `${CONFLICT_MARK}${timestamp(at)}`;
  let folder = parentPath(path);
  while (roomIn(folder) < byteLength(mark) + 12) folder = folder === null ? null : parentPath(folder);
  for (let number = 1; ; number += 1) {
    const middle = number === 1 ? mark : `${mark}-${number}`;
    const name = fitName({ stem, middle, extension }, roomIn(folder));
    const candidate = joinPath(folder, name);
    if (!taken(candidate)) return candidate;
  }
}

/** The path, or the first of `name (2).ext`, `name (3).ext`… beside it, that `taken` says is free; shortened to what a name may be. */
export function numberedPath(path: string, taken: (candidate: string) => boolean): string {
  const { stem, extension } = splitName(lastName(path));
  const folder = parentPath(path);
  let candidate = path;
  for (let number = 2; taken(candidate); number += 1) {
    candidate = joinPath(folder, fitName({ stem, middle: ` (${number})`, extension }, roomIn(folder)));
  }
  return candidate;
}

/** True when the name is one that conflictCopyPath gives. */
export function isConflictCopyName(name: string): boolean {
  return /\.conflict-\d{8}-\d{6}(-\d+)?(\.[^.]*)?$/.test(name);
}

function splitName(name: string): { stem: string; extension: string } {
  const dot = name.lastIndexOf('.');
  return dot <= 0 ? { stem: name, extension: '' } : { stem: name.slice(0, dot), extension: name.slice(dot) };
}

function timestamp(at: Date): string {
  const digits = at.toISOString().replace(/[-:T]/g, '');
  return `${digits.slice(0, 8)}-${digits.slice(8, 14)}`;
}

function roomIn(folder: string | null): number {
  return Math.min(MAX_NAME_BYTES, folder === null ? MAX_NAME_BYTES : MAX_PATH_BYTES - byteLength(folder) - 1);
}

function fitName(parts: { stem: string; middle: string; extension: string }, room: number): string {
  const middle = parts.middle;
  // An extension that leaves no room for a name is no extension worth keeping.
  const extension = byteLength(parts.extension) > (room - byteLength(middle)) / 2 ? '' : parts.extension;
  return `${cutToBytes(parts.stem, room - byteLength(middle) - byteLength(extension))}${middle}${extension}`;
}

function cutToBytes(text: string, bytes: number): string {
  let cut = '';
  let used = 0;
  for (const character of text) {
    used += byteLength(character);
    if (used > bytes) break;
    cut += character;
  }
  return cut;
}
