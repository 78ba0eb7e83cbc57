import type { Caller } from '#api/http/route.ts';
import { presentComment } from '#api/presenters/reviewPresenter.ts';
import type { ConversationRecord } from '#platform/db/repositories/reviewConversation.ts';
import type { ReviewRecord } from '#platform/db/repositories/reviews.ts';
import type { CommentPlace, ConversationComment } from '#shared/contracts/reviewConversation.ts';

/** A comment of any round as the caller sees it in this review. */
export function presentConversationComment(
  { comment, place }: { comment: ConversationRecord; place: CommentPlace },
  review: ReviewRecord,
  viewer: Pick<Caller, 'id' | 'reviewerLevel'>,
): ConversationComment {
  const { round, applied } = comment;
  return {
    ...presentComment(comment, review, viewer),
    round,
    originItemId: comment.origin?.itemId ?? null,
    place,
    applied: applied === null ? null : { ...applied, at: new Date(applied.at).toISOString() },
  };
}
