import { z } from 'zod';
import { signInCookie } from '#api/auth/cookies.ts';
import { webSessionKeyOf } from '#api/auth/authenticate.ts';
import type { SignInOrigin } from '#api/auth/signIn.ts';
import { login } from '#api/commands/login.ts';
import { logout } from '#api/commands/logout.ts';
import { register } from '#api/commands/register.ts';
import { defineRoute, type RequestContext, type Route } from '#api/http/route.ts';
import { presentAccount } from '#api/presenters/userPresenter.ts';
import { Account, Login, Register } from '#shared/contracts/user.ts';

function originOf({
  address,
  request,
}: Pick<RequestContext<never, never, never>, 'address' | 'request'>): SignInOrigin {
  return { address, userAgent: request.get('user-agent') ?? '' };
}

/** Registering, signing in and out. */
export const authRoutes: Route[] = [
  defineRoute({
    method: 'post',
    path: '/auth/register',
    tag: 'auth',
    summary: 'Make an account and sign in; the first account is the operator',
    auth: 'none',
    scope: null,
    limit: 'login',
    body: Register,
    responses: { 201: Account },
    async handler({ deps, body, requestId, ...context }) {
      const { user, signInId } = await register(deps, { account: body, origin: originOf(context), requestId });
      return {
        status: 201,
        body: presentAccount(user),
        headers: { 'Set-Cookie': signInCookie(deps.config, signInId) },
      };
    },
  }),
  defineRoute({
    method: 'post',
    path: '/auth/login',
    tag: 'auth',
    summary: 'Sign in with a user name or e-mail address',
    auth: 'none',
    scope: null,
    limit: 'login',
    body: Login,
    responses: { 200: Account },
    async handler({ deps, limits, body, requestId, ...context }) {
      const input = { credentials: body, origin: originOf(context), requestId };
      const { user, signInId } = await login(deps, limits, input);
      return {
        status: 200,
        body: presentAccount(user),
        headers: { 'Set-Cookie': signInCookie(deps.config, signInId) },
      };
    },
  }),
  defineRoute({
    method: 'post',
    path: '/auth/logout',
    tag: 'auth',
    summary: 'Sign out; sockets of this sign-in are cut',
    auth: 'cookie',
    scope: null,
    body: z.strictObject({}),
    responses: { 204: null },
    async handler({ deps, caller, address, requestId }) {
      await logout(deps, { key: webSessionKeyOf(caller)!, actorId: caller.id, address, requestId });
      return { status: 204, headers: { 'Set-Cookie': signInCookie(deps.config, null) } };
    },
  }),
];
