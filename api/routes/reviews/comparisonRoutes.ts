import { listChanges, readChange } from '#api/commands/reviews/compareTrees.ts';
import { loadReview } from '#api/commands/reviews/loadReview.ts';
import { defineRoute, type Route } from '#api/http/route.ts';
import {
  presentFileChange,
  presentFileComparison,
  presentReviewSnapshot,
} from '#api/presenters/reviewComparisonPresenter.ts';
import { ReviewParams } from '#api/routes/reviews/parameters.ts';
import { listReviewSnapshots } from '#platform/db/repositories/reviewTrees.ts';
import { pageOf } from '#shared/contracts/problem.ts';
import {
  Comparison,
  ComparisonQuery,
  FileComparison,
  FileComparisonQuery,
  ReviewSnapshot,
} from '#shared/contracts/reviewComparison.ts';

/** Comparing rounds with each other, and for the author with the live session. */
export const comparisonRoutes: Route[] = [
  defineRoute({
    method: 'get',
    path: '/reviews/{id}/snapshots',
    tag: 'reviews',
    summary: "List the snapshots of the review's session, oldest first, each with the round that it was made for.",
    auth: 'required',
    scope: 'reviews',
    params: ReviewParams,
    responses: { 200: pageOf(ReviewSnapshot) },
    async handler({ deps, caller, params }) {
      const review = await loadReview(deps, caller, { id: params.id });
      const snapshots = await listReviewSnapshots(deps.database, review.sessionId);
      return { status: 200, body: { items: snapshots.map(presentReviewSnapshot), nextCursor: null } };
    },
  }),
  defineRoute({
    method: 'get',
    path: '/reviews/{id}/changes',
    tag: 'reviews',
    summary:
      "List the files that differ between two snapshots with the lines that came and went. `to=live` compares with the session's files now, for its owner alone.",
    auth: 'required',
    scope: 'reviews',
    limit: 'expensive',
    params: ReviewParams,
    query: ComparisonQuery,
    responses: { 200: Comparison },
    async handler({ deps, caller, params, query }) {
      const review = await loadReview(deps, caller, { id: params.id });
      const { changes, more } = await listChanges(deps, { viewer: caller, review, query });
      return { status: 200, body: { items: changes.map(presentFileChange), more } };
    },
  }),
  defineRoute({
    method: 'get',
    path: '/reviews/{id}/changes/file',
    tag: 'reviews',
    summary: 'Read both sides of one file of a comparison.',
    auth: 'required',
    scope: 'reviews',
    params: ReviewParams,
    query: FileComparisonQuery,
    responses: { 200: FileComparison },
    async handler({ deps, caller, params, query }) {
      const review = await loadReview(deps, caller, { id: params.id });
      return { status: 200, body: presentFileComparison(await readChange(deps, { viewer: caller, review, query })) };
    },
  }),
];
