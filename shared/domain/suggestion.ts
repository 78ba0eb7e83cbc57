import type { LineRange } from '#shared/domain/textLines.ts';

/** A comment's quotation keeps at most so many characters; the line numbers keep the rest. */
export const MAX_QUOTED_CHARACTERS = 10_000;

// As in Markdown: a fence of three or more backticks, closed by one at least as long.
const SUGGESTION = /^[ \t]*(`{3,})suggestion[ \t]*\r?\n((?:.*\r?\n)*?)[ \t]*\1`*[ \t]*$/m;

/** The lines that a comment proposes in its first fenced block ```suggestion; none proposes to delete. Null without a block. */
export function suggestedLines(text: string): string[] | null {
  const content = SUGGESTION.exec(text)?.[2];
  if (content === undefined) return null;
  return content === '' ? [] : content.replace(/\r?\n$/, '').split(/\r?\n/);
}

/** A block that proposes these lines, with a fence that none of them ends. */
export function suggestionBlock(lines: string): string {
  const longest = (lines.match(/`+/g) ?? []).reduce((most, ticks) => Math.max(most, ticks.length), 2);
  const fence = '`'.repeat(longest + 1);
  return `${fence}suggestion\n${lines}\n${fence}`;
}

/** A comment's text around its first suggestion; `lines` null: it has none, and all of it is in `before`. */
export function splitSuggestion(text: string): { before: string; lines: string[] | null; after: string } {
  const found = SUGGESTION.exec(text);
  if (found === null) return { before: text, lines: null, after: '' };
  const before = text.slice(0, found.index).trimEnd();
  return { before, lines: suggestedLines(text), after: text.slice(found.index + found[0].length).trimStart() };
}

/** The text with the range's lines replaced. Ends of lines are those of the lines that go; a last line without one stays so. */
export function replaceLines(text: string, range: LineRange, lines: readonly string[]): string {
  const pieces = text.match(/[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+$/g) ?? [];
  const end = /\r\n|\r|\n/.exec(pieces[range.first - 1] ?? text)?.[0] ?? /\r\n|\r|\n/.exec(text)?.[0] ?? '\n';
  const before = pieces.slice(0, range.first - 1).join('');
  const after = pieces.slice(range.last).join('');
  const isOpenEnd = after === '' && !/[\r\n]$/.test(text);
  const written = lines.map((line) => line + end).join('');
  return (
    before + (isOpenEnd ? written.slice(0, written.length - (lines.length > 0 ? end.length : 0)) : written) + after
  );
}
