import type { Page } from '#shared/contracts/problem.ts';
import type { Assignee, ChangePriority, ReassignReview, Review } from '#shared/contracts/review.ts';
import { request } from './client.ts';

/** Gives the review to a person, or without one to whoever holds the fewest. */
export function reassignReview(id: number, body: Partial<ReassignReview>): Promise<Review> {
  return request('POST', `/reviews/${id}/reassign`, { body });
}
/** Who could be given the review, and why some cannot now. */
export async function listAssignees(id: number): Promise<Assignee[]> {
  return (await request<Page<Assignee>>('GET', `/reviews/${id}/assignees`)).items;
}
/** Sets the priority; raising it needs a reason. */
export function changePriority(id: number, body: ChangePriority): Promise<Review> {
  return request('POST', `/reviews/${id}/priority`, { body });
}
/** Ends the review of somebody else without a verdict. */
export function withdrawReview(id: number, reason: string): Promise<Review> {
  return request('POST', `/reviews/${id}/withdraw`, { body: { reason } });
}
