import { z } from 'zod';
import { switchWarmPool, type PoolSwitch } from '#api/commands/warmPool/switchWarmPool.ts';
import { defineRoute, type Reply, type RequestContext, type Route } from '#api/http/route.ts';
import { requireOperator } from '#api/policies/operatorPolicy.ts';
import { presentWarmPool } from '#api/presenters/warmPoolPresenter.ts';
import { readWarmPool } from '#platform/db/repositories/warmPool.ts';
import { WarmPool } from '#shared/contracts/warmPool.ts';

const NoBody = z.strictObject({});

async function switchPool(
  { deps, caller, address, requestId }: RequestContext<unknown, unknown, unknown>,
  action: PoolSwitch['action'],
): Promise<Reply> {
  requireOperator(caller);
  const actor = { id: caller.id, username: caller.username };
  return { status: 200, body: presentWarmPool(await switchWarmPool(deps, { action, actor, address, requestId })) };
}

/** The pods that wait for new sessions: operators look, pause and resume. */
export const warmPoolRoutes: Route[] = [
  defineRoute({
    method: 'get',
    path: '/warm-pool',
    tag: 'operators',
    summary: 'The pods that wait for new sessions (operator)',
    auth: 'required',
    scope: null,
    responses: { 200: WarmPool },
    async handler({ deps, caller }) {
      requireOperator(caller);
      return { status: 200, body: presentWarmPool(await readWarmPool(deps.database)) };
    },
  }),
  defineRoute({
    method: 'post',
    path: '/warm-pool/pause',
    tag: 'operators',
    summary: 'Make and hand out no pods ahead of time until resumed; new sessions start cold (operator)',
    auth: 'cookie',
    scope: null,
    body: NoBody,
    responses: { 200: WarmPool },
    handler: (context) => switchPool(context, 'pause-pool'),
  }),
  defineRoute({
    method: 'post',
    path: '/warm-pool/resume',
    tag: 'operators',
    summary: 'End the pause of the warm pool (operator)',
    auth: 'cookie',
    scope: null,
    body: NoBody,
    responses: { 200: WarmPool },
    handler: (context) => switchPool(context, 'resume-pool'),
  }),
];
