import { sameEntry, type TreeEntry } from '#shared/domain/mergeEntry.ts';

type Tree = ReadonlyMap<string, TreeEntry>;

/**
 * The base with what arrived of the control plane's own changes though nobody recorded that: where the volume holds what
 * was sent to it, no program has edited it, and the database alone may have changed since. `unknown` tells of a path whose
 * absence says nothing.
 */
export function baseWithSent(
  { base, pod }: { base: Tree; pod: Tree },
  sent: ReadonlyMap<string, ReadonlyArray<TreeEntry | null>>,
  unknown: (path: string) => boolean,
): Map<string, TreeEntry> {
  const known = new Map(base);
  for (const [path, entries] of sent) {
    const found = pod.get(path) ?? null;
    if (found === null && unknown(path)) continue;
    if (!entries.some((entry) => sameEntry(entry, found))) continue;
    if (found === null) known.delete(path);
    else known.set(path, found);
  }
  return known;
}
