import { indexPlaces, samePlace, type PlacedItem } from '#shared/domain/commentPorting.ts';

/** A path of a tree with what decides whether it changed. */
export interface ComparedItem extends PlacedItem {
  type: 'file' | 'folder' | 'symlink';
  sha256: string | null;
  executable: boolean;
}

/** A file that two trees have not alike. `before` null: it came; `after` null: it went; both: it changed, or is called otherwise. */
export interface TreeChange<Item> {
  before: Item | null;
  after: Item | null;
}

/** The files and links that differ between two trees, sorted by path. A rename is one change, known by the item's id. */
export function compareTrees<Item extends ComparedItem>(
  before: readonly Item[],
  after: readonly Item[],
): TreeChange<Item>[] {
  const files = { before: before.filter(isFile), after: after.filter(isFile) };
  const tree = indexPlaces(files.before);
  const known = new Set(files.after.map(({ itemId }) => itemId));
  const taken = new Set<Item>();
  const changes: TreeChange<Item>[] = [];
  for (const item of files.after) {
    const same = samePlace(item, tree, (itemId) => known.has(itemId));
    if (same !== null) taken.add(same);
    if (same === null || differs(same, item)) changes.push({ before: same, after: item });
  }
  for (const item of files.before) if (!taken.has(item)) changes.push({ before: item, after: null });
  return changes.sort((left, right) => (pathOf(left) < pathOf(right) ? -1 : 1));
}

function isFile(item: ComparedItem): boolean {
  return item.type !== 'folder';
}

function differs(before: ComparedItem, after: ComparedItem): boolean {
  return (
    before.path !== after.path ||
    before.sha256 !== after.sha256 ||
    before.type !== after.type ||
    before.executable !== after.executable
  );
}

function pathOf({ before, after }: TreeChange<PlacedItem>): string {
  return (after ?? before)?.path ?? '';
}
