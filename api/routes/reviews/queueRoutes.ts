import type { Caller } from '#api/http/route.ts';
import { pageOfPlaces, readPlaceCursor } from '#api/http/placeCursor.ts';
import { defineRoute, type Route } from '#api/http/route.ts';
import { presentReview } from '#api/presenters/reviewPresenter.ts';
import { countReviews, isOrderKey, listReviews, type ReviewFilters } from '#platform/db/repositories/reviewLists.ts';
import { pageOf } from '#shared/contracts/problem.ts';
import { Review } from '#shared/contracts/review.ts';
import {
  NextReview,
  NextReviewQuery,
  ReviewCountQuery,
  ReviewCounts,
  ReviewQuery,
} from '#shared/contracts/reviewQueue.ts';

/** Lists of reviews, their counts, and what to do next. */
export const queueRoutes: Route[] = [
  defineRoute({
    method: 'get',
    path: '/reviews',
    tag: 'reviews',
    summary: 'List reviews: the queue (what the caller could claim or holds, their turn first), their own, or all.',
    auth: 'required',
    scope: 'reviews',
    query: ReviewQuery,
    responses: { 200: pageOf(Review) },
    async handler({ deps, caller, query }) {
      const rows = await listReviews(deps.database, {
        view: query.view,
        viewer: caller,
        filters: toFilters(query),
        after: readPlaceCursor(query.cursor, isOrderKey),
        limit: query.limit + 1,
      });
      const page = pageOfPlaces(rows, query.limit);
      const items = page.rows.map((review) => presentReview(review, caller));
      return { status: 200, body: { items, nextCursor: page.nextCursor } };
    },
  }),
  defineRoute({
    method: 'get',
    path: '/reviews/counts',
    tag: 'reviews',
    summary: 'Count the reviews of each list, narrowed as the list is.',
    auth: 'required',
    scope: 'reviews',
    query: ReviewCountQuery,
    responses: { 200: ReviewCounts },
    async handler({ deps, caller, query }) {
      return {
        status: 200,
        body: await countReviews(deps.database, { viewer: caller, filters: toFilters(query) }),
      };
    },
  }),
  defineRoute({
    method: 'get',
    path: '/reviews/next',
    tag: 'reviews',
    summary: 'Find the next best review for the caller: their turn first, then the most urgent that they may claim.',
    auth: 'required',
    scope: 'reviews',
    query: NextReviewQuery,
    responses: { 200: NextReview },
    async handler({ deps, caller, query }) {
      const rows = await listReviews(deps.database, {
        view: 'queue',
        viewer: caller,
        filters: toFilters({}),
        after: null,
        limit: 2,
      });
      const next = rows.find((review) => review.id !== query.after && waitsFor(caller, review));
      return { status: 200, body: { review: next === undefined ? null : presentReview(next, caller) } };
    },
  }),
];

/** What waits for its submitter is nothing to do next. */
function waitsFor(caller: Caller, review: Parameters<typeof presentReview>[0]): boolean {
  const { turn, person } = presentReview(review, caller).turn;
  return turn === 'pool' || person?.id === caller.id;
}

function toFilters(query: ReviewCountQuery): ReviewFilters {
  return {
    status: query.status ?? null,
    priority: query.priority ?? null,
    mine: query.mine ?? false,
    overdue: query.overdue ?? false,
    author: query.author ?? null,
    session: query.session ?? null,
    text: query.text ?? null,
  };
}
