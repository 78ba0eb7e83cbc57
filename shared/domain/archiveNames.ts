import { comparePaths, joinPath, lastName, parentPath } from '#shared/domain/paths.ts';

/**
 * The name in a zip for each path. A zip cannot hold a backslash, nor a first name that looks like a drive: those
 * characters become `_`, numbered where that name is taken. Every other name stays as it is.
 */
export function archiveNames(paths: readonly string[]): Map<string, string> {
  const names = new Map<string, string>();
  const wanted = new Map(paths.map((path) => [path, plainName(path)]));
  const taken = new Set([...wanted].flatMap(([path, name]) => (lastName(path) === name ? [path] : [])));
  // Folders come before what is in them, whose names begin with theirs.
  for (const path of [...paths].sort(comparePaths)) {
    const parent = parentPath(path);
    const folder = parent === null ? null : (names.get(parent) ?? parent);
    const name = wanted.get(path)!;
    let written = joinPath(folder, name);
    for (let number = 2; name !== lastName(path) && taken.has(written); number += 1) {
      written = joinPath(folder, `${name}-${number}`);
    }
    taken.add(written);
    names.set(path, written);
  }
  return names;
}

function plainName(path: string): string {
  const name = lastName(path).replaceAll('\\', '_');
  return parentPath(path) === null ? name.replace(/^([A-Za-z]):/, '$1_') : name;
}
