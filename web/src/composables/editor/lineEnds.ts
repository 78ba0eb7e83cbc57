import { EditorState, type Extension, type Text } from '@codemirror/state';

/** What ends a line of a text. */
export type LineEnd = '\n' | '\r\n' | '\r';

/** What ends the lines of a text; `\n` where it has one line, null where they end in more than one way. */
export function lineEndOf(content: string): LineEnd | null {
  const ends = new Set(content.match(/\r\n?|\n/g));
  const [first = '\n'] = ends;
  return ends.size > 1 ? null : (first as LineEnd);
}

/**
 * What a state needs to hold a text with such ends. An editor takes every end of a line for the same one: that would change
 * the ends of a text that has several. There only `\n` ends a line, and each `\r` is a character that is shown.
 */
export function keepingEnds(end: LineEnd | null): Extension {
  return end === null ? EditorState.lineSeparator.of('\n') : [];
}

/** The document of such a state as a file's text. */
export function contentOf(doc: Text, end: LineEnd | null): string {
  return doc.sliceString(0, doc.length, end ?? '\n');
}
