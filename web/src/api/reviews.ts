import type { Page } from '#shared/contracts/problem.ts';
import type {
  CreateComment,
  GiveVerdict,
  HistoryRow,
  OverrideReview,
  Review,
  ReviewComment,
  ReviewQuery,
  SnapshotItem,
  SnapshotItemWithContent,
  SubmitReview,
  SubmittedReview,
  UpdateComment,
} from '#shared/contracts/review.ts';
import { request } from './client.ts';

/** Decisions that need no words. */
export type PlainDecision = 'claim' | 'release' | 'withdraw' | 'refresh-snapshot';

/** Submits a session for review; the answer warns where few can decide it. */
export function submitReview(uuid: string, body: SubmitReview): Promise<SubmittedReview> {
  return request('POST', `/sessions/${encodeURIComponent(uuid)}/reviews`, { body });
}
/** A page of reviews: those that the caller could take or holds, the caller's own, or all. */
export function listReviews(view: ReviewQuery['view'], cursor?: string): Promise<Page<Review>> {
  return request('GET', '/reviews', { query: { view, cursor } });
}
/** One review with what the caller may do with it. */
export function loadReview(id: number): Promise<Review> {
  return request('GET', `/reviews/${id}`);
}
/** Claims, releases, withdraws or refreshes. Throws the reason as a code, with the winner in the detail. */
export function decide(id: number, decision: PlainDecision): Promise<Review> {
  return request('POST', `/reviews/${id}/${decision}`);
}
/** Approves or rejects exactly this snapshot. Throws REVIEW_SNAPSHOT_CHANGED when there is a newer one. */
export function giveVerdict(id: number, verdict: 'approve' | 'reject', body: GiveVerdict): Promise<Review> {
  return request('POST', `/reviews/${id}/${verdict}`, { body });
}
/** Approves over open issues, by level 4 with a reason. */
export function overrideReview(id: number, body: OverrideReview): Promise<Review> {
  return request('POST', `/reviews/${id}/override`, { body });
}
/** The frozen files of the review's present snapshot. */
export async function listSnapshotItems(id: number): Promise<SnapshotItem[]> {
  return (await request<{ items: SnapshotItem[] }>('GET', `/reviews/${id}/items`)).items;
}
/** One frozen file with its content. */
export function loadSnapshotItem(id: number, snapshotItemId: number): Promise<SnapshotItemWithContent> {
  return request('GET', `/reviews/${id}/items/${snapshotItemId}`);
}
/** Published comments, and the caller's own drafts. */
export async function listComments(id: number): Promise<ReviewComment[]> {
  return (await request<{ items: ReviewComment[] }>('GET', `/reviews/${id}/comments`)).items;
}
/** Writes a comment; a draft unless `publish` is set. */
export function createComment(
  id: number,
  body: Partial<CreateComment> & Pick<CreateComment, 'text'>,
): Promise<ReviewComment> {
  return request('POST', `/reviews/${id}/comments`, { body });
}
/** Changes a draft. */
export function updateComment(id: number, commentId: number, body: UpdateComment): Promise<ReviewComment> {
  return request('PATCH', `/reviews/${id}/comments/${commentId}`, { body });
}
/** Throws a draft away. */
export function deleteComment(id: number, commentId: number): Promise<void> {
  return request('DELETE', `/reviews/${id}/comments/${commentId}`);
}
/** Publishes all of the caller's drafts at once. */
export function publishComments(id: number): Promise<void> {
  return request('POST', `/reviews/${id}/comments/publish`);
}
/** Resolves a comment, or opens it again. */
export function setResolved(id: number, commentId: number, resolved: boolean): Promise<ReviewComment> {
  return request('POST', `/reviews/${id}/comments/${commentId}/${resolved ? 'resolve' : 'unresolve'}`);
}
/** The review's history, oldest first. */
export async function loadHistory(id: number): Promise<HistoryRow[]> {
  return (await request<{ items: HistoryRow[] }>('GET', `/reviews/${id}/history`)).items;
}
