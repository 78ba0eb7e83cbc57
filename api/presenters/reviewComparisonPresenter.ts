import type { TreeItemRecord, ReviewSnapshotRecord } from '#platform/db/repositories/reviewTrees.ts';
import type { FileChange, FileComparison, ReviewSnapshot } from '#shared/contracts/reviewComparison.ts';

/** A snapshot of a round. */
export function presentReviewSnapshot(snapshot: ReviewSnapshotRecord): ReviewSnapshot {
  const { id, reviewId, round, manifestHash, createdAt } = snapshot;
  return { id, reviewId, round, manifestHash, createdAt: createdAt.toISOString() };
}

/** A file that differs, without its contents. */
export function presentFileChange(change: {
  before: TreeItemRecord | null;
  after: TreeItemRecord | null;
  contentChanged: boolean;
  addedLines: number | null;
  removedLines: number | null;
}): FileChange {
  const { before, after, contentChanged, addedLines, removedLines } = change;
  return { before: presentSide(before), after: presentSide(after), contentChanged, addedLines, removedLines };
}

/** Both sides of one file. */
export function presentFileComparison(sides: {
  before: (TreeItemRecord & { content: string }) | null;
  after: (TreeItemRecord & { content: string }) | null;
}): FileComparison {
  const { before, after } = sides;
  return {
    before: before && { ...presentItem(before), content: before.content },
    after: after && { ...presentItem(after), content: after.content },
  };
}

function presentSide(item: TreeItemRecord | null): FileChange['before'] {
  return item && presentItem(item);
}

function presentItem({ itemId, path, type, encoding, executable, size }: TreeItemRecord) {
  return { itemId, path, type, encoding, executable, size };
}
