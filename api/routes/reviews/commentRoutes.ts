import {
  createComment,
  deleteComment,
  publishComments,
  resolveComment,
  updateComment,
} from '#api/commands/reviews/comments.ts';
import { loadReview } from '#api/commands/reviews/loadReview.ts';
import { pageOfRows, readIdCursor } from '#api/http/cursor.ts';
import { defineRoute, type Route } from '#api/http/route.ts';
import { presentComment } from '#api/presenters/reviewPresenter.ts';
import { CommentParams, ReviewParams } from '#api/routes/reviews/parameters.ts';
import { listComments } from '#platform/db/repositories/reviewComments.ts';
import { pageOf } from '#shared/contracts/problem.ts';
import { CommentQuery, CreateComment, ReviewComment, UpdateComment } from '#shared/contracts/review.ts';

function resolving(name: 'resolve' | 'unresolve', summary: string): Route {
  return defineRoute({
    method: 'post',
    path: `/reviews/{id}/comments/{commentId}/${name}`,
    tag: 'reviews',
    summary,
    auth: 'required',
    scope: 'reviews',
    params: CommentParams,
    responses: { 200: ReviewComment },
    async handler({ deps, caller, params }) {
      const scope = { caller, reviewId: params.id, commentId: params.commentId };
      const { comment, review } = await resolveComment(deps, scope, name === 'resolve');
      return { status: 200, body: presentComment(comment, review, caller) };
    },
  });
}

/** Comments: drafts, their publication in one batch, and their resolution. */
export const commentRoutes: Route[] = [
  defineRoute({
    method: 'get',
    path: '/reviews/{id}/comments',
    tag: 'reviews',
    summary: "List the published comments and the caller's own drafts, oldest first.",
    auth: 'required',
    scope: 'reviews',
    params: ReviewParams,
    query: CommentQuery,
    responses: { 200: pageOf(ReviewComment) },
    async handler({ deps, caller, params, query }) {
      const review = await loadReview(deps, caller, { id: params.id });
      const rows = await listComments(deps.database, {
        reviewId: review.id,
        viewerId: caller.id,
        after: readIdCursor(query.cursor),
        limit: query.limit + 1,
      });
      const page = pageOfRows(rows, query.limit);
      const items = page.rows.map((comment) => presentComment(comment, review, caller));
      return { status: 200, body: { items, nextCursor: page.nextCursor } };
    },
  }),
  defineRoute({
    method: 'post',
    path: '/reviews/{id}/comments',
    tag: 'reviews',
    summary: 'Write a comment on the review, a frozen file or its lines: a draft, or published at once.',
    auth: 'required',
    scope: 'reviews',
    params: ReviewParams,
    body: CreateComment,
    responses: { 201: ReviewComment },
    async handler({ deps, caller, params, body }) {
      const { comment, review } = await createComment(deps, { caller, reviewId: params.id }, body);
      return { status: 201, body: presentComment(comment, review, caller) };
    },
  }),
  defineRoute({
    method: 'patch',
    path: '/reviews/{id}/comments/{commentId}',
    tag: 'reviews',
    summary: 'Change a draft.',
    auth: 'required',
    scope: 'reviews',
    params: CommentParams,
    body: UpdateComment,
    responses: { 200: ReviewComment },
    async handler({ deps, caller, params, body }) {
      const scope = { caller, reviewId: params.id, commentId: params.commentId };
      const { comment, review } = await updateComment(deps, scope, body);
      return { status: 200, body: presentComment(comment, review, caller) };
    },
  }),
  defineRoute({
    method: 'delete',
    path: '/reviews/{id}/comments/{commentId}',
    tag: 'reviews',
    summary: 'Throw a draft away.',
    auth: 'required',
    scope: 'reviews',
    params: CommentParams,
    responses: { 204: null },
    async handler({ deps, caller, params }) {
      await deleteComment(deps, { caller, reviewId: params.id, commentId: params.commentId });
      return { status: 204 };
    },
  }),
  defineRoute({
    method: 'post',
    path: '/reviews/{id}/comments/publish',
    tag: 'reviews',
    summary: "Publish all of the caller's drafts at once. What is published cannot be changed.",
    auth: 'required',
    scope: 'reviews',
    params: ReviewParams,
    responses: { 200: pageOf(ReviewComment) },
    async handler({ deps, caller, params }) {
      const { comments, review } = await publishComments(deps, { caller, reviewId: params.id });
      const items = comments.map((comment) => presentComment(comment, review, caller));
      return { status: 200, body: { items, nextCursor: null } };
    },
  }),
  defineRoute({
    method: 'post',
    path: '/reviews/{id}/comments/{commentId}/publish',
    tag: 'reviews',
    summary: 'Publish one draft at once; the others stay drafts.',
    auth: 'required',
    scope: 'reviews',
    params: CommentParams,
    responses: { 200: ReviewComment },
    async handler({ deps, caller, params }) {
      const scope = { caller, reviewId: params.id, commentId: params.commentId };
      const { comments, review } = await publishComments(deps, scope);
      return { status: 200, body: presentComment(comments[0]!, review, caller) };
    },
  }),
  resolving('resolve', 'Resolve a comment. An issue: by who raised it, the holder of the review, or level 4.'),
  resolving('unresolve', 'Open a resolved comment again.'),
];
