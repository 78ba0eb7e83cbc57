import { loadReview } from '#api/commands/reviews/loadReview.ts';
import { setViewed } from '#api/commands/reviews/viewedFiles.ts';
import { defineRoute, type Route } from '#api/http/route.ts';
import { presentOpening, presentSnapshotItem } from '#api/presenters/reviewPresenter.ts';
import { ReviewParams, SnapshotItemParams } from '#api/routes/reviews/parameters.ts';
import { listOpenings } from '#platform/db/repositories/reviewViews.ts';
import { pageOf } from '#shared/contracts/problem.ts';
import { SnapshotItem } from '#shared/contracts/review.ts';
import { ReviewOpening } from '#shared/contracts/reviewQueue.ts';

function viewing(method: 'put' | 'delete', summary: string): Route {
  return defineRoute({
    method,
    path: '/reviews/{id}/items/{snapshotItemId}/viewed',
    tag: 'reviews',
    summary,
    auth: 'required',
    scope: 'reviews',
    params: SnapshotItemParams,
    responses: { 200: SnapshotItem },
    async handler({ deps, caller, params }) {
      const viewed = method === 'put';
      const file = { caller, reviewId: params.id, snapshotItemId: params.snapshotItemId };
      return { status: 200, body: presentSnapshotItem(await setViewed(deps, file, viewed), viewed) };
    },
  });
}

/** What reviewers have viewed, and who opened what. */
export const viewRoutes: Route[] = [
  viewing('put', 'Mark a frozen file as viewed. The mark holds until that file changes, also in later rounds.'),
  viewing('delete', 'Take the mark of a viewed file away.'),
  defineRoute({
    method: 'get',
    path: '/reviews/{id}/openings',
    tag: 'reviews',
    summary: 'Read who opened which frozen file, and when; at most 5,000 files, the latest first.',
    auth: 'required',
    scope: 'reviews',
    params: ReviewParams,
    responses: { 200: pageOf(ReviewOpening) },
    async handler({ deps, caller, params }) {
      const review = await loadReview(deps, caller, { id: params.id });
      const rows = await listOpenings(deps.database, review.id);
      return { status: 200, body: { items: rows.map(presentOpening), nextCursor: null } };
    },
  }),
];
