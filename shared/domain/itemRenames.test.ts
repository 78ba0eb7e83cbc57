import { pairMovedItems, type KnownEntry } from '#shared/domain/itemRenames.ts';
import { FOLDER, type TreeEntry } from '#shared/domain/mergeEntry.ts';

const FILE: TreeEntry = { type: 'file', sha256: 'a'.repeat(64), executable: false, size: 1 };

/** Items by path; the name of a folder ends in a slash. */
function items(tree: Record<string, number | null>): Array<[string, TreeEntry, number | null]> {
  return Object.entries(tree).map(([path, id]) => [path.replace(/\/$/, ''), path.endsWith('/') ? FOLDER : FILE, id]);
}

function pair(agreed: Record<string, number | null>, now: Record<string, number>): string[] {
  const base = new Map(
    items(agreed).map(([path, entry, itemId]): [string, KnownEntry] => [path, { ...entry, itemId }]),
  );
  const rows = new Map(items(now).map(([path, entry, id]) => [path, { ...entry, id: id ?? 0 }]));
  return pairMovedItems(base, rows)
    .list()
    .map(({ from, to }) => `${from} → ${to}`);
}

describe('an item with another path than the volume last agreed on', () => {
  it.each<[string, Record<string, number | null>, Record<string, number>, string[]]>([
    ['was renamed', { a: 1, b: 2 }, { c: 1, b: 2 }, ['a → c']],
    ['takes along what is in it', { 'p/': 1, 'p/a': 2 }, { 'q/': 1, 'q/a': 2 }, ['p → q']],
    ['leaves its folder', { 'p/': 1, 'p/a': 2 }, { 'q/': 1, a: 2 }, ['p/a → a', 'p → q']],
    ['goes into a folder that is new', { a: 1 }, { 'n/': 5, 'n/a': 1 }, ['a → n/a']],
    ['goes into one that was renamed', { a: 1, 'p/': 2 }, { 'q/': 2, 'q/a': 1 }, ['p → q', 'a → q/a']],
    ['goes below what it held', { 'p/': 1, 'p/s/': 2 }, { 's/': 2, 's/p/': 1 }, ['p/s → s', 'p → s/p']],
    ['is another one by now', { a: 1 }, { a: 2, b: 1 }, []],
    ['has the place of something that was agreed on', { a: 1, b: 2 }, { b: 1 }, []],
    ['has the place of something in the renamed folder', { 'p/': 1, 'p/a': 2, z: 3 }, { 'q/': 1, 'q/a': 3 }, ['p → q']],
    ['was swapped with another', { a: 1, b: 2 }, { a: 2, b: 1 }, []],
    ['was deleted', { a: 1 }, {}, []],
    ['is not known', { a: null }, { b: 1 }, []],
    ['is of another kind', { a: 1 }, { 'b/': 1 }, []],
  ])('%s', (_, agreed, now, expected) => {
    expect(pair(agreed, now).sort()).toEqual(expected.sort());
  });
});
