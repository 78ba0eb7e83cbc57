import { barWidth, percentage, span } from './figureWords.ts';

describe('figures', () => {
  it('are read as people say them, and nothing is a dash', () => {
    expect([percentage(0.824), percentage(0), percentage(null)]).toEqual(['82 %', '0 %', '–']);
    expect([span(7_200), span(0), span(null), span(undefined)]).toEqual(['2 h', '0 s', '–', '–']);
  });
  it('have bars against the longest, of which something is always seen', () => {
    expect([barWidth(5, 10), barWidth(0.001, 10), barWidth(0, 10), barWidth(null, 10), barWidth(1, 0)]).toEqual([
      50, 2, 0, 0, 0,
    ]);
  });
});
