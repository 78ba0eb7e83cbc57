import { loadReview } from '#api/commands/reviews/loadReview.ts';
import { readConversation } from '#api/commands/reviews/readConversation.ts';
import { applySuggestion, readSuggestion } from '#api/commands/reviews/suggestions.ts';
import { fileBodyLimit } from '#api/http/bodies.ts';
import { pageOfRows, readIdCursor } from '#api/http/cursor.ts';
import { defineRoute, type Route } from '#api/http/route.ts';
import { presentConversationComment } from '#api/presenters/reviewConversationPresenter.ts';
import { CommentParams, ReviewParams } from '#api/routes/reviews/parameters.ts';
import { pageOf } from '#shared/contracts/problem.ts';
import { CommentQuery } from '#shared/contracts/review.ts';
import {
  AppliedSuggestion,
  ApplySuggestion,
  ConversationComment,
  Suggestion,
} from '#shared/contracts/reviewConversation.ts';
import { AppError } from '#shared/domain/errors.ts';

/** The conversation over all rounds at its places in the present snapshot, and the suggestions in it. */
export const conversationRoutes: Route[] = [
  defineRoute({
    method: 'get',
    path: '/reviews/{id}/conversation',
    tag: 'reviews',
    summary:
      'List the comments of the review and what earlier rounds left unresolved, oldest first, each with its place in the present snapshot.',
    auth: 'required',
    scope: 'reviews',
    params: ReviewParams,
    query: CommentQuery,
    responses: { 200: pageOf(ConversationComment) },
    async handler({ deps, caller, params, query }) {
      const review = await loadReview(deps, caller, { id: params.id });
      const page = { viewerId: caller.id, after: readIdCursor(query.cursor), limit: query.limit + 1 };
      const placed = await readConversation(deps, review, page);
      const { rows, nextCursor } = pageOfRows(
        placed.map((one) => ({ id: one.comment.id, one })),
        query.limit,
      );
      const items = rows.map(({ one }) => presentConversationComment(one, review, caller));
      return { status: 200, body: { items, nextCursor } };
    },
  }),
  defineRoute({
    method: 'get',
    path: '/reviews/{id}/comments/{commentId}/suggestion',
    tag: 'reviews',
    summary:
      'Read the three texts that a suggestion is about: as commented on, as proposed, and as it is in the session.',
    auth: 'required',
    scope: 'reviews',
    params: CommentParams,
    responses: { 200: Suggestion },
    async handler({ deps, caller, params }) {
      const scope = { caller, reviewId: params.id, commentId: params.commentId };
      return { status: 200, body: await readSuggestion(deps, scope) };
    },
  }),
  defineRoute({
    method: 'post',
    path: '/reviews/{id}/comments/{commentId}/apply',
    tag: 'reviews',
    summary:
      'Apply a suggestion to the live session as the next version of its file: as it is where the text is as it was commented on, or merged by its author (with If-Match).',
    auth: 'required',
    scope: 'reviews',
    limit: 'default',
    bodyLimit: (config) => fileBodyLimit(config.MAX_FILE_BYTES),
    params: CommentParams,
    body: ApplySuggestion,
    responses: { 200: AppliedSuggestion },
    async handler({ deps, caller, params, body, ifMatch }) {
      const scope = { caller, reviewId: params.id, commentId: params.commentId };
      if (body.merged !== undefined && ifMatch === null) throw new AppError('VERSION_REQUIRED');
      const merged =
        body.merged === undefined || ifMatch === null ? null : { content: body.merged, expectedVersion: ifMatch };
      const { id: itemId, path, version } = await applySuggestion(deps, scope, merged);
      return { status: 200, body: { itemId, path, version } };
    },
  }),
];
