import fc from 'fast-check';
import { replaceLines, splitSuggestion, suggestedLines, suggestionBlock } from '#shared/domain/suggestion.ts';
import { textLines } from '#shared/domain/textLines.ts';
import { SEED } from '#tests/support/scale.ts';

const fence = (content: string, ticks = '```') => `Try this:\n${ticks}suggestion\n${content}${ticks}\nWell?`;

describe('the lines that a comment proposes', () => {
  it('are those of its first fenced block of that name', () => {
    expect(suggestedLines(fence('a\n  b\n'))).toEqual(['a', '  b']);
    expect(suggestedLines(fence('a\r\n'))).toEqual(['a']);
    expect(suggestedLines(fence('\n'))).toEqual(['']);
    expect(suggestedLines(fence('```\nx\n', '````'))).toEqual(['```', 'x']);
    expect(suggestedLines(`${fence('a\n')}\n${fence('b\n')}`)).toEqual(['a']);
  });
  it('are none where the block is empty, which deletes', () => expect(suggestedLines(fence(''))).toEqual([]));
  it('are absent without such a block, or when it has no end', () => {
    expect(suggestedLines('```python\na\n```')).toBeNull();
    expect(suggestedLines('```suggestion\na\n')).toBeNull();
    expect(suggestedLines('plain')).toBeNull();
  });
});

describe('a block that proposes lines', () => {
  it('proposes all of them, those with fences of their own too', () => {
    expect(suggestionBlock('a')).toBe('```suggestion\na\n```');
    const line = fc.oneof(fc.string({ maxLength: 5 }), fc.constantFrom('```', '```suggestion', '  ````', '``` x'));
    fc.assert(
      fc.property(fc.array(line, { minLength: 1, maxLength: 6 }), (lines) => {
        const proposed = lines.map((text) => text.replaceAll(/[\r\n\u2028\u2029]/g, ''));
        expect(suggestedLines(suggestionBlock(proposed.join('\n')))).toEqual(proposed);
      }),
      { seed: SEED, numRuns: 300 },
    );
  });
});

describe('a text with a suggestion', () => {
  it('is what is before it and what is after it', () => {
    expect(splitSuggestion(fence('a\n'))).toEqual({ before: 'Try this:', lines: ['a'], after: 'Well?' });
    expect(splitSuggestion('plain')).toEqual({ before: 'plain', lines: null, after: '' });
  });
});

describe('replacing lines', () => {
  it('changes these lines and no byte around them', () => {
    expect(replaceLines('a\nb\nc\n', { first: 2, last: 2 }, ['x', 'y'])).toBe('a\nx\ny\nc\n');
    expect(replaceLines('a\nb\nc\n', { first: 1, last: 2 }, [])).toBe('c\n');
    expect(replaceLines('a\r\nb\r\nc', { first: 2, last: 2 }, ['x'])).toBe('a\r\nx\r\nc');
    expect(replaceLines('a\nb', { first: 2, last: 2 }, ['x'])).toBe('a\nx');
    expect(replaceLines('a', { first: 1, last: 1 }, [])).toBe('');
    expect(replaceLines('', { first: 1, last: 1 }, ['x'])).toBe('x');
    expect(replaceLines('a\n', { first: 2, last: 2 }, ['x'])).toBe('a\nx\n');
  });

  it('gives the wanted lines for every text', () => {
    const line = fc.string({ maxLength: 5 }).map((text) => text.replaceAll(/[\r\n]/g, ''));
    const lines = fc.array(line, { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(lines, lines, fc.nat(), fc.nat(), fc.constantFrom('\n', '\r\n'), (all, fresh, from, more, end) => {
        const first = (from % all.length) + 1;
        const last = Math.min(all.length, first + (more % all.length));
        const result = replaceLines(`${all.join(end)}${end}`, { first, last }, fresh);
        expect(textLines(result)).toEqual([...all.slice(0, first - 1), ...fresh, ...all.slice(last), '']);
      }),
      { seed: SEED, numRuns: 300 },
    );
  });
});
