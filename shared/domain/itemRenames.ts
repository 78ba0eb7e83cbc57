import type { TreeEntry } from '#shared/domain/mergeEntry.ts';
import { comparePaths } from '#shared/domain/paths.ts';
import { Renames, type Rename } from '#shared/domain/renames.ts';

/** What both sides agreed on at a path, and the item that stood for it; null where none is known. */
export type KnownEntry = TreeEntry & { itemId: number | null };

/**
 * The items that have another path in the database than the volume last agreed on, as renames of the volume's paths: the
 * old path has no row any more, and the new one was never agreed on. What is in a folder follows it. `admits` may refuse.
 */
export function pairMovedItems(
  base: ReadonlyMap<string, KnownEntry>,
  rows: ReadonlyMap<string, TreeEntry & { id: number }>,
  admits: (rename: Rename) => boolean = () => true,
): Renames {
  const renames = new Renames();
  const left = [...base].filter(([path, { itemId }]) => itemId !== null && !rows.has(path));
  if (left.length === 0) return renames;
  const pathOf = new Map([...rows].map(([path, { id }]) => [id, path]));
  const moved = left.flatMap(([from, { itemId, type }]) => {
    const to = pathOf.get(itemId ?? 0);
    return to !== undefined && rows.get(to)?.type === type ? [{ from, to }] : [];
  });
  for (const { from, to } of moved.sort((one, other) => comparePaths(one.to, other.to))) {
    if (renames.placeOf(from) === to || base.has(renames.originOf(to)) || base.has(to)) continue;
    if (admits({ from, to })) renames.add({ from, to });
  }
  return renames;
}
