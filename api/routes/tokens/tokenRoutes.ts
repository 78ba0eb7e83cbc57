import { z } from 'zod';
import { createToken, revokeToken } from '#api/commands/tokens.ts';
import { pageOfRows, readIdCursor } from '#api/http/cursor.ts';
import { defineRoute, type Route } from '#api/http/route.ts';
import { presentToken } from '#api/presenters/tokenPresenter.ts';
import { listApiTokens } from '#platform/db/repositories/apiTokens.ts';
import { pageOf, PageQuery } from '#shared/contracts/problem.ts';
import { CreatedToken, CreateToken, Token } from '#shared/contracts/user.ts';

const TokenParams = z.strictObject({ id: z.coerce.number().int().positive().max(2_147_483_647) });

/** Tokens for automation. A token can neither see nor make tokens. */
export const tokenRoutes: Route[] = [
  defineRoute({
    method: 'get',
    path: '/tokens',
    tag: 'tokens',
    summary: 'Your tokens, newest first, without their secrets',
    auth: 'cookie',
    scope: null,
    query: PageQuery,
    responses: { 200: pageOf(Token) },
    async handler({ deps, caller, query }) {
      const beforeId = readIdCursor(query.cursor);
      const found = await listApiTokens(deps.database, { userId: caller.id, beforeId, limit: query.limit + 1 });
      const { rows, nextCursor } = pageOfRows(found, query.limit);
      return { status: 200, body: { items: rows.map(presentToken), nextCursor } };
    },
  }),
  defineRoute({
    method: 'post',
    path: '/tokens',
    tag: 'tokens',
    summary: 'Make a token; the secret is in this answer alone',
    auth: 'cookie',
    scope: null,
    limit: 'expensive',
    secretAnswer: true,
    body: CreateToken,
    responses: { 201: CreatedToken },
    async handler({ deps, caller, body, address, requestId }) {
      const { token, secret } = await createToken(deps, { actorId: caller.id, address, requestId }, body);
      return { status: 201, body: { ...presentToken(token), secret } };
    },
  }),
  defineRoute({
    method: 'delete',
    path: '/tokens/{id}',
    tag: 'tokens',
    summary: 'End a token; its sockets are cut',
    auth: 'cookie',
    scope: null,
    params: TokenParams,
    responses: { 204: null },
    async handler({ deps, caller, params, address, requestId }) {
      await revokeToken(deps, { actorId: caller.id, address, requestId }, params.id);
      return { status: 204 };
    },
  }),
];
