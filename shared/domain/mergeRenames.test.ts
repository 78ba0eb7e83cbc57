import fc from 'fast-check';
import { FOLDER } from '#shared/domain/mergeEntry.ts';
import type { Tree, TreeEntry } from '#shared/domain/merge.ts';
import { pairRenames } from '#shared/domain/mergeRenames.ts';
import { comparePaths, joinPath } from '#shared/domain/paths.ts';
import { Simulation, type Edit } from '#tests/support/mergeSimulation.ts';
import { scaled, SEED } from '#tests/support/scale.ts';

const EMPTY = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

/** A tree of files by their contents; a name that ends in a slash is a folder. Folders above are there too. */
function tree(files: Record<string, string>): Tree {
  const entries = new Map<string, TreeEntry>();
  for (const [name, content] of Object.entries(files)) {
    const path = name.replace(/\/$/, '');
    const names = path.split('/');
    for (let depth = 1; depth < names.length; depth += 1) entries.set(names.slice(0, depth).join('/'), FOLDER);
    const sha256 = content === '' ? EMPTY : content.padEnd(64, '0');
    const type = content.startsWith('->') ? 'symlink' : 'file';
    entries.set(path, name.endsWith('/') ? FOLDER : { type, sha256, executable: false, size: content.length });
  }
  return new Map([...entries].sort(([left], [right]) => comparePaths(left, right)));
}

interface Case {
  base?: Record<string, string>;
  database?: Record<string, string>;
  pod: Record<string, string>;
  hints?: Record<string, string>;
  unknown?: string[];
}

/** `from → to` of every pair; the database is as the base unless said otherwise. */
function pair({ base = {}, database = base, pod, hints = {}, unknown = [] }: Case): string[] {
  const renames = pairRenames({
    base: tree(base),
    database: tree(database),
    pod: tree(pod),
    unknown: (path) => unknown.includes(path),
    movedFrom: new Map(Object.entries(hints)),
  });
  return renames.list().map(({ from, to }) => `${from} → ${to}`);
}

describe('a pair of what is gone and what is new', () => {
  it.each<[string, Case, string[]]>([
    ['by hint, though it was edited', { base: { a: '1' }, pod: { b: '2' }, hints: { b: 'a' } }, ['a → b']],
    ['by hint, though it is empty', { base: { a: '' }, pod: { b: '' }, hints: { b: 'a' } }, ['a → b']],
    ['by equal content', { base: { a: '1' }, pod: { b: '1' } }, ['a → b']],
    ['of links', { base: { a: '->x' }, pod: { b: '->x' } }, ['a → b']],
    [
      'by hint before content',
      { base: { a: '1', b: '2' }, pod: { c: '2', d: '1' }, hints: { c: 'a', d: 'b' } },
      ['a → c', 'b → d'],
    ],
    ['though the row was edited', { base: { a: '1' }, database: { a: '3' }, pod: { b: '1' } }, ['a → b']],
    [
      'by name among equal contents',
      { base: { 'a/x': '1', 'a/y': '1' }, pod: { 'b/x': '1', 'c/y': '1', 'a/': '' } },
      ['a/x → b/x', 'a/y → c/y'],
    ],
    [
      'of a folder by hint',
      { base: { 'p/a': '1', 'p/b': '2' }, pod: { 'q/a': '1', 'q/c': '3' }, hints: { q: 'p' } },
      ['p → q'],
    ],
    [
      'of a folder and what left it',
      { base: { 'p/a': '1', 'p/b': '2' }, pod: { 'q/a': '1', c: '2' }, hints: { q: 'p', c: 'p/b' } },
      ['p/b → c', 'p → q'],
    ],
    [
      'of a folder by most of what was in it',
      { base: { 'p/a': '1', 'p/b': '2', 'p/c': '3' }, pod: { 'q/a': '1', 'q/b': 'new' } },
      ['p → q'],
    ],
    [
      'of folders above by their names',
      { base: { 'x/p/a': '1', 'x/p/b': '' }, pod: { 'y/p/a': '1', 'y/p/b': '' } },
      ['x → y'],
    ],
    ['into a folder that is new itself', { base: { a: '1' }, pod: { 'n/m/a': '1' } }, ['a → n/m/a']],
    [
      'into a folder that came from inside of it',
      { base: { 'p/s/a': '1' }, pod: { 's/a': '1', 's/p/': '' }, hints: { s: 'p/s', 's/p': 'p' } },
      ['p/s → s', 'p → s/p'],
    ],
  ])('%s', (_, given, expected) => {
    expect(pair(given).sort()).toEqual(expected.sort());
  });
});

