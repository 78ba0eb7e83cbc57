import { z } from 'zod';
import { cloneAgain } from '#api/commands/sessions/cloneRepository.ts';
import { defineRoute, type Route } from '#api/http/route.ts';
import { loadOwnSession } from '#api/policies/sessionPolicy.ts';
import { presentRun } from '#api/presenters/runPresenter.ts';
import { SessionParams } from '#api/routes/sessions/sessionParams.ts';
import { Run } from '#shared/contracts/run.ts';

/** The repository that a session was made from. */
export const cloneRoutes: Route[] = [
  defineRoute({
    method: 'post',
    path: '/sessions/{uuid}/clone',
    tag: 'sessions',
    summary: 'Try again to clone the repository that the session was made from',
    auth: 'required',
    scope: 'sessions',
    limit: 'expensive',
    params: SessionParams,
    body: z.strictObject({}),
    responses: { 202: Run },
    async handler({ deps, caller, params }) {
      const session = await loadOwnSession(deps, caller, params.uuid);
      const run = await cloneAgain(deps, { session, userId: caller.id });
      const headers = { Location: `/api/v1/sessions/${session.uuid}/runs/${run.id}` };
      return { status: 202, body: presentRun(run), headers };
    },
  }),
];
