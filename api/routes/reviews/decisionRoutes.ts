import type { z } from 'zod';
import { decideReview } from '#api/commands/reviews/decideReview.ts';
import { defineRoute, type Reply, type RequestContext, type Route } from '#api/http/route.ts';
import { presentReview } from '#api/presenters/reviewPresenter.ts';
import { ReviewParams } from '#api/routes/reviews/parameters.ts';
import { GiveVerdict, OverrideReview, Review } from '#shared/contracts/review.ts';
import type { DecisionAction, DecisionWords } from '#shared/domain/reviewRules.ts';

type DecisionContext = RequestContext<z.infer<typeof ReviewParams>, unknown, unknown>;

/** 200 when the workflow has decided; 202 when it has not answered in time: the decision is on its way, read the review again. */
export const DECISION_RESPONSES = { 200: Review, 202: Review };

const NO_WORDS: DecisionWords = { expectedSnapshotId: null, note: '' };

/** Carries a decision out and answers with the review as it is then. */
export async function answerDecision(
  context: DecisionContext,
  action: DecisionAction,
  words: DecisionWords,
): Promise<Reply> {
  const { deps, caller, params, request } = context;
  const idempotencyKey = request.get('idempotency-key') ?? null;
  const outcome = await decideReview(deps, { caller, reviewId: params.id, action, words, idempotencyKey });
  return { status: outcome.settled ? 200 : 202, body: presentReview(outcome.review, caller) };
}

function plainDecision(action: DecisionAction, name: string, summary: string): Route {
  return defineRoute({
    method: 'post',
    path: `/reviews/{id}/${name}`,
    tag: 'reviews',
    summary,
    auth: 'required',
    scope: 'reviews',
    params: ReviewParams,
    responses: DECISION_RESPONSES,
    handler: (context) => answerDecision(context, action, NO_WORDS),
  });
}

/** The decisions about a review. Each is refused with 409 and the reason, the holder included, when it is not possible now. */
export const decisionRoutes: Route[] = [
  plainDecision(
    'claim',
    'claim',
    'Take the review for the time of a claim (24 hours unless set otherwise). Of many callers exactly one gets it.',
  ),
  plainDecision('release', 'release', 'Give the review back to the queue.'),
  plainDecision('refreshSnapshot', 'refresh-snapshot', 'Freeze the session as it is now; the reviewer is told.'),
  defineRoute({
    method: 'post',
    path: '/reviews/{id}/approve',
    tag: 'reviews',
    summary: 'Approve exactly this snapshot. An unresolved issue blocks it.',
    auth: 'required',
    scope: 'reviews',
    params: ReviewParams,
    body: GiveVerdict,
    responses: DECISION_RESPONSES,
    handler: (context) => answerDecision(context, 'approve', { ...context.body, note: context.body.summary }),
  }),
  defineRoute({
    method: 'post',
    path: '/reviews/{id}/reject',
    tag: 'reviews',
    summary: 'Reject exactly this snapshot, with an open issue or a summary of at least 20 characters.',
    auth: 'required',
    scope: 'reviews',
    params: ReviewParams,
    body: GiveVerdict,
    responses: DECISION_RESPONSES,
    handler: (context) => answerDecision(context, 'reject', { ...context.body, note: context.body.summary }),
  }),
  defineRoute({
    method: 'post',
    path: '/reviews/{id}/override',
    tag: 'reviews',
    summary: 'Approve over open issues: level 4, with a reason that the history keeps.',
    auth: 'required',
    scope: 'reviews',
    params: ReviewParams,
    body: OverrideReview,
    responses: DECISION_RESPONSES,
    handler: (context) => answerDecision(context, 'override', { ...context.body, note: context.body.reason }),
  }),
];
