import { z } from 'zod';
import { loadReview } from '#api/commands/reviews/loadReview.ts';
import { loadReceipt, loadReceiptPage } from '#api/commands/reviews/readReceipts.ts';
import { loadLiveCopy, openRunningCopy, runOnSnapshot } from '#api/commands/reviews/runningCopies.ts';
import { loadPresentedSession } from '#api/commands/sessions/presentedSession.ts';
import { pageOfRows, readIdCursor } from '#api/http/cursor.ts';
import { defineRoute, type Route } from '#api/http/route.ts';
import { presentSnapshotReceipt, presentSnapshotReceiptWithOutputs } from '#api/presenters/receiptPresenter.ts';
import { ReceiptParams, ReviewParams } from '#api/routes/reviews/parameters.ts';
import { pageOf, PageQuery } from '#shared/contracts/problem.ts';
import { OpenRunningCopy, Receipt, ReceiptWithOutputs } from '#shared/contracts/receipt.ts';
import { CreateRun } from '#shared/contracts/run.ts';
import { Session } from '#shared/contracts/session.ts';

const area = { tag: 'reviews', auth: 'required', scope: 'reviews' } as const;

/** Running what is under review in throw-away copies, and the receipts of what was run. */
export const runningCopyRoutes: Route[] = [
  defineRoute({
    ...area,
    method: 'get',
    path: '/reviews/{id}/running-copies',
    summary: "The caller's throw-away copy of the review's snapshot: one, or none.",
    params: ReviewParams,
    responses: { 200: z.object({ items: z.array(Session) }) },
    async handler({ deps, caller, params }) {
      const copy = await loadLiveCopy(deps, { caller, reviewId: params.id });
      return { status: 200, body: { items: copy === null ? [] : [await loadPresentedSession(deps, copy)] } };
    },
  }),
  defineRoute({
    ...area,
    method: 'post',
    path: '/reviews/{id}/running-copies',
    summary: 'Open a throw-away copy of the snapshot, or go on with the one that is open. It ends with the verdict.',
    limit: 'expensive',
    params: ReviewParams,
    body: OpenRunningCopy,
    responses: { 202: Session },
    async handler({ deps, caller, params, body }) {
      const copy = await openRunningCopy(deps, { caller, reviewId: params.id }, body);
      const headers = { Location: `/api/v1/sessions/${copy.uuid}` };
      return { status: 202, body: await loadPresentedSession(deps, copy), headers };
    },
  }),
  defineRoute({
    ...area,
    method: 'post',
    path: '/reviews/{id}/runs',
    summary: 'Run a command or a file in a throw-away copy of the snapshot, which is opened for it. Leaves a receipt.',
    limit: 'expensive',
    params: ReviewParams,
    body: CreateRun,
    responses: { 202: Receipt },
    async handler({ deps, caller, params, body }) {
      const receipt = await runOnSnapshot(deps, { caller, reviewId: params.id }, body);
      const headers = { Location: `/api/v1/reviews/${params.id}/receipts/${receipt.id}` };
      return { status: 202, body: presentSnapshotReceipt(receipt, receipt.snapshotManifestSha256), headers };
    },
  }),
  defineRoute({
    ...area,
    method: 'get',
    path: '/reviews/{id}/receipts',
    summary: 'What was run on snapshots of the review, newest first, by whom and with which end.',
    params: ReviewParams,
    query: PageQuery,
    responses: { 200: pageOf(Receipt) },
    async handler({ deps, caller, params, query }) {
      const review = await loadReview(deps, caller, { id: params.id });
      const page = { reviewId: review.id, cursor: readIdCursor(query.cursor), limit: query.limit + 1 };
      const { rows, nextCursor } = pageOfRows(await loadReceiptPage(deps, page), query.limit);
      const items = rows.map((receipt) => presentSnapshotReceipt(receipt, review.manifestHash));
      return { status: 200, body: { items, nextCursor } };
    },
  }),
  defineRoute({
    ...area,
    method: 'get',
    path: '/reviews/{id}/receipts/{receiptId}',
    summary: 'A receipt; once its run has ended, with what is kept of both outputs.',
    params: ReceiptParams,
    responses: { 200: ReceiptWithOutputs },
    async handler({ deps, caller, params }) {
      const review = await loadReview(deps, caller, { id: params.id });
      const { receipt, outputs } = await loadReceipt(deps, { reviewId: review.id, receiptId: params.receiptId });
      return { status: 200, body: presentSnapshotReceiptWithOutputs(receipt, outputs, review.manifestHash) };
    },
  }),
];
