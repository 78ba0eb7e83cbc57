import { endWords, playTime } from './recordingWords.ts';

describe('the words of a recording', () => {
  it('say when it was cut off, and nothing of one that somebody stopped', () => {
    expect(endWords({ endReason: 'size-limit' })).toContain('cut off');
    expect(endWords({ endReason: 'restarted' })).toContain('cut off');
    expect(endWords({ endReason: 'stopped' })).toBe('');
    expect(endWords({ endReason: null })).toBe('under way');
  });

  it.each([
    [0, '0:00'],
    [65.2, '1:05'],
    [3_723, '1:02:03'],
  ])('tell %d s as %s', (seconds, words) => {
    expect(playTime(seconds)).toBe(words);
  });
});
