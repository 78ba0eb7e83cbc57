import fc from 'fast-check';
import { TitleParser } from '#agent/pty/title.ts';

describe('titles', () => {
  it.each([
    ['\u001b]0;vim main.py\u0007', 'vim main.py'],
    ['\u001b]2;htop\u001b\\', 'htop'],
    ['\u001b]2;zwölf ✓\u0007', 'zwölf ✓'],
    ['before\u001b]0;one\u0007between\u001b]0;two\u0007', 'two'],
  ])('are found in %j', (output, title) => {
    expect(new TitleParser().push(Buffer.from(output))).toBe(title);
  });

  it.each(['\u001b]1;icon\u0007', '\u001b]52;c;YWJj\u0007', '\u001b[0m', 'plain', '\u001b]0;never ended'])(
    'are not found in %j',
    (output) => {
      expect(new TitleParser().push(Buffer.from(output))).toBeNull();
    },
  );

  it('lose control characters and what is beyond 200 characters', () => {
    const title = new TitleParser().push(Buffer.from(`\u001b]0;a\tb${'x'.repeat(300)}\u0007`));
    expect(title).toBe(`ab${'x'.repeat(198)}`);
  });

  it('are found wherever the output is cut', () => {
    fc.assert(
      fc.property(fc.nat(40), (cut) => {
        const bytes = Buffer.from('some text \u001b]0;a title\u001b\\ and more text');
        const parser = new TitleParser();
        const found = [parser.push(bytes.subarray(0, cut)), parser.push(bytes.subarray(cut))];
        expect(found.filter((title) => title !== null)).toEqual(['a title']);
      }),
    );
  });
});
