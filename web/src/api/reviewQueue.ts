import type { Page } from '#shared/contracts/problem.ts';
import type { Review, SnapshotItem } from '#shared/contracts/review.ts';
import type { ReviewMetrics } from '#shared/contracts/reviewMetrics.ts';
import type { NextReview, ReviewCountQuery, ReviewCounts, ReviewQuery } from '#shared/contracts/reviewQueue.ts';
import { request } from './client.ts';

/** A page of reviews, narrowed by the query. */
export function listReviews(query: Partial<ReviewQuery>): Promise<Page<Review>> {
  return request('GET', '/reviews', { query });
}
/** How many reviews each list holds when it is narrowed by the query. */
export function countReviews(query: Partial<ReviewCountQuery>): Promise<ReviewCounts> {
  return request('GET', '/reviews/counts', { query });
}
/** The next best review for the person, other than the one that they have just done with. */
export function nextReview(after: number): Promise<NextReview> {
  return request('GET', '/reviews/next', { query: { after } });
}
/** Marks a frozen file as viewed by the person, or not. */
export function setViewed(id: number, snapshotItemId: number, viewed: boolean): Promise<SnapshotItem> {
  return request(viewed ? 'PUT' : 'DELETE', `/reviews/${id}/items/${snapshotItemId}/viewed`);
}
/** The figures of the reviews that were submitted since a moment. */
export function loadMetrics(from: string): Promise<ReviewMetrics> {
  return request('GET', '/reviews/metrics', { query: { from } });
}
