import { EditorState } from '@codemirror/state';
import { contentOf, keepingEnds, lineEndOf } from './lineEnds.ts';

/** The text as an editor holds it and would save it. */
function through(content: string, change?: { from: number; insert: string }): string {
  const end = lineEndOf(content);
  const state = EditorState.create({ doc: content, extensions: keepingEnds(end) });
  return contentOf((change ? state.update({ changes: change }).state : state).doc, end);
}

describe('the ends of lines', () => {
  it('are told where all are alike, and where they are not', () => {
    expect(['', 'one', 'a\nb\n', 'a\r\nb', 'a\rb\r'].map(lineEndOf)).toEqual(['\n', '\n', '\n', '\r\n', '\r']);
    expect(['a\r\nb\n', 'a\rb\n', 'a\r\n\r'].map(lineEndOf)).toEqual([null, null, null]);
  });

  it('come out of an editor as they went into it', () => {
    for (const content of ['', '\n', '\r', '\r\n', 'a\r\n\r\nb', 'a\n\r\nb\r', '\r\r\n\n', 'a\nb', '\u2028a\r\n'])
      expect(through(content)).toBe(content);
  });

  it('are those of the file in what is typed or pasted into it', () => {
    expect(through('a\r\nb', { from: 1, insert: '\n!\r\n' })).toBe('a\r\n!\r\n\r\nb');
    expect(through('a\nb', { from: 1, insert: '\r\n' })).toBe('a\n\nb');
  });
});
