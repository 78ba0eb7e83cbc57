import type { FileChange, ReviewSnapshot } from '#shared/contracts/reviewComparison.ts';

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
