import type { Figure } from '#tests/bench/figures.ts';
import { middleOfRuns, replaceSection, toTable } from '#tests/bench/performanceTable.ts';

const figure = (change: Partial<Figure>): Figure => ({
  what: 'an echo',
  figure: '1.00 ms',
  reference: '2.00 ms',
  judged: 0.5,
  unit: '×',
  budget: 1,
  ...change,
});
const PAGE =
  'before\n<!-- begin a one -->\nold\n<!-- end a one -->\n<!-- begin a two -->\nkept\n<!-- end a two -->\nafter\n';

describe('the table of figures', () => {
  it('takes of each figure the run in the middle', () => {
    const runs = [0.9, 0.3, 0.5].map((judged) => [figure({ judged }), figure({ what: 'other', judged: -judged })]);
    expect(middleOfRuns(runs).map(({ what, judged }) => [what, judged])).toEqual([
      ['an echo', 0.5],
      ['other', -0.5],
    ]);
  });

  it('says what is within its budget and what is over; nothing measured is over', () => {
    const figures = [figure({}), figure({ judged: 1.01 }), figure({ judged: NaN }), figure({ budget: null })];
    const verdicts = toTable(figures, false)
      .split('\n')
      .slice(2)
      .map((row) => row.split(' | ').at(-1));
    expect(verdicts).toEqual(['within |', '**over** |', '**over** |', ' |']);
  });

  it('judges memory, but no times, on a busy machine', () => {
    const table = toTable([figure({ judged: 9 }), figure({ judged: 9, unit: 'MiB' })], true);
    expect(table).toMatch(/not judged: busy machine \|\n.*\*\*over\*\* \|$/);
  });

  it('replaces its own section of the page and no other', () => {
    const page = replaceSection(PAGE, 'a one', 'new');
    expect(page).toContain('<!-- begin a one -->\n\nnew\n\n<!-- end a one -->');
    expect(page).toContain('<!-- begin a two -->\nkept\n<!-- end a two -->\nafter\n');
    expect(page).not.toContain('old');
    expect(() => replaceSection(PAGE, 'a three', 'new')).toThrow(/no section "a three"/);
  });
});
