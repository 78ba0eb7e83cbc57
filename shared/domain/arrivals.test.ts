import fc from 'fast-check';
import { planArrivals, type Arrival, type Standing } from '#shared/domain/arrivals.ts';
import { SEED } from '#tests/support/scale.ts';

const LIMITS = { maxFileBytes: 100, maxSessionBytes: 300, maxSessionItems: 8 };
const standing = (given: Partial<Standing> = {}): Standing => ({
  id: 1,
  version: 3,
  type: 'file',
  sha256: 'old',
  size: 10,
  executable: false,
  ...given,
});
const arrival = (path: string, given: Partial<Arrival> = {}): Arrival => ({
  path,
  type: 'file',
  sha256: 'new',
  size: 10,
  executable: null,
  conflict: 'fail',
  expectedVersion: null,
  ...given,
});
const plan = (rows: Record<string, Standing>, ...arrivals: Arrival[]) =>
  planArrivals(new Map(Object.entries(rows)), arrivals, LIMITS);
const outcome = (rows: Record<string, Standing>, one: Arrival) => plan(rows, one).placements[0]!;

describe('something that arrives', () => {
  it('is made with the folders above it', () => {
    expect(
      plan({}, arrival('a/b/c.txt'), arrival('a/d.txt'), arrival('e', { type: 'folder', sha256: null, size: 0 })),
    ).toEqual({
      placements: [
        { outcome: 'made', path: 'a/b/c.txt' },
        { outcome: 'made', path: 'a/d.txt' },
        { outcome: 'made', path: 'e' },
      ],
      folders: ['a/b', 'a', 'e'],
      files: [
        { index: 0, path: 'a/b/c.txt', executable: false },
        { index: 1, path: 'a/d.txt', executable: false },
      ],
    });
  });

  it.each(['../x', '/x', 'a//b', '.berth-x', '.git/config', ''])('at %j is refused, and nothing is made', (path) => {
    const made = plan({}, arrival(path));
    expect(made).toMatchObject({ placements: [{ outcome: 'refused', code: 'INVALID_PATH' }], folders: [], files: [] });
  });

  it('does not go below a file or a link, be they there before or arrive with it', () => {
    for (const type of ['file', 'symlink'] as const) {
      expect(outcome({ a: standing({ type }) }, arrival('a/b/c'))).toMatchObject({
        outcome: 'refused',
        code: 'NAME_TAKEN',
      });
      const both = plan({}, arrival('a', { type }), arrival('a/b'));
      expect(both.placements.map((one) => one.outcome)).toEqual(['made', 'refused']);
    }
  });

  it('where a file is goes by the rule that it names', () => {
    const rows = { 'a.txt': standing() };
    expect(outcome(rows, arrival('a.txt'))).toMatchObject({ code: 'NAME_TAKEN', present: standing() });
    expect(outcome(rows, arrival('a.txt', { conflict: 'skip' }))).toEqual({ outcome: 'skipped', path: 'a.txt' });
    expect(outcome(rows, arrival('a.txt', { conflict: 'keep-both' }))).toEqual({ outcome: 'made', path: 'a (2).txt' });
    expect(outcome(rows, arrival('a.txt', { conflict: 'replace' }))).toMatchObject({ code: 'VERSION_REQUIRED' });
    const stale = arrival('a.txt', { conflict: 'replace', expectedVersion: 2 });
    expect(outcome(rows, stale)).toMatchObject({ code: 'VERSION_CONFLICT', present: { version: 3 } });
    for (const expectedVersion of [3, 'any'] as const) {
      const wanted = arrival('a.txt', { conflict: 'replace', expectedVersion });
      expect(outcome(rows, wanted)).toEqual({ outcome: 'replaced', path: 'a.txt' });
    }
  });

  it('with the same bytes replaces nothing, and keeps the executable bit unless it brings one', () => {
    const rows = { run: standing({ sha256: 'new', executable: true }) };
    const replace = { conflict: 'replace', expectedVersion: 3 } as const;
    expect(outcome(rows, arrival('run', replace))).toEqual({ outcome: 'same', path: 'run' });
    expect(plan(rows, arrival('run', { ...replace, executable: false })).files).toEqual([
      { index: 0, path: 'run', executable: false },
    ]);
    expect(plan(rows, arrival('run', { ...replace, sha256: 'newer' })).files[0]?.executable).toBe(true);
  });

  it('never replaces one kind by another', () => {
    const replace = { conflict: 'replace', expectedVersion: 'any' } as const;
    expect(outcome({ a: standing({ type: 'folder' }) }, arrival('a', replace))).toMatchObject({ code: 'NAME_TAKEN' });
    expect(outcome({ a: standing({ type: 'symlink' }) }, arrival('a', replace))).toMatchObject({ code: 'NAME_TAKEN' });
    const folder = { ...replace, type: 'folder', sha256: null } as const;
    expect(outcome({ a: standing() }, arrival('a', folder))).toMatchObject({ code: 'NAME_TAKEN' });
    expect(outcome({ a: standing({ type: 'folder' }) }, arrival('a', folder))).toEqual({ outcome: 'same', path: 'a' });
  });

  it('is refused the second time in a batch, and numbered on wish', () => {
    expect(plan({}, arrival('a'), arrival('a')).placements[1]).toMatchObject({ code: 'NAME_TAKEN' });
    const both = plan({ 'a (2)': standing() }, arrival('a'), arrival('a', { conflict: 'keep-both' }));
    expect(both.placements[1]).toEqual({ outcome: 'made', path: 'a (3)' });
  });

  it('has a numbered name that is still a name', () => {
    const path = `${'x'.repeat(251)}.txt`;
    const placed = outcome({ [path]: standing() }, arrival(path, { conflict: 'keep-both' }));
    expect(placed).toEqual({ outcome: 'made', path: `${'x'.repeat(247)} (2).txt` });
  });
});

