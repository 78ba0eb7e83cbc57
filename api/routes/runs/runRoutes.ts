import { z } from 'zod';
import { cancelRun } from '#api/commands/runs/cancelRun.ts';
import { createRun } from '#api/commands/runs/createRun.ts';
import { loadRunPage, loadRunReceipt } from '#api/commands/runs/readRuns.ts';
import { pageOfRows, readIdCursor } from '#api/http/cursor.ts';
import { defineRoute, type Route } from '#api/http/route.ts';
import { loadOwnRun } from '#api/policies/runPolicy.ts';
import { loadOwnSession } from '#api/policies/sessionPolicy.ts';
import { presentReceipt, presentRun } from '#api/presenters/runPresenter.ts';
import { RunParams, SessionParams } from '#api/routes/sessions/sessionParams.ts';
import { pageOf, PageQuery } from '#shared/contracts/problem.ts';
import { CreateRun, Run, RunReceipt } from '#shared/contracts/run.ts';

const area = { tag: 'runs', auth: 'required', scope: 'sessions' } as const;

/** Commands that are run in a session, with their receipts; what they put out meanwhile comes over the socket /terminal. */
export const runRoutes: Route[] = [
  defineRoute({
    ...area,
    method: 'get',
    path: '/sessions/{uuid}/runs',
    summary: 'The runs of a session, newest first; of those that have ended the last 200 are kept',
    params: SessionParams,
    query: PageQuery,
    responses: { 200: pageOf(Run) },
    async handler({ deps, caller, params, query }) {
      const session = await loadOwnSession(deps, caller, params.uuid);
      const page = { sessionId: session.id, cursor: readIdCursor(query.cursor), limit: query.limit + 1 };
      const { rows, nextCursor } = pageOfRows(await loadRunPage(deps, page), query.limit);
      return { status: 200, body: { items: rows.map(presentRun), nextCursor } };
    },
  }),
  defineRoute({
    ...area,
    method: 'post',
    path: '/sessions/{uuid}/runs',
    summary: 'Run a command or a file; a session that is closed is opened for it',
    limit: 'expensive',
    params: SessionParams,
    body: CreateRun,
    responses: { 202: Run },
    async handler({ deps, caller, params, body }) {
      const session = await loadOwnSession(deps, caller, params.uuid);
      const run = await createRun(deps, { session, userId: caller.id, wanted: body });
      const headers = { Location: `/api/v1/sessions/${session.uuid}/runs/${run.id}` };
      return { status: 202, body: presentRun(run), headers };
    },
  }),
  defineRoute({
    ...area,
    method: 'get',
    path: '/sessions/{uuid}/runs/{runId}',
    summary: 'A run; once it has ended, its receipt with both outputs',
    params: RunParams,
    responses: { 200: RunReceipt },
    async handler({ deps, caller, params }) {
      const { run, outputs } = await loadRunReceipt(deps, await loadOwnRun(deps, caller, params));
      return { status: 200, body: presentReceipt(run, outputs) };
    },
  }),
  defineRoute({
    ...area,
    method: 'post',
    path: '/sessions/{uuid}/runs/{runId}/cancel',
    summary: 'End a run with everything that it started',
    params: RunParams,
    body: z.strictObject({}),
    responses: { 202: Run },
    async handler({ deps, caller, params }) {
      const run = await cancelRun(deps, await loadOwnRun(deps, caller, params));
      return { status: 202, body: presentRun(run) };
    },
  }),
];
