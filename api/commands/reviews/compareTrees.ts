import { setImmediate as turn } from 'node:timers/promises';
import { logOpening } from '#api/commands/reviews/viewedFiles.ts';
import { byteBatches } from '#api/commands/reviews/byteBatches.ts';
import type { ApiDeps } from '#api/deps.ts';
import type { Caller } from '#api/http/route.ts';
import { assertAllowed, refuseCompareLive } from '#api/policies/reviewPolicy.ts';
import {
  listReviewSnapshots,
  listTree,
  readTreeContents,
  type TreeItemRecord,
  type TreeSide,
} from '#platform/db/repositories/reviewTrees.ts';
import type { ReviewRecord } from '#platform/db/repositories/reviews.ts';
import type { ComparisonQuery, FileComparisonQuery } from '#shared/contracts/reviewComparison.ts';
import { compareLines, MAX_PORTED_BYTES } from '#shared/domain/commentPorting.ts';
import { AppError } from '#shared/domain/errors.ts';
import { countChangedLines } from '#shared/domain/lineMatching.ts';
import { compareTrees, type TreeChange } from '#shared/domain/treeComparison.ts';

/** A list names so many files; the rest is counted. */
const MAX_LISTED = 2_000;

type Deps = Pick<ApiDeps, 'database'>;
type Viewer = Pick<Caller, 'id' | 'reviewerLevel'>;

/** A file that differs, with how many lines came and went; null where there are no lines, or too many. */
export interface FileChangeRecord extends TreeChange<TreeItemRecord> {
  contentChanged: boolean;
  addedLines: number | null;
  removedLines: number | null;
}

/** A file with its content, as its encoding says. */
export type ComparedFile = TreeItemRecord & { content: string };

/**
 * The files that differ between two snapshots of the review's session, or between one and the live session. Throws
 * NOT_FOUND for a snapshot of another session, FORBIDDEN for the live session to anybody but its owner.
 */
export async function listChanges(
  deps: Deps,
  { viewer, review, query }: { viewer: Viewer; review: ReviewRecord; query: ComparisonQuery },
): Promise<{ changes: FileChangeRecord[]; more: number }> {
  const { from, to } = await sides(deps, { viewer, review, query });
  const [before, after] = [await listTree(deps.database, from), await listTree(deps.database, to)];
  const all = compareTrees(before, after);
  const listed = all.slice(0, MAX_LISTED).map((change): FileChangeRecord => {
    const contentChanged = change.before?.sha256 !== change.after?.sha256;
    return { ...change, contentChanged, addedLines: null, removedLines: null };
  });
  const counted = byteBatches(
    listed.filter(isCounted),
    ({ before: was, after: is }) => (was?.size ?? 0) + (is?.size ?? 0),
  );
  for (const batch of counted) await countBatch(deps, { from, to, batch });
  return { changes: listed, more: all.length - listed.length };
}

/** Both sides of one file with their contents; each is found by its item's id, and its opening is written down. Throws as listChanges does. */
export async function readChange(
  deps: Deps,
  { viewer, review, query }: { viewer: Viewer; review: ReviewRecord; query: FileComparisonQuery },
): Promise<{ before: ComparedFile | null; after: ComparedFile | null }> {
  const { from, to } = await sides(deps, { viewer, review, query });
  const before = await readFile(deps, from, query.fromItemId);
  const after = await readFile(deps, to, query.toItemId);
  for (const { side, file } of [
    { side: from, file: before },
    { side: to, file: after },
  ]) {
    if (file === null || !('snapshotId' in side)) continue;
    await logOpening(deps, { caller: viewer, review, item: { ...file, snapshotId: side.snapshotId } });
  }
  return { before, after };
}

async function sides(
  { database }: Deps,
  { viewer, review, query }: { viewer: Viewer; review: ReviewRecord; query: ComparisonQuery },
): Promise<{ from: TreeSide; to: TreeSide }> {
  if (query.to === 'live') assertAllowed(refuseCompareLive(viewer, review));
  const known = new Set((await listReviewSnapshots(database, review.sessionId)).map(({ id }) => id));
  const from = query.from ?? review.snapshotId;
  if (from === null) throw new AppError('REVIEW_NOT_READY');
  if ([from, query.to].some((side) => side !== 'live' && !known.has(side))) {
    throw new AppError('NOT_FOUND', { detail: 'It is not a snapshot of this session.' });
  }
  return {
    from: { snapshotId: from },
    to: query.to === 'live' ? { liveSessionId: review.sessionId } : { snapshotId: query.to },
  };
}

async function readFile(deps: Deps, side: TreeSide, itemId: number | undefined): Promise<ComparedFile | null> {
  if (itemId === undefined) return null;
  const item = (await listTree(deps.database, side)).find((one) => one.itemId === itemId);
  const content = (await readTreeContents(deps.database, side, [itemId])).get(itemId);
  if (item === undefined || content === undefined) {
    throw new AppError('NOT_FOUND', { detail: 'There is no such file on this side of the comparison.' });
  }
  return { ...item, content };
}

/** What is counted: files whose content changed and that have lines on both sides. */
function isCounted({ contentChanged, before, after }: FileChangeRecord): boolean {
  return contentChanged && hasLines(before) && hasLines(after);
}

/** A side that is absent has none, which counts. */
function hasLines(item: TreeItemRecord | null): boolean {
  return item === null || (item.encoding === 'utf8' && item.size <= MAX_PORTED_BYTES);
}

async function countBatch(
  { database }: Deps,
  { from, to, batch }: { from: TreeSide; to: TreeSide; batch: FileChangeRecord[] },
): Promise<void> {
  const ids = (side: 'before' | 'after'): number[] => batch.flatMap((change) => change[side]?.itemId ?? []);
  const before = await readTreeContents(database, from, ids('before'));
  const after = await readTreeContents(database, to, ids('after'));
  for (const change of batch) {
    const was = change.before === null ? null : before.get(change.before.itemId);
    const is = change.after === null ? null : after.get(change.after.itemId);
    // A live file may have gone between the list and the reading.
    if (was === undefined || is === undefined) continue;
    // Somebody else's requests come between the files.
    await turn();
    const { added, removed } = countLines(was, is);
    Object.assign(change, { addedLines: added, removedLines: removed });
  }
}

function countLines(was: string | null, is: string | null): { added: number; removed: number } {
  const { before, after, match } = compareLines(was ?? '', is ?? '');
  // The end of the last line begins no further one.
  if (was === null) return { added: after.length - (after.at(-1) === '' ? 1 : 0), removed: 0 };
  if (is === null) return { added: 0, removed: before.length - (before.at(-1) === '' ? 1 : 0) };
  return countChangedLines(match, after.length);
}
