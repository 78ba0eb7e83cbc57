import { mustAsk, readPaste } from './paste.ts';

describe('a paste', () => {
  it('cannot end itself early, nor press keys', () => {
    expect(readPaste('safe\x1b[201~rm -rf ~\r').text).toBe('safe[201~rm -rf ~\n');
    expect(readPaste('a\x03b\x7fc\x9bd\0').text).toBe('abcd');
  });

  it('keeps its tabs, lines and letters', () => {
    expect(readPaste('\tzwölf ✓\r\nsecond').text).toBe('\tzwölf ✓\nsecond');
  });

  it.each([
    ['one line', 1],
    ['one line\n', 1],
    ['two\nlines', 2],
    ['two\r\nlines\r\n\r\n', 2],
    ['', 1],
  ])('of %j has %i lines', (text, lines) => {
    expect(readPaste(text).lines).toBe(lines);
  });

  it('of several lines is asked about where each would run at once', () => {
    const several = readPaste('rm a\nrm b');
    expect([mustAsk(several, false), mustAsk(several, true), mustAsk(readPaste('rm a\n'), false)]).toEqual([
      true,
      false,
      false,
    ]);
  });
});
