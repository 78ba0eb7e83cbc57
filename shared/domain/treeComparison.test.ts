import { compareTrees, type ComparedItem } from '#shared/domain/treeComparison.ts';

const file = (itemId: number, path: string, sha256 = path, executable = false): ComparedItem => ({
  itemId,
  path,
  type: 'file',
  sha256,
  executable,
});
const changes = (before: ComparedItem[], after: ComparedItem[]) =>
  compareTrees(before, after).map((change) => [change.before?.path ?? null, change.after?.path ?? null]);

describe('the files that differ between two trees', () => {
  it('are those that came, went, changed or are called otherwise, and no others', () => {
    const before = [file(1, 'a'), file(2, 'b'), file(3, 'c'), file(4, 'd'), file(5, 'e')];
    const after = [file(1, 'a'), file(2, 'b', 'other'), file(4, 'moved', 'd'), file(5, 'e', 'e', true), file(6, 'new')];
    expect(changes(before, after)).toEqual([
      ['b', 'b'],
      ['c', null],
      ['e', 'e'],
      ['d', 'moved'],
      [null, 'new'],
    ]);
  });
  it('are one change where a program wrote a file anew', () => {
    expect(changes([file(1, 'a', 'x')], [file(7, 'a', 'y')])).toEqual([['a', 'a']]);
    expect(changes([file(1, 'a', 'x')], [file(7, 'a', 'x')])).toEqual([]);
  });
  it('are two renames where two files change their names', () => {
    expect(changes([file(1, 'a'), file(2, 'b')], [file(1, 'b', 'a'), file(2, 'a', 'b')])).toEqual([
      ['b', 'a'],
      ['a', 'b'],
    ]);
  });
  it('do not count a copy as the original, and no folder', () => {
    const folder: ComparedItem = { itemId: 8, path: 'empty', type: 'folder', sha256: null, executable: false };
    expect(changes([file(1, 'a')], [file(1, 'a'), file(2, 'copy', 'a'), folder])).toEqual([[null, 'copy']]);
  });
});
