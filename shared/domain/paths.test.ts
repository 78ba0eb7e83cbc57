import fc from 'fast-check';
import { isAppError } from '#shared/domain/errors.ts';
import {
  ancestorPaths,
  byteLength,
  checkName,
  checkPath,
  comparePaths,
  findNameProblem,
  findPathProblem,
  isBelow,
  isInsideLink,
  joinPath,
  lastName,
  parentPath,
  pathDepth,
} from '#shared/domain/paths.ts';
import { createIgnoreRules, isIgnoredByDefault } from '#shared/domain/ignore.ts';
import { starterFiles } from '#shared/domain/starterFiles.ts';
import { LANGUAGES } from '#shared/contracts/session.ts';
import { SEED } from '#tests/support/scale.ts';

const seeded = { seed: SEED };
const anyText = fc.string({ unit: 'binary' });
const goodName = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 60 })
  .filter((name) => findNameProblem(name) === null);

describe('names and paths', () => {
  it('count their bytes as UTF-8 does', () => {
    fc.assert(
      fc.property(anyText, (text) => expect(byteLength(text)).toBe(Buffer.byteLength(text))),
      seeded,
    );
    expect(byteLength('\ud800')).toBe(3);
  });

  it.each([
    ['', 'is empty'],
    ['.', 'is . or ..'],
    ['..', 'is . or ..'],
    ['a/b', 'contains a slash'],
    ['a\0', 'contains a NUL'],
    ['a\ud800', 'is not valid Unicode'],
    ['a\ufffd', 'is not valid UTF-8'],
    ['.berth-volume', 'begins with .berth-, which is reserved'],
    ['é'.repeat(128), 'is longer than 255 bytes'],
  ])('refuse the name %j', (name, problem) => {
    expect(findNameProblem(name)).toBe(problem);
    expect(() => checkName(name)).toThrow(problem);
  });

  it.each(['a', '.berthignore', '...', ' ', '-rf', 'é'.repeat(127), "'; DROP TABLE users; --", '\n'])(
    'take the name %j',
    (name) => expect(findNameProblem(name)).toBeNull(),
  );

  it.each(['', '/a', 'a//b', 'a/', '../a', 'a/../b', 'a/./b', 'a\0b', 'a/.berth-old-1', 'n/'.repeat(200) + 'n'])(
    'refuse the path %j',
    (path) => expect(findPathProblem(path)).not.toBeNull(),
  );

  it('are bounded in bytes and depth', () => {
    expect(findPathProblem(Array(200).fill('n').join('/'))).toBeNull();
    expect(findPathProblem(Array(20).fill('n'.repeat(199)).join('/'))).toBeNull();
    expect(findPathProblem(Array(21).fill('n'.repeat(199)).join('/'))).toMatch(/4000 bytes/);
  });

  it('are judged without an exception, whatever they are, and thrown only as INVALID_PATH', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const problem = findPathProblem(text);
        try {
          checkPath(text);
          expect(problem).toBeNull();
        } catch (error) {
          expect(isAppError(error, 'INVALID_PATH')).toBe(true);
          expect(problem).not.toBeNull();
        }
      }),
      seeded,
    );
  });

  it('come apart as they were joined', () => {
    fc.assert(
      fc.property(fc.array(goodName, { minLength: 1, maxLength: 5 }), (names) => {
        const path = names.reduce<string | null>((folder, name) => joinPath(folder, name), null) ?? '';
        expect(lastName(path)).toBe(names.at(-1));
        expect(parentPath(path)).toBe(names.length === 1 ? null : names.slice(0, -1).join('/'));
        expect(pathDepth(path)).toBe(names.length);
        expect(ancestorPaths(path)).toHaveLength(names.length - 1);
        for (const folder of ancestorPaths(path)) {
          expect(isBelow(path, folder)).toBe(true);
          expect(comparePaths(folder, path)).toBe(-1);
        }
        expect(isBelow(path, path)).toBe(false);
        expect(isBelow(`${path}x`, path)).toBe(false);
      }),
      seeded,
    );
  });
});

describe('a symlink', () => {
  it.each([
    ['a', 'b', true],
    ['a', './b/../c', true],
    ['a/b/c', '../../d', true],
    ['a', '..', false],
    ['a', '../x', false],
    ['a/b', '../../x', false],
    ['a/b', 'c/../../../x', false],
    ['a', '/etc/passwd', false],
    ['a', '', false],
    ['a', 'x\0y', false],
  ])('at %j to %j stays inside: %j', (path, target, inside) => expect(isInsideLink(path, target)).toBe(inside));
});

describe('ignore rules', () => {
  it('pass over what is made again by itself, anywhere', () => {
    const rules = createIgnoreRules('');
    expect(rules.ignores('node_modules', 'folder')).toBe(true);
    expect(rules.ignores('a/__pycache__/b.pyc', 'file')).toBe(true);
    expect(rules.ignores('builder', 'folder')).toBe(false);
    expect(rules.ignores('a/build', 'folder')).toBe(true);
    expect(rules.ignores('a/build', 'file')).toBe(false);
    expect(isIgnoredByDefault('a/dist/b')).toBe(true);
    expect(isIgnoredByDefault('a/distant/b')).toBe(false);
  });

  it('are adjusted by .berthignore, both ways', () => {
    const rules = createIgnoreRules('*.log\n!dist\n');
    expect(rules.ignores('a/b.log', 'file')).toBe(true);
    expect(rules.ignores('dist', 'folder')).toBe(false);
    expect(rules.ignores('build', 'folder')).toBe(true);
  });
});

describe('starter files', () => {
  it('say hello in every language, and are empty for one that nobody knows', () => {
    for (const language of LANGUAGES) {
      const files = starterFiles(language);
      expect(files.length).toBeGreaterThan(0);
      for (const { path, content } of files) {
        checkPath(path);
        expect(content).toContain('Hello');
      }
    }
    expect(starterFiles('python')[0]?.path).toBe('main.py');
    expect(starterFiles('__proto__')).toEqual([]);
  });
});
