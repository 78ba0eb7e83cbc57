import type {
  CreateComment,
  GiveVerdict,
  HistoryRow,
  OverrideReview,
  Review,
  ReviewComment,
  SnapshotItem,
  SnapshotItemWithContent,
  SubmitReview,
  SubmittedReview,
  UpdateComment,
} from '#shared/contracts/review.ts';
import type { Page } from '#shared/contracts/problem.ts';
import type { Comparison, FileComparison, ReviewSnapshot } from '#shared/contracts/reviewComparison.ts';
import type { AppliedSuggestion, ConversationComment, Suggestion } from '#shared/contracts/reviewConversation.ts';
import { request } from './client.ts';

/** Decisions that need no words. */
export type PlainDecision = 'claim' | 'release' | 'withdraw' | 'refresh-snapshot';

/** Submits a session for review; the answer warns where few can decide it. */
export function submitReview(uuid: string, body: SubmitReview): Promise<SubmittedReview> {
  return request('POST', `/sessions/${encodeURIComponent(uuid)}/reviews`, { body });
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
/** The comments of all rounds with their places in the present snapshot, and the caller's own drafts. */
export async function loadConversation(id: number): Promise<ConversationComment[]> {
  const comments: ConversationComment[] = [];
  let cursor: string | undefined;
  do {
    const page = await request<Page<ConversationComment>>('GET', `/reviews/${id}/conversation`, { query: { cursor } });
    comments.push(...page.items);
    cursor = page.nextCursor ?? undefined;
  } while (cursor !== undefined);
  return comments;
}
/** Writes a comment; a draft unless `publish` is set. The same `key` again writes it once. */
export function createComment(
  id: number,
  body: Partial<CreateComment> & Pick<CreateComment, 'text'>,
  key?: string,
): Promise<ReviewComment> {
  return request('POST', `/reviews/${id}/comments`, key === undefined ? { body } : { body, key });
}
/** Changes a draft. */
export function updateComment(id: number, commentId: number, body: UpdateComment): Promise<ReviewComment> {
  return request('PATCH', `/reviews/${id}/comments/${commentId}`, { body });
}
/** Throws a draft away. */
export function deleteComment(id: number, commentId: number): Promise<void> {
  return request('DELETE', `/reviews/${id}/comments/${commentId}`);
}
/** Publishes one draft at once. */
export function publishComment(id: number, commentId: number): Promise<ReviewComment> {
  return request('POST', `/reviews/${id}/comments/${commentId}/publish`);
}
/** The texts that a suggestion is about; for the review's author. */
export function loadSuggestion(id: number, commentId: number): Promise<Suggestion> {
  return request('GET', `/reviews/${id}/comments/${commentId}/suggestion`);
}
/** Applies a suggestion to the live session; `merged` is what its author made of it, over that version. */
export function applySuggestion(
  id: number,
  commentId: number,
  merged?: { content: string; version: number },
): Promise<AppliedSuggestion> {
  const body = merged === undefined ? {} : { merged: merged.content };
  const options = merged === undefined ? { body } : { body, version: merged.version };
  return request('POST', `/reviews/${id}/comments/${commentId}/apply`, options);
}
/** The snapshots that can be compared, oldest first. */
export async function listSnapshots(id: number): Promise<ReviewSnapshot[]> {
  return (await request<{ items: ReviewSnapshot[] }>('GET', `/reviews/${id}/snapshots`)).items;
}
/** The files that differ between two snapshots, or a snapshot and the live session. */
export function compareTrees(id: number, query: { from: number; to: number | 'live' }): Promise<Comparison> {
  return request('GET', `/reviews/${id}/changes`, { query });
}
/** Both sides of one file of a comparison. */
export function compareFile(
  id: number,
  query: { from: number; to: number | 'live'; fromItemId?: number | undefined; toItemId?: number | undefined },
): Promise<FileComparison> {
  return request('GET', `/reviews/${id}/changes/file`, { query });
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
