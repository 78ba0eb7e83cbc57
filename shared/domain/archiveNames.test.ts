import { archiveNames } from '#shared/domain/archiveNames.ts';

describe('a name in a zip', () => {
  it('is the path, unless a zip cannot hold it', () => {
    const paths = ['a', 'a/b.txt', 'ü', '..x', 'ab:c', 'd/C:x'];
    expect([...archiveNames(paths).values()].sort()).toEqual([...paths].sort());
  });

  it('has no backslash and no drive, also below a folder that has one', () => {
    const names = archiveNames(['C:x', 'a\\b', 'a\\b/c\\d.txt', 'plain']);
    expect(Object.fromEntries(names)).toEqual({
      'C:x': 'C_x',
      'a\\b': 'a_b',
      'a\\b/c\\d.txt': 'a_b/c_d.txt',
      plain: 'plain',
    });
  });

  it('is never that of another path', () => {
    const paths = ['a\\b', 'a_b', 'a_b-2', 'x\\\\', 'x\\_', 'x__'];
    const names = archiveNames(paths);
    expect(new Set(names.values()).size).toBe(paths.length);
    for (const path of ['a_b', 'a_b-2', 'x__']) expect(names.get(path)).toBe(path);
  });
});