describe('no pair', () => {
  it.each<[string, Case]>([
    ['where the old path is still there', { base: { a: '1' }, pod: { a: '2', b: '1' }, hints: { b: 'a' } }],
    ['where the new path was there before', { base: { a: '1', b: '2' }, pod: { b: '1' }, hints: { b: 'a' } }],
    ['of two that were swapped', { base: { a: '1', b: '2' }, pod: { a: '2', b: '1' }, hints: { a: 'b', b: 'a' } }],
    ['where the row is gone', { base: { a: '1' }, database: {}, pod: { b: '1' }, hints: { b: 'a' } }],
    [
      'where a row was made meanwhile',
      { base: { a: '1' }, database: { a: '1', b: '9' }, pod: { b: '1' }, hints: { b: 'a' } },
    ],
    [
      'where a row was deleted that the volume had agreed on',
      { base: { a: '1', b: '9' }, database: { a: '1' }, pod: { b: '1' } },
    ],
    ['where nothing was ever agreed on', { database: { a: '1' }, pod: { b: '1' }, hints: { b: 'a' } }],
    ['where the absence says nothing', { base: { a: '1' }, pod: { b: '1' }, hints: { b: 'a' }, unknown: ['a'] }],
    [
      'of a folder where an absence in it says nothing',
      { base: { 'p/a': '' }, pod: { 'q/b': '1' }, hints: { q: 'p' }, unknown: ['p/a'] },
    ],
    ['of different kinds', { base: { a: '1' }, pod: { 'b/': '' }, hints: { b: 'a' } }],
    ['of a file and a link of the same bytes', { base: { a: '->x' }, pod: { b: 'x' }, hints: { b: 'a' } }],
    [
      'where the row has become another kind',
      { base: { a: '1' }, database: { 'a/': '' }, pod: { b: '1' }, hints: { b: 'a' } },
    ],
    ['of empty files by their content', { base: { a: '' }, pod: { b: '' } }],
    ['where one of two may have been meant', { base: { a: '1', b: '1' }, pod: { c: '1' } }],
    ['where it may have gone to two places', { base: { a: '1' }, pod: { b: '1', c: '1' } }],
    [
      'below a file of the editor',
      { base: { a: '1' }, database: { a: '1', f: '2' }, pod: { 'f/a': '1' }, hints: { 'f/a': 'a' } },
    ],
    ['of a folder of which only a part is elsewhere', { base: { 'p/a': '', 'p/b': '' }, pod: { 'q/c': '' } }],
  ])('%s', (_, given) => {
    expect(pair(given)).toEqual([]);
  });

  it('of two with the same origin', () => {
    const given = { base: { a: '1' }, pod: { b: '2', c: '2' }, hints: { b: 'a', c: 'a' } };
    expect(pair(given)).toEqual(['a → b']);
  });

  it('with a place that something in the renamed folder had', () => {
    const base = { 'p/x': '1', z: '2' };
    expect(pair({ base, pod: { 'q/x': '2' }, hints: { q: 'p', 'q/x': 'z' } })).toEqual(['p → q']);
  });

  it('that makes a path too long or too deep', () => {
    const deep = Array.from({ length: 150 }, () => 'd').join('/');
    const target = Array.from({ length: 100 }, () => 'e').join('/');
    const base = { [`p/${deep}/a`]: '1' };
    expect(pair({ base, pod: { [`${target}/`]: '' }, hints: { [target]: 'p' } })).toEqual([]);
    expect(pair({ base, pod: { 'q/b': '2' }, hints: { q: 'p' } })).toEqual(['p → q']);
  });
});

