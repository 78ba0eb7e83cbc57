import { judgeEntry, type ArchiveEntry } from '#shared/domain/archiveEntry.ts';

const MIB = 1_048_576;
const entry = (given: Partial<ArchiveEntry>): ArchiveEntry => ({
  name: 'a.txt',
  type: 'file',
  executable: false,
  size: 10,
  packedSize: 10,
  target: null,
  problem: null,
  ...given,
});
const judge = (given: Partial<ArchiveEntry>, folder: string | null = null) =>
  judgeEntry(entry(given), { folder, maxFileBytes: 10 * MIB });
const link = (name: string, target: string | null) => ({ name, target, type: 'symlink' as const });

describe('a name in an archive', () => {
  it.each([
    ['/etc/passwd', 'has an absolute path'],
    ['//server/share', 'has an absolute path'],
    ['./../x', 'leads out of its folder by ..'],
    ['..', 'leads out of its folder by ..'],
    ['a/../../x', 'leads out of its folder by ..'],
    ['a/../b', 'leads out of its folder by ..'],
    ['..\\..\\x', 'has a backslash in its name'],
    ['a\\b', 'has a backslash in its name'],
    ['C:/x', 'has a drive letter in its path'],
    ['c:x', 'has a drive letter in its path'],
    ['./C:x', 'has a drive letter in its path'],
    ['caf\uFFFD', 'has a name that is not valid UTF-8'],
    ['a\0.txt', 'has a name that contains a NUL'],
    ['a//b', 'has a name that is empty'],
    ['a/./b', 'has a name that is . or ..'],
    ['', 'has no name'],
    ['x'.repeat(256), 'has a name that is longer than 255 bytes'],
    ['d/'.repeat(200) + 'x', 'is deeper than 200 folders'],
    ['.berth-volume', 'has a name that begins with .berth-, which is reserved'],
    ['.git/config', 'belongs to git: make a repository in the terminal'],
    ['sub/.git/HEAD', 'belongs to git: make a repository in the terminal'],
  ])('%j is refused: it %s', (name, problem) => {
    expect(judge({ name })).toEqual({ problem });
  });

  it.each([
    ['a.txt', 'a.txt'],
    ['./a.txt', 'a.txt'],
    ['././/a/b.txt', 'a/b.txt'],
    ['ü/日本.txt', 'ü/日本.txt'],
    ['...', '...'],
    ['a..b', 'a..b'],
    ['-rf', '-rf'],
    ['.gitignore', '.gitignore'],
    ['lib/.git', 'lib/.git'],
    ['Makefile', 'Makefile'],
  ])('%j is kept as %j', (name, path) => {
    expect(judge({ name })).toEqual({ path });
    expect(judge({ name }, 'in/here')).toEqual({ path: `in/here/${path}` });
  });

  it('of a folder may end in a slash, and the archive’s own root needs nothing', () => {
    expect(judge({ name: 'src/', type: 'folder' })).toEqual({ path: 'src' });
    for (const name of ['./', '.', '']) expect(judge({ name, type: 'folder' })).toBe('root');
    expect(judge({ name: '.git/', type: 'folder' })).toMatchObject({ problem: expect.stringContaining('git') });
  });

  it('counts with the folder that it is imported into', () => {
    expect(judge({ name: 'd/'.repeat(150) + 'x' }, 'e/'.repeat(60) + 'e')).toEqual({
      problem: 'is deeper than 200 folders',
    });
  });
});

describe('a link in an archive', () => {
  it.each([
    ['a', 'b'],
    ['a/b', '../c'],
    ['a/b/c', '../../x/./y'],
  ])('%s → %s is kept: it stays inside', (name, target) => {
    expect(judge(link(name, target))).toEqual({ path: name });
  });

  it.each([
    ['a', '/etc/passwd'],
    ['a', '..'],
    ['a/b', '../../x'],
    ['a', ''],
    ['a', 'x\0y'],
  ])('%s → %j is refused: it leaves the session', (name, target) => {
    expect(judge(link(name, target))).toEqual({ problem: 'is a link that leaves the session' });
  });

  it('may lead out of the archive’s root as far as the folder that it is imported into allows', () => {
    expect(judge(link('a', '../x'), 'in')).toEqual({ path: 'in/a' });
    expect(judge(link('a', '../../x'), 'in')).toEqual({ problem: 'is a link that leaves the session' });
  });

  it('is refused when it is a hard link, or cannot be read', () => {
    expect(judge({ type: 'hard-link', target: 'a' })).toEqual({ problem: 'is a hard link' });
    expect(judge(link('a', null))).toEqual({ problem: 'is a link whose target cannot be read' });
    expect(judge(link('a', 'x\uFFFD'))).toEqual({ problem: 'is a link whose target cannot be read' });
  });
});

describe('what an entry declares', () => {
  it('is refused when it is a device, too large, or packed as only a bomb is', () => {
    expect(judge({ type: 'special' })).toEqual({ problem: 'is neither a file, a folder nor a link' });
    expect(judge({ size: 10 * MIB + 1 })).toMatchObject({ problem: expect.stringContaining('files may have') });
    expect(judge({ size: 2 * MIB, packedSize: 2_000 })).toMatchObject({ problem: expect.stringContaining('250 to 1') });
    expect(judge({ size: 2 * MIB, packedSize: 0 })).toMatchObject({ problem: expect.stringContaining('250 to 1') });
    expect(judge({ problem: 'is encrypted' })).toEqual({ problem: 'is encrypted' });
  });

  it('may be small and packed tightly, and is not judged by a packing that is not its own', () => {
    expect(judge({ size: MIB, packedSize: 1_020 })).toEqual({ path: 'a.txt' });
    expect(judge({ size: 2 * MIB, packedSize: 20_000 })).toEqual({ path: 'a.txt' });
    expect(judge({ size: 5 * MIB, packedSize: null })).toEqual({ path: 'a.txt' });
  });
});
