import { z } from 'zod';
import { signInCookie } from '#api/auth/cookies.ts';
import { webSessionKeyOf } from '#api/auth/authenticate.ts';
import { grantLevel, promoteSelf, stepDown, type OwnLevelChange } from '#api/commands/setReviewerLevel.ts';
import { pageOfRows, readIdCursor } from '#api/http/cursor.ts';
import { defineRoute, type RequestContext, type Route } from '#api/http/route.ts';
import { requireGrantor, requireMaySetLevelOf } from '#api/policies/userPolicy.ts';
import { presentAccount } from '#api/presenters/userPresenter.ts';
import { findUserById, listUsers, updateSettings } from '#platform/db/repositories/users.ts';
import { pageOf, PageQuery } from '#shared/contracts/problem.ts';
import { Account, SetReviewerLevel, UpdateAccount } from '#shared/contracts/user.ts';
import { AppError } from '#shared/domain/errors.ts';

const UserParams = z.strictObject({ id: z.coerce.number().int().positive().max(2_147_483_647) });

function ownChange({ caller, address, requestId }: RequestContext<never, never, never>): OwnLevelChange {
  return { actorId: caller.id, webSessionKey: webSessionKeyOf(caller)!, address, requestId };
}

function refuseMomentThatHasPassed({ awayUntil }: UpdateAccount): void {
  if (awayUntil === undefined || awayUntil === null || Date.parse(awayUntil) > Date.now()) return;
  const message = 'has passed already';
  throw new AppError('INVALID_INPUT', {
    detail: `awayUntil ${message}.`,
    errors: [{ path: 'awayUntil', message }],
  });
}

/** Accounts: one's own, and for those who grant levels all of them. */
export const userRoutes: Route[] = [
  defineRoute({
    method: 'get',
    path: '/users/me',
    tag: 'users',
    summary: 'Your account',
    auth: 'required',
    scope: null,
    responses: { 200: Account },
    async handler({ deps, caller }) {
      const user = await findUserById(deps.database, caller.id);
      if (!user) throw new AppError('NOT_AUTHENTICATED');
      return { status: 200, body: presentAccount(user) };
    },
  }),
  defineRoute({
    method: 'patch',
    path: '/users/me',
    tag: 'users',
    summary: 'Change your settings: away until a moment, and what you are told of',
    auth: 'required',
    scope: 'reviews',
    body: UpdateAccount,
    responses: { 200: Account },
    async handler({ deps, caller, body }) {
      refuseMomentThatHasPassed(body);
      const { awayUntil, notifyOnlyMyTurn } = body;
      return {
        status: 200,
        body: presentAccount(await updateSettings(deps.database, caller.id, { awayUntil, notifyOnlyMyTurn })),
      };
    },
  }),
  defineRoute({
    method: 'post',
    path: '/users/me/promote',
    tag: 'users',
    summary: 'Make yourself a reviewer, as far as this installation allows',
    auth: 'cookie',
    scope: null,
    secretAnswer: true,
    body: z.strictObject({}),
    responses: { 200: Account },
    async handler(context) {
      const { user, signInId } = await promoteSelf(context.deps, ownChange(context as never));
      const cookie = signInCookie(context.deps.config, signInId);
      return { status: 200, body: presentAccount(user), headers: { 'Set-Cookie': cookie } };
    },
  }),
  defineRoute({
    method: 'post',
    path: '/users/me/step-down',
    tag: 'users',
    summary: 'Give up your reviewer level',
    auth: 'cookie',
    scope: null,
    secretAnswer: true,
    body: z.strictObject({}),
    responses: { 200: Account },
    async handler(context) {
      const { user, signInId } = await stepDown(context.deps, ownChange(context as never));
      const cookie = signInCookie(context.deps.config, signInId);
      return { status: 200, body: presentAccount(user), headers: { 'Set-Cookie': cookie } };
    },
  }),
  defineRoute({
    method: 'get',
    path: '/users',
    tag: 'users',
    summary: 'All accounts (reviewer level 4 or operator)',
    auth: 'required',
    scope: null,
    query: PageQuery,
    responses: { 200: pageOf(Account) },
    async handler({ deps, caller, query }) {
      requireGrantor(caller);
      const afterId = readIdCursor(query.cursor) ?? 0;
      const found = await listUsers(deps.database, { afterId, limit: query.limit + 1 });
      const { rows, nextCursor } = pageOfRows(found, query.limit);
      return { status: 200, body: { items: rows.map(presentAccount), nextCursor } };
    },
  }),
  defineRoute({
    method: 'put',
    path: '/users/{id}/reviewer-level',
    tag: 'users',
    summary: "Set another person's reviewer level (reviewer level 4 or operator)",
    auth: 'cookie',
    scope: null,
    params: UserParams,
    body: SetReviewerLevel,
    responses: { 200: Account },
    async handler({ deps, caller, params, body, address, requestId }) {
      const change = { actorId: caller.id, userId: params.id, address, requestId };
      requireMaySetLevelOf(caller, params.id);
      return { status: 200, body: presentAccount(await grantLevel(deps, change, body.reviewerLevel)) };
    },
  }),
];
