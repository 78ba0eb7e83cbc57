import fc from 'fast-check';
import { capVersions, thinVersions, type KeptVersion } from '#shared/domain/versionRetention.ts';
import { SEED } from '#tests/support/scale.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const NOW = 20_000 * DAY + 7 * HOUR;

const version = (id: number, ago: number, given: Partial<KeptVersion> = {}): KeptVersion => ({
  id,
  path: 'a',
  sha256: String(id),
  size: 1,
  createdAt: NOW - ago,
  isFromTerminal: true,
  isNeeded: false,
  ...given,
});
const without = (versions: KeptVersion[], ids: number[]): KeptVersion[] =>
  versions.filter(({ id }) => !ids.includes(id));

/** Many versions of few files, mostly close together, over two months. */
const anyVersions = fc
  .array(
    fc.record({
      path: fc.constantFrom('a', 'b'),
      createdAt: fc
        .tuple(fc.constantFrom(0, HOUR, DAY, 3 * DAY, 31 * DAY, 50 * DAY), fc.integer({ min: 0, max: 3 * HOUR }))
        .map(([age, more]) => NOW - age - more),
      sha256: fc.constantFrom('1', '2', '3', '4', '5', '6', '7', '8'),
      isFromTerminal: fc.boolean(),
      isNeeded: fc.integer({ min: 0, max: 9 }).map((number) => number === 0),
    }),
    { maxLength: 60 },
  )
  .map((rows) => rows.map((row, index): KeptVersion => ({ ...row, id: index + 1, size: Number(row.sha256) })));
const anyMoments = fc.array(fc.integer({ min: 0, max: 80 * DAY }), { minLength: 1, maxLength: 6 });

describe('thinning', () => {
  it('keeps the newest of a minute, after a day of an hour, after 30 days of a day', () => {
    const minute = [version(1, 5 * MINUTE), version(2, 5 * MINUTE - 1_000), version(3, 3 * MINUTE)];
    expect(thinVersions(minute, NOW)).toEqual([1]);
    const hour = [version(1, 2 * DAY), version(2, 2 * DAY - 20 * MINUTE), version(3, 2 * DAY - HOUR)];
    expect(thinVersions(hour, NOW)).toEqual([1]);
    const day = [version(1, 40 * DAY), version(2, 40 * DAY - 5 * HOUR), version(3, 39 * DAY)];
    expect(thinVersions(day, NOW)).toEqual([1]);
  });

  it('leaves alone what a person made, what is needed, other files, and the minute that lasts', () => {
    expect(thinVersions([version(1, 40 * DAY, { isFromTerminal: false }), version(2, 40 * DAY)], NOW)).toEqual([]);
    expect(thinVersions([version(1, 40 * DAY, { isNeeded: true }), version(2, 40 * DAY)], NOW)).toEqual([]);
    expect(thinVersions([version(1, 40 * DAY, { path: 'b' }), version(2, 40 * DAY)], NOW)).toEqual([]);
    expect(thinVersions([version(1, -1_000), version(2, -2_000)], NOW)).toEqual([]);
  });

  it('never removes the newest of a file, what is needed or what a person made, and does nothing twice', () => {
    fc.assert(
      fc.property(anyVersions, (versions) => {
        const removed = thinVersions(versions, NOW);
        const left = without(versions, removed);
        for (const { id, isFromTerminal, isNeeded, path } of versions.filter((one) => removed.includes(one.id))) {
          expect({ id, isFromTerminal, isNeeded }).toEqual({ id, isFromTerminal: true, isNeeded: false });
          const newest = left
            .filter((one) => one.path === path)
            .sort((a, b) => b.createdAt - a.createdAt || b.id - a.id)[0];
          expect(newest!.createdAt).toBeGreaterThanOrEqual(versions.find((one) => one.id === id)!.createdAt);
        }
        expect(thinVersions(left, NOW)).toEqual([]);
      }),
      { seed: SEED, numRuns: 300 },
    );
  });

  it('leaves the same, done step by step or at once', () => {
    fc.assert(
      fc.property(anyVersions, anyMoments, (versions, steps) => {
        const moments = steps.map((later) => NOW + later).sort((left, right) => left - right);
        const stepped = moments.reduce((left, now) => without(left, thinVersions(left, now)), versions);
        expect(stepped).toEqual(without(versions, thinVersions(versions, moments.at(-1)!)));
      }),
      { seed: SEED, numRuns: 500 },
    );
  });
});

describe('the cap', () => {
  it('takes the oldest that a terminal made, and counts a content once', () => {
    const big = { size: 100 };
    const versions = [
      version(1, 5 * DAY, { ...big, isFromTerminal: false }),
      version(2, 4 * DAY, { ...big, sha256: 'shared' }),
      version(3, 3 * DAY, { ...big, isNeeded: true }),
      version(4, 2 * DAY, { ...big, sha256: 'shared' }),
      version(5, DAY, big),
    ];
    expect(capVersions(versions, 400)).toEqual([]);
    expect(capVersions(versions, 399)).toEqual([2, 4]);
    expect(capVersions(versions, 299)).toEqual([2, 4, 5]);
    expect(capVersions(versions, 0)).toEqual([2, 4, 5]);
  });

  it('is kept to wherever that is possible, and never takes what is needed or more than it must', () => {
    const bytes = (versions: KeptVersion[]) =>
      [...new Map(versions.map(({ sha256, size }) => [sha256, size])).values()].reduce((sum, size) => sum + size, 0);
    fc.assert(
      fc.property(anyVersions, fc.integer({ min: 0, max: 40 }), (versions, cap) => {
        const removed = capVersions(versions, cap);
        const left = without(versions, removed);
        expect(versions.filter((one) => removed.includes(one.id) && (one.isNeeded || !one.isFromTerminal))).toEqual([]);
        if (bytes(left) > cap) expect(left.filter((one) => one.isFromTerminal && !one.isNeeded)).toEqual([]);
        if (removed.length > 0) expect(bytes(without(versions, removed.slice(0, -1)))).toBeGreaterThan(cap);
      }),
      { seed: SEED, numRuns: 300 },
    );
  });
});
