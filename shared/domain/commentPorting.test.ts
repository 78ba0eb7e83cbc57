import fc from 'fast-check';
import { compareLines, indexPlaces, portRange, samePlace } from '#shared/domain/commentPorting.ts';
import { countChangedLines, matchLines } from '#shared/domain/lineMatching.ts';
import { textLines } from '#shared/domain/textLines.ts';
import { scaled, SEED } from '#tests/support/scale.ts';

const RUNS = { seed: SEED, numRuns: scaled(3_000) };
const port = (before: string[], after: string[], first: number, last = first) =>
  portRange({ first, last }, compareLines(before.join('\n'), after.join('\n')));

/** Edits of a text at random places: lines that go, and lines that come before them. */
const edits = fc.array(fc.record({ at: fc.nat(), gone: fc.nat(4), come: fc.nat(4) }), { maxLength: 6 });
type Edit = { at: number; gone: number; come: number };

/** Carries edits out; also which old lines were not touched, with where they are now. */
function edit(lines: string[], wanted: Edit[], fresh: (n: number) => string) {
  const gone = new Set<number>();
  const come = new Map<number, string[]>();
  let made = 0;
  for (const { at, gone: count, come: added } of wanted) {
    const start = lines.length === 0 ? 0 : at % lines.length;
    for (let line = start; line < Math.min(lines.length, start + count); line += 1) gone.add(line);
    come.set(start, [...(come.get(start) ?? []), ...Array.from({ length: added }, () => fresh((made += 1)))]);
  }
  const after: string[] = [];
  const places = new Map<number, number>();
  for (const [index, line] of lines.entries()) {
    after.push(...(come.get(index) ?? []));
    if (gone.has(index)) continue;
    places.set(index, after.length);
    after.push(line);
  }
  return { after, places };
}

describe('a comment on lines', () => {
  it('is never outdated while its line is untouched, and is found where that line is', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 60 }), edits, (count, wanted) => {
        const before = Array.from({ length: count }, (_, index) => `line ${String(index)}`);
        const { after, places } = edit(before, wanted, (n) => `new ${String(n)}`);
        for (const [old, now] of places) {
          expect(port(before, after, old + 1)).toEqual({
            state: old === now ? 'exact' : 'shifted',
            range: { first: now + 1, last: now + 1 },
          });
        }
        for (let line = 0; line < count; line += 1) {
          if (!places.has(line)) expect(port(before, after, line + 1).state).toBe('outdated');
        }
      }),
      RUNS,
    );
  });

  it('is never outdated by lines that only came, however alike the lines are', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('a', 'b', '', '}'), { minLength: 1, maxLength: 40 }),
        edits,
        (before, wanted) => {
          const additions = wanted.map((one) => ({ ...one, gone: 0 }));
          const { after } = edit(before, additions, (n) => (n % 2 === 0 ? 'a' : '}'));
          for (let line = 1; line <= before.length; line += 1) expect(port(before, after, line).range).not.toBeNull();
        },
      ),
      RUNS,
    );
  });

  it('points at the same text wherever it is shown', () => {
    const texts = fc.array(fc.constantFrom('a', 'b', 'c', 'longer', ''), { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(texts, texts, fc.nat(), fc.nat(5), (before, after, at, length) => {
        const first = (at % before.length) + 1;
        const last = Math.min(before.length, first + length);
        const { range } = port(before, after, first, last);
        if (range === null) return;
        expect(after.slice(range.first - 1, range.last)).toEqual(before.slice(first - 1, last));
      }),
      RUNS,
    );
  });

  it('follows a block that was moved, unless there are several like it', () => {
    expect(port(['def a', 'x = 1', 'def b', 'y = 2'], ['def b', 'y = 2', 'def a', 'x = 1'], 1, 2)).toEqual({
      state: 'shifted',
      range: { first: 3, last: 4 },
    });
    expect(port(['gone', '}', 'kept'], ['kept', '}'], 2).state).toBe('outdated');
  });

  it('is found wherever each text has its lines exactly once', () => {
    const text = fc.array(fc.constantFrom('aa', 'bb'), { minLength: 1, maxLength: 12 });
    const timesIn = (lines: string[], block: string[]) =>
      lines.filter((_, at) => block.every((line, offset) => lines[at + offset] === line)).length;
    fc.assert(
      fc.property(text, text, fc.nat(), fc.nat(5), (before, after, at, length) => {
        const first = (at % before.length) + 1;
        const last = Math.min(before.length, first + length);
        const block = before.slice(first - 1, last);
        if (timesIn(before, block) !== 1 || timesIn(after, block) !== 1) return;
        expect(port(before, after, first, last).range).not.toBeNull();
      }),
      RUNS,
    );
  });

  it('is looked for with a few looks at each line, however many equal lines it is on', () => {
    const before = [...Array<string>(3_000).fill('equal'), 'last', ...Array<string>(1_000).fill('equal')];
    const compared = compareLines(before.join('\n'), Array<string>(4_000).fill('equal').join('\n'));
    let looks = 0;
    const after = new Proxy(compared.after, {
      get(lines, key, self): unknown {
        looks += 1;
        return Reflect.get(lines, key, self);
      },
    });
    expect(portRange({ first: 1, last: 3_001 }, { ...compared, after }).state).toBe('outdated');
    // Line by line for each line they would be millions.
    expect(looks).toBeLessThan(5 * compared.after.length);
  });

  it('is outdated when a line came into its range or one of it changed', () => {
    expect(port(['a1', 'b1', 'c1'], ['a1', 'new', 'b1', 'c1'], 1, 2).state).toBe('outdated');
    expect(port(['a1', 'b1', 'c1'], ['a1', 'B1', 'c1'], 1, 2).state).toBe('outdated');
  });

  it('does not mind another end of lines', () => {
    expect(portRange({ first: 2, last: 2 }, compareLines('a\nb\nc\n', 'a\r\nb\r\nc\r\n'))).toEqual({
      state: 'exact',
      range: { first: 2, last: 2 },
    });
  });
});

