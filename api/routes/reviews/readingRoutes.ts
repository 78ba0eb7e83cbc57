import { z } from 'zod';
import { loadReview } from '#api/commands/reviews/loadReview.ts';
import { listFrozenItems, readFrozenItem } from '#api/commands/reviews/readSnapshot.ts';
import { submitReview } from '#api/commands/reviews/submitReview.ts';
import { pageOfRows, readIdCursor } from '#api/http/cursor.ts';
import { defineRoute, type Route } from '#api/http/route.ts';
import { presentHistoryRow, presentReview, presentSnapshotItem } from '#api/presenters/reviewPresenter.ts';
import { ReviewParams, SnapshotItemParams } from '#api/routes/reviews/parameters.ts';
import { findDeciders } from '#platform/db/repositories/deciders.ts';
import { listHistory, verifyHistory } from '#platform/db/repositories/reviewHistory.ts';
import { listReviews } from '#platform/db/repositories/reviews.ts';
import { pageOf } from '#shared/contracts/problem.ts';
import {
  HistoryRow,
  HistoryVerification,
  Review,
  ReviewQuery,
  SnapshotItem,
  SnapshotItemWithContent,
  SubmitReview,
  SubmittedReview,
} from '#shared/contracts/review.ts';

/** Submitting a session, and everything that only reads a review. */
export const readingRoutes: Route[] = [
  defineRoute({
    method: 'post',
    path: '/sessions/{uuid}/reviews',
    tag: 'reviews',
    summary:
      'Submit a session for review. Its snapshot follows within seconds; until then snapshotId is null; `deciders` warns where few can decide it.',
    auth: 'required',
    scope: 'reviews',
    params: z.strictObject({ uuid: z.uuid() }),
    body: SubmitReview,
    responses: { 202: SubmittedReview },
    async handler({ deps, caller, params, body }) {
      const review = await submitReview(deps, { caller, sessionUuid: params.uuid, body });
      return {
        status: 202,
        body: { ...presentReview(review, caller), deciders: await findDeciders(deps.database, review) },
        headers: { Location: `/api/v1/reviews/${review.id}` },
      };
    },
  }),
  defineRoute({
    method: 'get',
    path: '/reviews',
    tag: 'reviews',
    summary: 'List reviews: the queue (what the caller could claim or holds), their own, or all that they may read.',
    auth: 'required',
    scope: 'reviews',
    query: ReviewQuery,
    responses: { 200: pageOf(Review) },
    async handler({ deps, caller, query }) {
      const rows = await listReviews(deps.database, {
        view: query.view,
        viewer: caller,
        status: query.status ?? null,
        after: readIdCursor(query.cursor),
        limit: query.limit + 1,
      });
      const page = pageOfRows(rows, query.limit);
      const items = page.rows.map((review) => presentReview(review, caller));
      return { status: 200, body: { items, nextCursor: page.nextCursor } };
    },
  }),
  defineRoute({
    method: 'get',
    path: '/reviews/{id}',
    tag: 'reviews',
    summary: 'Read a review, with what the caller may do with it now.',
    auth: 'required',
    scope: 'reviews',
    params: ReviewParams,
    responses: { 200: Review },
    async handler({ deps, caller, params }) {
      const review = await loadReview(deps, caller, { id: params.id });
      return { status: 200, body: presentReview(review, caller) };
    },
  }),
  defineRoute({
    method: 'get',
    path: '/reviews/{id}/items',
    tag: 'reviews',
    summary: 'List the frozen files and folders of the present snapshot.',
    auth: 'required',
    scope: 'reviews',
    params: ReviewParams,
    responses: { 200: pageOf(SnapshotItem) },
    async handler({ deps, caller, params }) {
      const review = await loadReview(deps, caller, { id: params.id });
      const items = await listFrozenItems(deps, review);
      return { status: 200, body: { items: items.map(presentSnapshotItem), nextCursor: null } };
    },
  }),
  defineRoute({
    method: 'get',
    path: '/reviews/{id}/items/{snapshotItemId}',
    tag: 'reviews',
    summary: 'Read a frozen file of the present snapshot; its bytes are checked against their hash.',
    auth: 'required',
    scope: 'reviews',
    params: SnapshotItemParams,
    responses: { 200: SnapshotItemWithContent },
    async handler({ deps, caller, params }) {
      const review = await loadReview(deps, caller, { id: params.id });
      const item = await readFrozenItem(deps, review, params.snapshotItemId);
      return { status: 200, body: { ...presentSnapshotItem(item), content: item.content } };
    },
  }),
  defineRoute({
    method: 'get',
    path: '/reviews/{id}/history',
    tag: 'reviews',
    summary: 'Read what happened to a review, oldest first. Nobody can alter it.',
    auth: 'required',
    scope: 'reviews',
    params: ReviewParams,
    responses: { 200: pageOf(HistoryRow) },
    async handler({ deps, caller, params }) {
      const review = await loadReview(deps, caller, { id: params.id });
      const rows = await listHistory(deps.database, review.id);
      return { status: 200, body: { items: rows.map(presentHistoryRow), nextCursor: null } };
    },
  }),
  defineRoute({
    method: 'get',
    path: '/reviews/{id}/history/verify',
    tag: 'reviews',
    summary: 'Check that the history is whole and unaltered, by computing its chain of hashes again.',
    auth: 'required',
    scope: 'reviews',
    params: ReviewParams,
    responses: { 200: HistoryVerification },
    async handler({ deps, caller, params }) {
      const review = await loadReview(deps, caller, { id: params.id });
      return { status: 200, body: await verifyHistory(deps.database, review.id) };
    },
  }),
];
