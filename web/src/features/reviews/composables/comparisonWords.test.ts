import type { FileChange, ReviewSnapshot } from '#shared/contracts/reviewComparison.ts';
import { changePath, changeWord, firstSides, snapshotWords } from './comparisonWords.ts';

const snapshot = (id: number, reviewId: number, round: number): ReviewSnapshot => ({
  id,
  reviewId,
  round,
  manifestHash: '',
  createdAt: '2026-01-01T00:00:00Z',
});
const ALL = [snapshot(1, 10, 1), snapshot(2, 10, 1), snapshot(5, 11, 2)];
const side = (path: string) =>
  ({ itemId: 1, path, type: 'file', encoding: 'utf8', executable: false, size: 1 }) as const;
const change = (before: string | null, after: string | null, contentChanged = true): FileChange => ({
  before: before === null ? null : side(before),
  after: after === null ? null : side(after),
  contentChanged,
  addedLines: null,
  removedLines: null,
});

describe('a comparison', () => {
  it('begins with the round before, or for the author of the first with what they changed since', () => {
    expect(firstSides(ALL, { present: 5, isAuthor: false })).toEqual({ from: 2, to: 5 });
    expect(firstSides(ALL, { present: 1, isAuthor: true })).toEqual({ from: 1, to: 'live' });
    expect(firstSides(ALL, { present: 1, isAuthor: false })).toEqual({ from: 1, to: 1 });
  });
  it('names rounds, and the files of a round that were frozen again', () => {
    expect(ALL.map((one) => snapshotWords(one, ALL))).toEqual([
      'Round 1, files 1 of 2',
      'Round 1, files 2 of 2',
      'Round 2',
    ]);
  });
  it('says what happened to a file', () => {
    expect(
      [change(null, 'a'), change('a', null), change('a', 'a'), change('a', 'b'), change('a', 'b', false)].map(
        changeWord,
      ),
    ).toEqual(['Added', 'Deleted', 'Changed', 'Renamed and changed', 'Renamed']);
    expect([changePath(change('a', null)), changePath(change('a', 'b'))]).toEqual(['a', 'b']);
  });
});