describe('matching lines', () => {
  it('rises and pairs equal lines only', () => {
    const texts = fc.array(fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'), { maxLength: 40 });
    fc.assert(
      fc.property(texts, texts, (before, after) => {
        const match = matchLines(before, after);
        const kept = [...match.entries()].filter(([, at]) => at >= 0);
        expect(kept.map(([at]) => before[at])).toEqual(kept.map(([, at]) => after[at]));
        expect(kept.every(([, at], index) => index === 0 || at > (kept[index - 1]?.[1] ?? 0))).toBe(true);
        const { added, removed } = countChangedLines(match, after.length);
        expect([added, removed]).toEqual([after.length - kept.length, before.length - kept.length]);
      }),
      RUNS,
    );
  });

  it('takes a moment for a hundred thousand lines, whatever was done to them', () => {
    const lines = Array.from({ length: 100_000 }, (_, index) => `line ${String(index)}`);
    const changed = lines.filter((_, index) => index % 1_000 !== 7);
    expect(countChangedLines(matchLines(lines, changed), changed.length)).toEqual({ added: 0, removed: 100 });
    const alike = Array.from({ length: 100_000 }, (_, index) => (index % 3 === 0 ? 'x' : 'y'));
    expect(matchLines(alike, ['z', ...alike.toReversed(), 'z'])).toHaveLength(100_000);
  });

  it('compares no more than so many pairs where lines repeat between lines that hold them in place', () => {
    const text = (shift: number): string[] =>
      Array.from({ length: 100_000 }, (_, index) => {
        if (index % 1_000 === 0) return `part ${String(index)}`;
        return ((index + shift) * 7_919) % 13 < 6 ? 'x' : 'y';
      });
    const match = matchLines(text(0), text(5));
    for (let part = 0; part < 100_000; part += 1_000) expect(match[part]).toBe(part);
    // A full comparison of each part would find most lines, and take half a minute.
    expect(match.filter((at) => at >= 0).length).toBeLessThan(1_000);
  });

  it('counts lines as an editor does', () => {
    expect(textLines('a\r\nb\rc\nd')).toEqual(['a', 'b', 'c', 'd']);
    expect(textLines('')).toEqual(['']);
  });
});

describe('the same file of another tree', () => {
  const tree = indexPlaces([
    { itemId: 1, path: 'renamed.py' },
    { itemId: 9, path: 'written-anew.py' },
    { itemId: 2, path: 'taken.py' },
    { itemId: 5, path: 'copy.py' },
  ]);
  const earlier = new Set([1, 2, 3, 4]);
  const find = (itemId: number, path: string) => samePlace({ itemId, path }, tree, (id) => earlier.has(id))?.path;

  it('is known by its id, whatever it is called', () => expect(find(1, 'main.py')).toBe('renamed.py'));
  it('is what a program wrote anew at its path', () => expect(find(3, 'written-anew.py')).toBe('written-anew.py'));
  it('is not another file that was renamed to its path', () => expect(find(4, 'taken.py')).toBeUndefined());
  it('is not a copy of it', () => expect(find(4, 'original.py')).toBeUndefined());
});
