/** What a path holds. `sha256` is over a file's bytes or a symlink's target, null for a folder. */
export interface TreeEntry {
  type: 'file' | 'folder' | 'symlink';
  sha256: string | null;
  executable: boolean;
  /** Bytes of a file or of a symlink's target. */
  size: number;
}

/** The content of a file that both sides edited without overlapping. */
export interface MergedContent {
  sha256: string;
  size: number;
}

/** The three states of one path; null where there is nothing. */
export interface ThreeEntries {
  base: TreeEntry | null;
  database: TreeEntry | null;
  pod: TreeEntry | null;
}

/** What becomes of one path: `kept` stays at it (null: nothing does), `copy` is put beside it. */
export interface EntryDecision {
  kept: TreeEntry | null;
  copy: TreeEntry | null;
}

/** A folder as a tree holds it. */
export const FOLDER: TreeEntry = { type: 'folder', sha256: null, executable: false, size: 0 };

/** True when both hold the same kind, bytes and executable bit, or both nothing. */
export function sameEntry(left: TreeEntry | null, right: TreeEntry | null): boolean {
  if (left === null || right === null) return left === right;
  return left.type === right.type && left.sha256 === right.sha256 && left.executable === right.executable;
}

/** True when both sides changed the bytes of one file, differently, since an ancestor that both know. */
export function isContested({ base, database, pod }: ThreeEntries): boolean {
  if (base?.type !== 'file' || database?.type !== 'file' || pod?.type !== 'file') return false;
  return database.sha256 !== base.sha256 && pod.sha256 !== base.sha256 && database.sha256 !== pod.sha256;
}

/**
 * Decides one path three ways. Same on both sides: that. One side changed: that side. One side deleted what the other
 * edited: the edit. Both edited: `merged` when there is one, else the database's version stays and the pod's is the copy;
 * a folder stays and the file that stood in its place is the copy. Without a base nothing was ever deleted.
 */
export function decideEntry(entries: ThreeEntries, merged: MergedContent | null): EntryDecision {
  const { base, database, pod } = entries;
  if (sameEntry(database, pod)) return { kept: database, copy: null };
  if (base === null && database === null) return { kept: pod, copy: null };
  if (base === null && pod === null) return { kept: database, copy: null };
  if (sameEntry(database, base)) return { kept: pod, copy: null };
  if (sameEntry(pod, base)) return { kept: database, copy: null };
  if (database === null || pod === null) return { kept: database ?? pod, copy: null };
  if (database.type === 'file' && pod.type === 'file') return decideFiles({ base, database, pod }, merged);
  if (pod.type === 'folder') return { kept: pod, copy: database };
  return { kept: database, copy: pod };
}

function decideFiles(
  entries: { base: TreeEntry | null; database: TreeEntry; pod: TreeEntry },
  merged: MergedContent | null,
): EntryDecision {
  const { database, pod } = entries;
  const base = entries.base?.type === 'file' ? entries.base : null;
  const executable = base !== null && database.executable === base.executable ? pod.executable : database.executable;
  if (database.sha256 === pod.sha256) return { kept: { ...database, executable }, copy: null };
  if (base !== null && database.sha256 === base.sha256) return { kept: { ...pod, executable }, copy: null };
  if (base !== null && pod.sha256 === base.sha256) return { kept: { ...database, executable }, copy: null };
  if (merged !== null) return { kept: { ...database, ...merged, executable }, copy: null };
  return { kept: { ...database, executable }, copy: pod };
}
