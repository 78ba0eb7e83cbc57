import type { ReviewComment } from '#shared/contracts/review.ts';
import { countByPath, isOutdated, threadsByLine, toThreads } from './threads.ts';

const person = { id: 1, username: 'ada', reviewerLevel: 0, awayUntil: null };
const comment = (id: number, change: Partial<ReviewComment> = {}): ReviewComment => ({
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
  createdAt: '2026-01-01T00:00:00Z',
  canResolve: false,
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
  it('stand below the last line of their range, in their own snapshot and file only', () => {
    const threads = toThreads([
      comment(1),
      comment(2, { lineNumber: 1, endLineNumber: 3 }),
      comment(3, { snapshotId: 4 }),
      comment(4, { path: 'other.py' }),
      comment(5, { lineNumber: null }),
    ]);
    const byLine = threadsByLine(threads, { path: 'main.py', snapshotId: 5 });
    expect([...byLine].map(([line, found]) => [line, found.map(({ root }) => root.id)])).toEqual([[3, [1, 2]]]);
  });
  it('are counted per file', () => {
    expect(countByPath(toThreads([comment(1), comment(2), comment(3, { path: null })]))).toEqual(
      new Map([['main.py', 2]]),
    );
  });
  it('are outdated when their files were replaced, never when they are about no file', () => {
    expect(isOutdated(comment(1), 6)).toBe(true);
    expect(isOutdated(comment(1), 5)).toBe(false);
    expect(isOutdated(comment(1, { path: null, snapshotId: 5 }), 6)).toBe(false);
  });
});
