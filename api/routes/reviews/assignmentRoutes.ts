import { listCandidates, reassignWords } from '#api/commands/reviews/assignReview.ts';
import { changePriority } from '#api/commands/reviews/changePriority.ts';
import { defineRoute, type Route } from '#api/http/route.ts';
import { presentAssignee, presentReview } from '#api/presenters/reviewPresenter.ts';
import { answerDecision, DECISION_RESPONSES } from '#api/routes/reviews/decisionRoutes.ts';
import { ReviewParams } from '#api/routes/reviews/parameters.ts';
import { pageOf } from '#shared/contracts/problem.ts';
import { Assignee, ChangePriority, ReassignReview, Review, WithdrawReview } from '#shared/contracts/review.ts';

/** Who holds a review, how urgent it is, and its end without a verdict. */
export const assignmentRoutes: Route[] = [
  defineRoute({
    method: 'post',
    path: '/reviews/{id}/reassign',
    tag: 'reviews',
    summary: 'Give the review to somebody: level 2 their own, level 3 any. Without userId: to who holds the fewest.',
    auth: 'required',
    scope: 'reviews',
    params: ReviewParams,
    body: ReassignReview,
    responses: DECISION_RESPONSES,
    async handler(context) {
      const { deps, caller, params, body } = context;
      const words = await reassignWords(deps, { caller, reviewId: params.id }, body);
      return answerDecision(context, 'reassign', words);
    },
  }),
  defineRoute({
    method: 'get',
    path: '/reviews/{id}/assignees',
    tag: 'reviews',
    summary: 'List who could be given the review, and why some cannot now; for those who may give it.',
    auth: 'required',
    scope: 'reviews',
    params: ReviewParams,
    responses: { 200: pageOf(Assignee) },
    async handler({ deps, caller, params }) {
      const candidates = await listCandidates(deps, caller, params.id);
      return { status: 200, body: { items: candidates.map(presentAssignee), nextCursor: null } };
    },
  }),
  defineRoute({
    method: 'post',
    path: '/reviews/{id}/priority',
    tag: 'reviews',
    summary: 'Change the priority: the submitter lowers it, and raises it before a claim; level 3 sets any.',
    auth: 'required',
    scope: 'reviews',
    params: ReviewParams,
    body: ChangePriority,
    responses: { 200: Review },
    async handler({ deps, caller, params, body }) {
      const change = { priority: body.priority, note: body.reason };
      const review = await changePriority(deps, { caller, reviewId: params.id }, change);
      return { status: 200, body: presentReview(review, caller) };
    },
  }),
  defineRoute({
    method: 'post',
    path: '/reviews/{id}/withdraw',
    tag: 'reviews',
    summary: 'Close the review without a verdict: its submitter, or level 4 with a reason.',
    auth: 'required',
    scope: 'reviews',
    params: ReviewParams,
    body: WithdrawReview,
    responses: DECISION_RESPONSES,
    handler: (context) => answerDecision(context, 'withdraw', { expectedSnapshotId: null, note: context.body.reason }),
  }),
];
