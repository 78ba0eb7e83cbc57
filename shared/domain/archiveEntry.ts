import { findPathProblem, isInGit, isInsideLink, joinPath } from '#shared/domain/paths.ts';

/** One entry of a zip or tar as it is written there; nothing of it is believed. */
export interface ArchiveEntry {
  /** What is written, as far as it can be read; U+FFFD stands for bytes that are no UTF-8. */
  name: string;
  type: 'file' | 'folder' | 'symlink' | 'hard-link' | 'special';
  executable: boolean;
  /** Bytes that it declares to unpack to. */
  size: number;
  /** Bytes that it is packed into; null where entries are not packed one by one. */
  packedSize: number | null;
  /** Where a link leads; null for everything else. */
  target: string | null;
  /** What the reader of the format found wrong with it, as the end of a sentence; null when nothing. */
  problem: string | null;
}

/** A file of fewer bytes may be packed as tightly as it likes. */
export const PLAIN_BYTES = 1_048_576;
/** What is packed tighter than this is a bomb: text rarely reaches a tenth of it. */
export const MAX_PACKING = 250;

/** The entry's place in the session, why it is refused, or `root` for the archive's own root, which needs nothing. */
export type EntryVerdict = { path: string } | { problem: string } | 'root';

/**
 * Judges an entry that is imported into `folder` (null: the session's root) by its name, kind, link and sizes. Never throws.
 * What else is in the archive and in the session is judged later.
 */
export function judgeEntry(
  entry: ArchiveEntry,
  { folder, maxFileBytes }: { folder: string | null; maxFileBytes: number },
): EntryVerdict {
  const name = plainName(entry);
  if (name === '') return entry.type === 'folder' ? 'root' : { problem: 'has no name' };
  const path = joinPath(folder, name);
  const problem =
    findNameProblem(name) ??
    findPathProblem(path) ??
    (isInGit(path, entry.type) ? 'belongs to git: make a repository in the terminal' : null) ??
    findKindProblem(entry, path) ??
    entry.problem ??
    findSizeProblem(entry, maxFileBytes);
  return problem === null ? { path } : { problem };
}

/** Programs write `./a` for `a`, and a folder with a slash at its end. */
function plainName({ name, type }: ArchiveEntry): string {
  const relative = name.replace(/^(?:\.\/+)+/, '');
  const plain = type === 'folder' ? relative.replace(/\/+$/, '') : relative;
  return plain === '.' ? '' : plain;
}

function findNameProblem(name: string): string | null {
  if (name.includes('\uFFFD')) return 'has a name that is not valid UTF-8';
  if (name.includes('\\')) return 'has a backslash in its name';
  if (name.startsWith('/')) return 'has an absolute path';
  if (/^[A-Za-z]:/.test(name)) return 'has a drive letter in its path';
  if (name.split('/').includes('..')) return 'leads out of its folder by ..';
  return null;
}

function findKindProblem({ type, target }: ArchiveEntry, path: string): string | null {
  if (type === 'hard-link') return 'is a hard link';
  if (type === 'special') return 'is neither a file, a folder nor a link';
  if (type !== 'symlink') return null;
  if (target === null || target.includes('\uFFFD')) return 'is a link whose target cannot be read';
  return isInsideLink(path, target) ? null : 'is a link that leaves the session';
}

function findSizeProblem({ size, packedSize }: ArchiveEntry, maxFileBytes: number): string | null {
  if (size > maxFileBytes) return `has ${size} bytes; files may have ${maxFileBytes}`;
  if (packedSize === null || size <= PLAIN_BYTES || size <= packedSize * MAX_PACKING) return null;
  return `is packed more than ${MAX_PACKING} to 1, as no honest file is`;
}
