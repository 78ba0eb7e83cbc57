import { ancestorPaths, comparePaths } from '#shared/domain/paths.ts';
import { sameEntry, type TreeEntry } from '#shared/domain/mergeEntry.ts';

/** What was at a path at a moment, and under which id. */
export interface PastEntry extends TreeEntry {
  itemId: number;
  encoding: 'utf8' | 'base64' | 'symlink';
  /** False when the bytes are no longer kept. */
  isStored: boolean;
}

/** What is at a path now. */
export interface PresentEntry extends TreeEntry {
  id: number;
}

/** A path to make: with the id that it had, unless that id is in use elsewhere or there was none. */
export interface RestoredFolder {
  path: string;
  itemId: number | null;
}

/** A file to write; `itemId` counts only where no file is at the path now. */
export interface RestoredFile extends RestoredFolder {
  entry: PastEntry;
}

/** What a restore does to one path, as people are shown it. */
export interface RestoreChange {
  path: string;
  type: TreeEntry['type'];
  change: 'create' | 'update' | 'delete';
}

/** How the present tree becomes the past one. Removals come first, then folders, parents before their children, then files. */
export interface RestorePlan {
  removed: string[];
  folders: RestoredFolder[];
  files: RestoredFile[];
  /** Paths that stay as they are because what they held is no longer kept. */
  lost: string[];
  /** Paths outside of what is restored that hold a file where a folder is needed. */
  blocked: string[];
}

/**
 * Plans how to make `past` of `present`. `isInside` tells which present paths belong to what is restored: of those what
 * `past` does not hold goes; all others stay. Missing folders are made. Pure: the same input gives the same plan.
 */
export function planRestore({
  present,
  past,
  isInside,
}: {
  present: ReadonlyMap<string, PresentEntry>;
  past: ReadonlyMap<string, PastEntry>;
  isInside: (path: string) => boolean;
}): RestorePlan {
  const isLost = (entry: PastEntry): boolean => !isFolder(entry) && !entry.isStored;
  const lost = [...past].filter(([, entry]) => isLost(entry)).map(([path]) => path);
  const kept = new Set([...lost, ...lost.flatMap(ancestorPaths)]);
  const wanted = new Map([...past].filter(([, entry]) => !isLost(entry)));
  const goes = (path: string, entry: PresentEntry): boolean => {
    const target = wanted.get(path);
    if (target === undefined) return isInside(path) && !kept.has(path);
    return isFolder(target) !== isFolder(entry);
  };
  const removed = new Set([...present].filter(([path, entry]) => goes(path, entry)).map(([path]) => path));
  const staying = new Map([...present].filter(([path]) => !removed.has(path)));
  const used = new Set([...staying.values()].map((entry) => entry.id));
  const idOf = (path: string): number | null => {
    const id = wanted.get(path)?.itemId ?? null;
    return id === null || used.has(id) ? null : id;
  };
  const needed = new Set(
    [...wanted].flatMap(([path, entry]) => [...ancestorPaths(path), ...(isFolder(entry) ? [path] : [])]),
  );
  const blocked = [...needed].filter((path) => staying.has(path) && !isFolder(staying.get(path)!));
  const folders = [...needed].filter((path) => !staying.has(path));
  const files = [...wanted].filter(([path, entry]) => !isFolder(entry) && !sameEntry(staying.get(path) ?? null, entry));
  return {
    removed: [...removed].sort(comparePaths),
    folders: folders.sort(comparePaths).map((path) => ({ path, itemId: idOf(path) })),
    files: files
      .sort(([left], [right]) => comparePaths(left, right))
      .map(([path, entry]) => ({ path, entry, itemId: idOf(path) })),
    lost: lost.sort(comparePaths),
    blocked: blocked.sort(comparePaths),
  };
}

/** What the plan does, path by path, in the order of paths. A path whose kind changes is made anew. */
export function describeRestore(plan: RestorePlan, present: ReadonlyMap<string, PresentEntry>): RestoreChange[] {
  const made = new Set([...plan.folders, ...plan.files].map(({ path }) => path));
  const changes: RestoreChange[] = [
    ...plan.removed
      .filter((path) => !made.has(path))
      .map((path) => ({ path, type: present.get(path)!.type, change: 'delete' as const })),
    ...plan.folders.map(({ path }) => ({ path, type: 'folder' as const, change: 'create' as const })),
    ...plan.files.map(({ path, entry }) => ({
      path,
      type: entry.type,
      change: present.has(path) ? ('update' as const) : ('create' as const),
    })),
  ];
  return changes.sort((left, right) => comparePaths(left.path, right.path));
}

function isFolder(entry: TreeEntry): boolean {
  return entry.type === 'folder';
}
