import { conflictCopyPath, isConflictCopyName } from '#shared/domain/conflictName.ts';
import { MASS_DELETION_PATHS, MAX_MERGE_BYTES } from '#shared/domain/limits.ts';
import {
  decideEntry,
  FOLDER,
  isContested,
  sameEntry,
  type MergedContent,
  type TreeEntry,
} from '#shared/domain/mergeEntry.ts';
import { ancestorPaths, comparePaths, lastName, parentPath } from '#shared/domain/paths.ts';

export type { MergedContent, TreeEntry } from '#shared/domain/mergeEntry.ts';

/** Entries by path. */
export type Tree = ReadonlyMap<string, TreeEntry>;

/** The three trees of a cycle. */
export interface ThreeTrees {
  /** What both sides last agreed on. */
  base: Tree;
  database: Tree;
  /** What the volume was found to hold and may be saved. */
  pod: Tree;
}

/** What a cycle decides from. */
export interface MergeInput extends ThreeTrees {
  /** True for a path whose absence from `pod` says nothing: not saved, not looked at, or changing right now. */
  unknown(path: string): boolean;
  /** Paths on the volume that are not saved; the folders above them cannot go. */
  notSaved: readonly string[];
  /** Contents of contested paths that diff3 could merge. */
  merged: ReadonlyMap<string, MergedContent>;
  /** The time in the names of conflict copies. */
  at: Date;
}

/** The changes that turn one tree into another, in an order in which they can be made. */
export interface TreeChanges {
  /** Paths to remove, what is in a folder before the folder. A path that changes its kind is removed and put. */
  removed: string[];
  /** Paths to put, folders before what is in them. */
  put: Array<{ path: string; entry: TreeEntry }>;
}

/** What a cycle does. Once both lists are carried out, both sides hold `target`. */
export interface MergePlan {
  target: Map<string, TreeEntry>;
  /** Paths of `target` that the pod side is not to be asked about in this cycle. */
  unknownPaths: Set<string>;
  databaseChanges: TreeChanges;
  podChanges: TreeChanges;
  conflicts: Array<{ path: string; copy: string }>;
}

/** Paths whose bytes both sides changed: try diff3 on each and hand the results to planMerge. */
export function contestedPaths({ base, database, pod }: ThreeTrees): string[] {
  const contested: string[] = [];
  for (const [path, entry] of pod) {
    const entries = { base: base.get(path) ?? null, database: database.get(path) ?? null, pod: entry };
    if (!isContested(entries)) continue;
    const largest = Math.max(entry.size, entries.database?.size ?? 0);
    if (largest <= MAX_MERGE_BYTES) contested.push(path);
  }
  return contested.sort(comparePaths);
}

/** Decides every path, puts copies beside what overlaps, keeps the folders that survivors need, and lists the changes. */
export function planMerge(input: MergeInput): MergePlan {
  const decided = decidePaths(input);
  const copies = [...decided.copies, ...makeRoomForFolders(decided.target, input.notSaved)];
  const conflicts = placeCopies(decided.target, copies, input);
  const isKnown = (path: string): boolean => !decided.unknownPaths.has(path);
  return {
    target: decided.target,
    unknownPaths: decided.unknownPaths,
    databaseChanges: diffTrees(input.database, decided.target, () => true),
    podChanges: diffTrees(input.pod, decided.target, isKnown),
    conflicts,
  };
}

interface Displaced {
  path: string;
  entry: TreeEntry;
}

function decidePaths(input: MergeInput): {
  target: Map<string, TreeEntry>;
  unknownPaths: Set<string>;
  copies: Displaced[];
} {
  const target = new Map<string, TreeEntry>();
  const unknownPaths = new Set<string>();
  const copies: Displaced[] = [];
  for (const path of allPaths(input)) {
    const database = input.database.get(path) ?? null;
    const pod = input.pod.get(path) ?? null;
    if (pod === null && input.unknown(path)) {
      unknownPaths.add(path);
      if (database !== null) target.set(path, database);
      continue;
    }
    const entries = { base: input.base.get(path) ?? null, database, pod };
    const decision = decideEntry(entries, input.merged.get(path) ?? null);
    if (decision.kept !== null) target.set(path, decision.kept);
    if (decision.copy !== null) copies.push({ path, entry: decision.copy });
  }
  return { target, unknownPaths, copies };
}

function allPaths({ base, database, pod }: ThreeTrees): string[] {
  return [...new Set([...base.keys(), ...database.keys(), ...pod.keys()])].sort(comparePaths);
}

/** Everything that stays needs its folders: one that was deleted comes back, a file in its place gives way. */
function makeRoomForFolders(target: Map<string, TreeEntry>, notSaved: readonly string[]): Displaced[] {
  const displaced: Displaced[] = [];
  const checked = new Set<string>();
  for (const path of [...target.keys(), ...notSaved]) {
    for (const folder of ancestorPaths(path)) {
      if (checked.has(folder)) break;
      checked.add(folder);
      const entry = target.get(folder);
      if (entry?.type === 'folder') continue;
      if (entry !== undefined) displaced.push({ path: folder, entry });
      target.set(folder, FOLDER);
    }
  }
  return displaced;
}

function placeCopies(target: Map<string, TreeEntry>, copies: Displaced[], input: MergeInput): MergePlan['conflicts'] {
  if (copies.length === 0) return [];
  const present = copiesByContent(target);
  const notSaved = new Set(input.notSaved);
  const taken = (path: string): boolean =>
    target.has(path) || input.pod.has(path) || input.database.has(path) || input.base.has(path) || notSaved.has(path);
  return copies.flatMap(({ path, entry }) => {
    const key = copyKey(parentPath(path), entry);
    // A cycle that was cut off after its commit is repeated: the copy that it made is the copy.
    if (present.has(key)) return [];
    const copy = conflictCopyPath(path, input.at, taken);
    target.set(copy, entry);
    present.add(key);
    return [{ path, copy }];
  });
}

function copiesByContent(target: Map<string, TreeEntry>): Set<string> {
  const present = new Set<string>();
  for (const [path, entry] of target) {
    if (isConflictCopyName(lastName(path))) present.add(copyKey(parentPath(path), entry));
  }
  return present;
}

function copyKey(folder: string | null, entry: TreeEntry): string {
  return `${entry.type}:${entry.sha256}:${entry.executable}:${folder ?? ''}`;
}

/** The changes that turn `from` into `to` at the paths that `touches` admits. */
export function diffTrees(from: Tree, to: Tree, touches: (path: string) => boolean): TreeChanges {
  const removed: string[] = [];
  const put: TreeChanges['put'] = [];
  for (const [path, entry] of from) {
    const wanted = to.get(path);
    const changesKind = wanted !== undefined && (wanted.type === 'folder') !== (entry.type === 'folder');
    if (touches(path) && (wanted === undefined || changesKind)) removed.push(path);
  }
  for (const [path, entry] of to) {
    if (touches(path) && !sameEntry(from.get(path) ?? null, entry)) put.push({ path, entry });
  }
  removed.sort((left, right) => comparePaths(right, left));
  put.sort((left, right) => comparePaths(left.path, right.path));
  return { removed, put };
}

/** How many deletions one scan is not evidence enough for: null, all of a `small` tree, or over 50 paths and over half of a `large` one. */
export function judgeDeletions(database: Tree, plan: MergePlan): 'small' | 'large' | null {
  const gone = plan.databaseChanges.removed.filter((path) => !plan.target.has(path)).length;
  if (gone > MASS_DELETION_PATHS && gone * 2 > database.size) return 'large';
  return gone > 0 && gone === database.size ? 'small' : null;
}
