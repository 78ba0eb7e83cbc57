import type { ReviewComment } from '#shared/contracts/review.ts';

/** A comment with its replies, oldest first. */
export interface Thread {
  root: ReviewComment;
  replies: ReviewComment[];
}

/** Comments as threads, in the order in which they began. A reply whose root is not shown begins one of its own. */
export function toThreads(comments: readonly ReviewComment[]): Thread[] {
  const ordered = comments.toSorted((left, right) => left.id - right.id);
  const threads = new Map<number, Thread>();
  for (const comment of ordered) {
    const parent = comment.parentCommentId === null ? undefined : threads.get(comment.parentCommentId);
    if (parent) parent.replies.push(comment);
    else threads.set(comment.id, { root: comment, replies: [] });
  }
  return [...threads.values()];
}

/** The threads that stand below lines of a file in this snapshot, by line. */
export function threadsByLine(
  threads: readonly Thread[],
  place: { path: string; snapshotId: number | null },
): Map<number, Thread[]> {
  const byLine = new Map<number, Thread[]>();
  for (const thread of threads) {
    const { path, snapshotId, lineNumber, endLineNumber } = thread.root;
    if (path !== place.path || snapshotId !== place.snapshotId || lineNumber === null) continue;
    const line = endLineNumber ?? lineNumber;
    byLine.set(line, [...(byLine.get(line) ?? []), thread]);
  }
  return byLine;
}

/** How many threads each file has, for marks in the tree. */
export function countByPath(threads: readonly Thread[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { root } of threads) {
    if (root.path !== null) counts.set(root.path, (counts.get(root.path) ?? 0) + 1);
  }
  return counts;
}

/** True when the comment was made on files that have been replaced since. */
export function isOutdated(comment: ReviewComment, snapshotId: number | null): boolean {
  return comment.path !== null && comment.snapshotId !== snapshotId;
}
