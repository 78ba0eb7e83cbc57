import type { ApiDeps } from '#api/deps.ts';
import { portComments } from '#api/commands/reviews/portComments.ts';
import { listConversation, type ConversationRecord } from '#platform/db/repositories/reviewConversation.ts';
import type { ReviewRecord } from '#platform/db/repositories/reviews.ts';
import type { CommentPlace } from '#shared/contracts/reviewConversation.ts';

/** A comment with its place in the present snapshot. */
export interface PlacedComment {
  comment: ConversationRecord;
  place: CommentPlace;
}

/** The rounds' conversation as the viewer may see it, each comment at its place in the present snapshot; a page of it. */
export async function readConversation(
  { database }: Pick<ApiDeps, 'database'>,
  review: ReviewRecord,
  page: { viewerId: number; after: number | null; limit: number },
): Promise<PlacedComment[]> {
  const query = { reviewId: review.id, submittedAt: review.submittedAt, ...page };
  const comments = await listConversation(database, query);
  if (review.snapshotId === null) return [];
  const places = await portComments(database, review.snapshotId, comments);
  return comments.map((comment) => {
    const place = places.get(comment.id);
    if (place === undefined) throw new Error(`comment ${comment.id} was given no place`);
    return { comment, place };
  });
}