describe('the limits of a session', () => {
  it('are met by one arrival after the other', () => {
    const large = [1, 2, 3, 4].map((number) => arrival(`f${number}`, { size: 90 }));
    expect(plan({}, ...large).placements.map((one) => one.outcome)).toEqual(['made', 'made', 'made', 'refused']);
    expect(outcome({}, arrival('a', { size: 101 }))).toMatchObject({ code: 'FILE_TOO_LARGE' });
    expect(outcome({}, arrival('1/2/3/4/5/6/7/8'))).toMatchObject({ outcome: 'made' });
    const deep = plan({ x: standing() }, arrival('1/2/3/4/5/6/7/8'));
    expect(deep).toMatchObject({ placements: [{ code: 'SESSION_TOO_LARGE' }], folders: [], files: [] });
  });

  it('hold for whatever arrives, and every path is written once', () => {
    const path = fc
      .array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 3 })
      .map((names) => names.join('/'));
    const one = fc.record({
      path,
      type: fc.constantFrom('file' as const, 'folder' as const, 'symlink' as const),
      size: fc.nat(120),
      conflict: fc.constantFrom('fail' as const, 'replace' as const, 'keep-both' as const, 'skip' as const),
      expectedVersion: fc.constantFrom(null, 'any' as const, 3),
    });
    fc.assert(
      fc.property(fc.array(one, { maxLength: 12 }), (given) => {
        const rows = { a: standing({ type: 'folder', sha256: null, size: 0 }), 'a/b': standing() };
        const arrivals = given.map(({ path: at, ...rest }) =>
          arrival(at, rest.type === 'folder' ? { ...rest, sha256: null, size: 0 } : rest),
        );
        const { files, folders } = plan(rows, ...arrivals);
        const written = [...files.map((file) => file.path), ...folders];
        expect(new Set(written).size).toBe(written.length);
        const left = new Map(Object.entries(rows).map(([at, row]) => [at, row.size]));
        for (const { index, path: at } of files) left.set(at, arrivals[index]!.size);
        for (const folder of folders) left.set(folder, 0);
        expect(left.size).toBeLessThanOrEqual(LIMITS.maxSessionItems);
        expect([...left.values()].reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(LIMITS.maxSessionBytes);
      }),
      { seed: SEED },
    );
  });
});
