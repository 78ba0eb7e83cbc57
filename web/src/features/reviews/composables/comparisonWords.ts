import type { FileChange, ReviewSnapshot } from '#shared/contracts/reviewComparison.ts';

/** A side of a comparison: a snapshot, or the session as it is now. */
export type CompareSide = number | 'live';

/** A snapshot as people choose it: by its round; where a refresh made several, with its number among them. */
export function snapshotWords(snapshot: ReviewSnapshot, all: readonly ReviewSnapshot[]): string {
  const sameRound = all.filter(({ reviewId }) => reviewId === snapshot.reviewId);
  const round = `Round ${snapshot.round}`;
  return sameRound.length === 1 ? round : `${round}, files ${sameRound.indexOf(snapshot) + 1} of ${sameRound.length}`;
}

/** What happened to a file, in a word. */
export function changeWord({ before, after, contentChanged }: FileChange): string {
  if (before === null) return 'Added';
  if (after === null) return 'Deleted';
  if (before.path !== after.path) return contentChanged ? 'Renamed and changed' : 'Renamed';
  return contentChanged ? 'Changed' : 'Mode changed';
}

/** The path that a change is listed under. */
export function changePath({ before, after }: FileChange): string {
  return (after ?? before)?.path ?? '';
}

/** What is compared first: the round before with this one; in the first round the author's own files since. */
export function firstSides(
  snapshots: readonly ReviewSnapshot[],
  { present, isAuthor }: { present: number | null; isAuthor: boolean },
): { from: number | null; to: CompareSide | null } {
  const at = snapshots.findIndex(({ id }) => id === present);
  const before = snapshots[at - 1];
  if (at > 0 && before) return { from: before.id, to: present };
  return { from: present, to: isAuthor ? 'live' : present };
}