it('pairs among 10,000 paths within a second of work, whatever they have in common', () => {
  const files = (folder: (index: number) => string, content: (index: number) => string): Record<string, string> =>
    Object.fromEntries(Array.from({ length: 10_000 }, (_, index) => [`${folder(index)}/f${index}`, content(index)]));
  const cases: Array<[string, number]> = [
    ['one content', 10_000],
    ['each its own', 100],
  ];
  for (const [kind, expected] of cases) {
    const content = (index: number): string => (kind === 'one content' ? 'same' : `c${index}`);
    const base = files((index) => `p${index % 100}/in`, content);
    // All of one content end in one folder each, so that only their names tell; the others keep their folders.
    const place = (index: number): string => (kind === 'one content' ? `q/${index}` : `q${index % 100}/in`);
    const input = { base: tree(base), database: tree(base), pod: tree(files(place, content)) };
    // Of the processor, not of the clock: other tests may hold that up.
    const started = process.cpuUsage();
    const renames = pairRenames({ ...input, unknown: () => false, movedFrom: new Map() });
    const { user } = process.cpuUsage(started);
    expect(user).toBeLessThan(1_000_000);
    expect(renames.size).toBe(expected);
    expect(renames.apply(input.database).size).toBe(input.database.size);
  }
});

const names = fc.constantFrom('a', 'b', 'c.py');
const place = fc.record({ of: fc.nat(30), into: fc.nat(30) });
interface Step {
  move: { of: number; into: number };
  edit: number | null;
  remove: number | null;
  /** A content that the editor saves meanwhile. */
  save: number | null;
}
const step: fc.Arbitrary<Step> = fc.record({
  move: place,
  edit: fc.option(fc.nat(30)),
  remove: fc.option(fc.nat(30), { freq: 4 }),
  save: fc.option(fc.nat(30)),
});

describe('whatever is only renamed, edited on either side, or moved to where nothing was', () => {
  it('keeps its id, and both sides come to rest in two cycles', () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(names, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 8 }),
        fc.array(
          fc.record({
            by: fc.constantFrom('pod' as const, 'database' as const),
            steps: fc.array(step, { maxLength: 5 }),
          }),
          {
            minLength: 1,
            maxLength: 3,
          },
        ),
        (paths, rounds) => {
          const session = new Simulation();
          for (const [index, path] of paths.entries()) session.database.edit(writing(path.join('/'), `made ${index}`));
          session.cycle();
          session.plan();
          let fresh = 0;
          for (const { by, steps } of rounds) {
            const itemOf = itemsByInode(session);
            for (const one of steps) playStep(session, { by, ...one }, `n${(fresh += 1)}`);
            session.cycle();
            for (const [path, inode] of session.pod.ids) {
              const known = itemOf.get(inode);
              if (known !== undefined) expect([path, session.database.ids.get(path)]).toEqual([path, known]);
            }
          }
          session.cycle();
          const last = session.plan();
          expect([last.renames.size, last.carried, last.databaseChanges, last.podChanges]).toEqual([
            0,
            0,
            { removed: [], put: [] },
            { removed: [], put: [] },
          ]);
        },
      ),
      { seed: SEED, numRuns: scaled(5_000) },
    );
  });
});

function writing(path: string, content: string): Edit {
  return { kind: 'write', path, content, executable: false };
}

function itemsByInode({ pod, database }: Simulation): Map<number, number | undefined> {
  return new Map([...pod.ids].map(([path, inode]) => [inode, database.ids.get(path)]));
}

/** One side moves something under a name that was never used; a program edits or removes another, the editor saves one. */
function playStep(
  session: Simulation,
  { by, move, edit, remove, save }: Step & { by: 'pod' | 'database' },
  name: string,
): void {
  const paths = [...session[by].entries.keys()].sort(comparePaths);
  const folders = [null, ...paths.filter((path) => session[by].entries.get(path)?.type === 'folder')];
  const pick = <One>(from: readonly One[], number: number): One | undefined => from[number % from.length];
  const [of, into] = [pick(paths, move.of), pick(folders, move.into)];
  if (of !== undefined && into !== undefined) session[by].edit({ kind: 'move', path: of, to: joinPath(into, name) });
  const files = (tree: Tree): string[] => [...tree].flatMap(([path, { type }]) => (type === 'file' ? [path] : []));
  const edited = edit === null ? undefined : pick(files(session.pod.entries), edit);
  if (edited !== undefined) session.pod.edit(writing(edited, `edited ${name}`));
  const removed = remove === null ? undefined : pick(files(session.pod.entries), remove);
  if (removed !== undefined) session.pod.edit({ kind: 'remove', path: removed });
  const saved = save === null ? undefined : pick(files(session.database.entries), save);
  if (saved !== undefined) session.database.edit(writing(saved, `saved ${name}`));
}
