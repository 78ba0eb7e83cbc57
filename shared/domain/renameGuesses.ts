import type { ThreeTrees } from '#shared/domain/merge.ts';
import { comparePaths, lastName, parentPath, pathDepth } from '#shared/domain/paths.ts';
import type { Rename } from '#shared/domain/renames.ts';

/** Paths that are gone from the volume, and paths that are new on it. */
export interface Unpaired {
  vanished: string[];
  arrived: string[];
}

/** SHA-256 of nothing: that two files are empty says nothing about them. */
const EMPTY_SHA256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

/** Pairs files, and symlinks, of equal content where only one is gone and only one is new, or only one of each name. */
export function matchContents({ base, pod }: Pick<ThreeTrees, 'base' | 'pod'>, unpaired: Unpaired): Rename[] {
  const contentOf = (tree: ThreeTrees['pod'], path: string): string | null => {
    const { type, sha256 } = tree.get(path) ?? { type: 'folder', sha256: null };
    return sha256 === null || sha256 === EMPTY_SHA256 ? null : `${type}:${sha256}`;
  };
  const vanished = Map.groupBy(unpaired.vanished, (path) => contentOf(base, path));
  const arrived = Map.groupBy(unpaired.arrived, (path) => contentOf(pod, path));
  return [...vanished].flatMap(([content, gone]) => {
    const found = content === null ? undefined : arrived.get(content);
    return found === undefined ? [] : matchOneContent(gone, found);
  });
}

function matchOneContent(gone: string[], found: string[]): Rename[] {
  const [from, to] = [gone[0], found[0]];
  if (gone.length === 1 && found.length === 1 && from !== undefined && to !== undefined) return [{ from, to }];
  const foundByName = Map.groupBy(found, lastName);
  return [...Map.groupBy(gone, lastName)].flatMap(([name, sameName]) => {
    const [[from], [to, another]] = [sameName, foundByName.get(name) ?? []];
    const isOnly = sameName.length === 1 && another === undefined;
    return isOnly && from !== undefined && to !== undefined ? [{ from, to }] : [];
  });
}

/**
 * Folders that were renamed though nothing says so of themselves: something in them is now in a new folder, and so is, by
 * name and kind, more than half of what they held. The largest first.
 */
export function guessFolders(trees: ThreeTrees, unpaired: Unpaired, hints: readonly Rename[]): Rename[] {
  const votes = countVotes(trees, unpaired, [...hints, ...matchContents(trees, unpaired)]);
  if (votes.size === 0) return [];
  const children = namesByFolder(trees.base);
  const guesses = [...votes].flatMap(([from, targets]) => {
    const [to, count] = [...targets].sort(compareVotes)[0] ?? ['', 0];
    const names = children.get(from) ?? [];
    const kept = names.filter(
      (name) => trees.pod.get(`${to}/${name}`)?.type === trees.base.get(`${from}/${name}`)?.type,
    );
    return kept.length * 2 > names.length ? [{ from, to, count }] : [];
  });
  return guesses.sort((left, right) => right.count - left.count || pathDepth(left.from) - pathDepth(right.from));
}

function compareVotes([left, leftCount]: [string, number], [right, rightCount]: [string, number]): number {
  return rightCount - leftCount || comparePaths(left, right);
}

/** For each vanished folder, how many things in it now lie in which new folder. Folders above of the same name count too. */
function countVotes(
  { database, pod }: ThreeTrees,
  { vanished, arrived }: Unpaired,
  moved: readonly Rename[],
): Map<string, Map<string, number>> {
  const gone = new Set(vanished.filter((path) => database.get(path)?.type === 'folder'));
  const found = new Set(arrived.filter((path) => pod.get(path)?.type === 'folder'));
  const votes = new Map<string, Map<string, number>>();
  for (const pair of moved) {
    let [from, to] = [parentPath(pair.from), parentPath(pair.to)];
    while (from !== null && to !== null && gone.has(from) && found.has(to)) {
      const targets = votes.get(from) ?? new Map<string, number>();
      targets.set(to, (targets.get(to) ?? 0) + 1);
      votes.set(from, targets);
      if (lastName(from) !== lastName(to)) break;
      [from, to] = [parentPath(from), parentPath(to)];
    }
  }
  return votes;
}

function namesByFolder(tree: ThreeTrees['base']): Map<string, string[]> {
  const names = new Map<string, string[]>();
  for (const path of tree.keys()) {
    const folder = parentPath(path);
    if (folder === null) continue;
    const inside = names.get(folder);
    if (inside === undefined) names.set(folder, [lastName(path)]);
    else inside.push(lastName(path));
  }
  return names;
}
