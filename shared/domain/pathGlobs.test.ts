import { globsPattern } from '#shared/domain/pathGlobs.ts';

// What is made for PostgreSQL's engine is also a regular expression of JavaScript.
const finds = (globs: string, path: string): boolean => new RegExp(globsPattern(globs)!).test(path);

describe('globs', () => {
  it.each([
    ['*.py', 'main.py', true],
    ['*.py', 'src/deep/main.py', true],
    ['*.py', 'main.pyc', false],
    ['*.py', 'mainXpy', false],
    ['src', 'src/a/b.ts', true],
    ['src', 'lib/src/b.ts', true],
    ['src', 'srcs/b.ts', false],
    ['/src', 'lib/src/b.ts', false],
    ['./src', 'src/b.ts', true],
    ['src/*.ts', 'src/b.ts', true],
    ['src/*.ts', 'src/a/b.ts', false],
    ['src/**/*.ts', 'src/b.ts', true],
    ['src/**/*.ts', 'src/a/c/b.ts', true],
    ['src/', 'src/a', true],
    ['?.ts', 'a.ts', true],
    ['?.ts', 'ab.ts', false],
    ['*.py, *.ts', 'x.ts', true],
    ['a+(b)|c$', 'a+(b)|c$', true],
    ['a+(b)|c$', 'aab', false],
    ['naïve ☂', 'x/naïve ☂/y', true],
  ])('%s against %s: %s', (globs, path, found) => expect(finds(globs, path)).toBe(found));

  it.each(['', ' , ,', '/', '//'])('name nothing in %j', (globs) => expect(globsPattern(globs)).toBeNull());
});
