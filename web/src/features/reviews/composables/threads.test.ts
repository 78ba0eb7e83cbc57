import type { ConversationComment } from '#shared/contracts/reviewConversation.ts';
import { countByPath, draftsAsText, placeWords, threadsByLine, threadsOfFile, toThreads } from './threads.ts';

const person = { id: 1, username: 'ada', reviewerLevel: 0, awayUntil: null };
const place = { state: 'exact', snapshotItemId: 7, path: 'main.py', lineNumber: 3, endLineNumber: 3 } as const;
const comment = (id: number, change: Partial<ConversationComment> = {}): ConversationComment => ({
  id,
  reviewId: 1,
  author: person,
  snapshotId: 5,
  path: 'main.py',
  lineNumber: 3,
  endLineNumber: null,
  quotedText: 'print()',
  text: 'text',
  type: 'general',
  parentCommentId: null,
  isResolved: false,
  resolvedBy: null,
  resolvedAt: null,
  publishedAt: '2026-01-01T00:00:00Z',
  revision: 1,
  createdAt: '2026-01-01T00:00:00Z',
  canResolve: false,
  round: 1,
  originItemId: 7,
  place,
  applied: null,
  ...change,
});

describe('threads', () => {
  it('hold replies in the order in which they were written', () => {
    const threads = toThreads([comment(3, { parentCommentId: 1 }), comment(1), comment(2, { parentCommentId: 1 })]);
    expect(threads.map(({ root, replies }) => [root.id, replies.map(({ id }) => id)])).toEqual([[1, [2, 3]]]);
  });
  it('keep a reply whose root is not shown', () => {
    expect(toThreads([comment(9, { parentCommentId: 4 })])).toHaveLength(1);
  });
  it('stand below the last line of the range where they are now, or at the file that lost their lines', () => {
    const threads = toThreads([
      comment(1),
      comment(2, { lineNumber: 1, place: { ...place, state: 'shifted', lineNumber: 8, endLineNumber: 9 } }),
      comment(3, { place: { ...place, state: 'outdated', lineNumber: null, endLineNumber: null } }),
      comment(4, { place: { ...place, path: 'other.py' } }),
    ]);
    const byLine = threadsByLine(threads, 'main.py');
    expect([...byLine].map(([line, found]) => [line, found.map(({ root }) => root.id)])).toEqual([
      [3, [1]],
      [9, [2]],
    ]);
    expect(threadsOfFile(threads, 'main.py').map(({ root }) => root.id)).toEqual([3]);
  });
  it('are counted per file as it is called now', () => {
    const renamed = comment(2, { place: { ...place, path: 'start.py' } });
    const whole = comment(3, { path: null, place: { ...place, path: null } });
    expect(countByPath(toThreads([comment(1), renamed, whole]))).toEqual(
      new Map([
        ['main.py', 1],
        ['start.py', 1],
      ]),
    );
  });
  it('say what became of the place that they were written at', () => {
    expect(placeWords(comment(1))).toBeNull();
    expect(placeWords(comment(1, { place: { ...place, state: 'shifted' } }))?.word).toBe('Moved');
    expect(placeWords(comment(1, { place: { ...place, state: 'outdated' } }))?.word).toBe('Outdated');
    expect(placeWords(comment(1, { place: { ...place, state: 'outdated', path: null } }))?.word).toBe('File deleted');
    expect(placeWords(comment(1, { place: { ...place, path: 'start.py' } }))?.detail).toContain('main.py:3');
  });
});

describe('drafts as text', () => {
  it('have place, quotation and words', () => {
    const drafts = [comment(1, { quotedText: 'a\nb', endLineNumber: 4 }), comment(2, { path: null, quotedText: null })];
    expect(draftsAsText(drafts)).toBe('main.py:3–4 · Comment\n> a\n> b\ntext\n\nComment\ntext\n');
  });
});
