import { ancestorPaths, findByTyping, moveByKey, nameProblem, visibleRows, type TreeEntry } from './treeModel.ts';

const entry = (path: string, type: TreeEntry['type'] = 'file'): TreeEntry => ({
  path,
  type,
  name: path.split('/').at(-1) ?? '',
});
const entries = [
  entry('main.py'),
  entry('a', 'folder'),
  entry('a/file10.txt'),
  entry('a/file2.txt'),
  entry('a/b', 'folder'),
  entry('a/b/c.txt'),
  entry('README.md'),
];
const paths = (expanded: string[]) => visibleRows(entries, new Set(expanded)).map((row) => row.entry.path);
const rows = visibleRows(entries, new Set(['a']));

describe('the rows of a tree', () => {
  it('show folders first and names in natural order', () => {
    expect(paths([])).toEqual(['a', 'main.py', 'README.md']);
    expect(paths(['a'])).toEqual(['a', 'a/b', 'a/file2.txt', 'a/file10.txt', 'main.py', 'README.md']);
  });
  it('hide an expanded folder inside a collapsed one', () => {
    expect(paths(['a/b'])).toEqual(['a', 'main.py', 'README.md']);
    expect(paths(['a', 'a/b'])).toContain('a/b/c.txt');
  });
  it('say level, position and size of the set', () => {
    expect(rows[2]).toMatchObject({ level: 2, position: 2, setSize: 3, expanded: false });
    expect(rows[0]).toMatchObject({ level: 1, position: 1, setSize: 3, expanded: true });
  });
});

describe('keys in a tree', () => {
  it('move up and down and stop at the ends', () => {
    expect(moveByKey(rows, 'a', 'ArrowDown')).toEqual({ kind: 'focus', path: 'a/b' });
    expect(moveByKey(rows, 'a', 'ArrowUp')).toBeNull();
    expect(moveByKey(rows, 'README.md', 'ArrowDown')).toBeNull();
    expect(moveByKey(rows, 'a', 'End')).toEqual({ kind: 'focus', path: 'README.md' });
  });
  it('right expands, then goes in; left goes out, then collapses', () => {
    expect(moveByKey(rows, 'a/b', 'ArrowRight')).toEqual({ kind: 'expand', path: 'a/b' });
    expect(moveByKey(rows, 'a', 'ArrowRight')).toEqual({ kind: 'focus', path: 'a/b' });
    expect(moveByKey(rows, 'a/b', 'ArrowLeft')).toEqual({ kind: 'focus', path: 'a' });
    expect(moveByKey(rows, 'a', 'ArrowLeft')).toEqual({ kind: 'collapse', path: 'a' });
    expect(moveByKey(rows, 'main.py', 'ArrowLeft')).toBeNull();
  });
  it('Enter opens a file and toggles a folder', () => {
    expect(moveByKey(rows, 'main.py', 'Enter')).toEqual({ kind: 'open', path: 'main.py' });
    expect(moveByKey(rows, 'a', 'Enter')).toEqual({ kind: 'collapse', path: 'a' });
  });
  it('start at the top when the focused row is gone', () => {
    expect(moveByKey(rows, 'deleted', 'ArrowDown')).toEqual({ kind: 'focus', path: 'a' });
  });
  it('letters find the next name and go round', () => {
    expect(findByTyping(rows, 'a', 'f')).toBe('a/file2.txt');
    expect(findByTyping(rows, 'a/file2.txt', 'f')).toBe('a/file10.txt');
    expect(findByTyping(rows, 'a/file10.txt', 'file1')).toBe('a/file10.txt');
    expect(findByTyping(rows, 'main.py', 'z')).toBeNull();
  });
});

describe('paths and names', () => {
  it('know the folders above', () => {
    expect(ancestorPaths('a/b/c.txt')).toEqual(['a', 'a/b']);
    expect(ancestorPaths('main.py')).toEqual([]);
  });
  it('are refused when they are empty, taken, reserved, too long or hold a slash', () => {
    expect(nameProblem('new.txt', ['old.txt'])).toBeNull();
    for (const bad of ['', '  ', 'a/b', '.', '..', 'old.txt', 'é'.repeat(128)]) {
      expect(nameProblem(bad, ['old.txt'])).not.toBeNull();
    }
  });
});
