import { authenticate } from '#api/auth/authenticate.ts';
import { VERSION } from '#api/http/version.ts';
import { defineRoute, type Route } from '#api/http/route.ts';
import { presentSystem } from '#api/presenters/systemPresenter.ts';
import { anyUserExists } from '#platform/db/repositories/users.ts';
import { SystemInfo } from '#shared/contracts/system.ts';

/** Facts about this installation. */
export const systemRoutes: Route[] = [
  defineRoute({
    method: 'get',
    path: '/system',
    tag: 'system',
    summary: 'What a page needs to know before anybody signs in',
    auth: 'none',
    scope: null,
    responses: { 200: SystemInfo },
    async handler({ deps, request }) {
      const caller = await authenticate(deps, request.headers);
      const firstAccount = !(await anyUserExists(deps.database));
      const isOperator = caller?.isOperator ?? false;
      return { status: 200, body: presentSystem(deps.config, { version: VERSION, firstAccount, isOperator }) };
    },
  }),
];
