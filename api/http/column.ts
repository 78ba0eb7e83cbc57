import type { Request, RequestHandler, Response } from 'express';
import type { ApiDeps } from '#api/deps.ts';
import { authenticate } from '#api/auth/authenticate.ts';
import { auditRefusal, isRefusal } from '#api/http/auditRefusal.ts';
import { createBodyReader, createBytesGate, DEFAULT_BODY_LIMIT } from '#api/http/bodies.ts';
import { onceFor } from '#api/http/idempotency.ts';
import { parseIfMatch } from '#api/http/ifMatch.ts';
import { networkOf } from '#api/http/networks.ts';
import { requireOrigin } from '#api/http/origin.ts';
import { sendProblem } from '#api/http/problem.ts';
import type { RateLimits, RateStanding } from '#api/http/rateLimits.ts';
import { sendReply } from '#api/http/reply.ts';
import { addressOf, requestIdOf } from '#api/http/requestContext.ts';
import type { Caller, Reply, RequestContext, Route } from '#api/http/route.ts';
import { validate, type RequestParts } from '#api/http/validate.ts';
import { AppError } from '#shared/domain/errors.ts';

type AnyContext = RequestContext<unknown, unknown, unknown>;

/** The column that every request of a route passes: limit, authenticate, origin, body, validate, once per key, handler. */
export function createColumn(deps: ApiDeps, limits: RateLimits, route: Route): RequestHandler {
  const readBody =
    route.bytes === undefined
      ? createBodyReader(route.bodyLimit?.(deps.config) ?? DEFAULT_BODY_LIMIT)
      : createBytesGate(route.bytes);

  async function pass(request: Request, response: Response): Promise<void> {
    await limitNetwork(request, response);
    const caller = route.auth === 'none' ? null : await authenticate(deps, request.headers);
    try {
      authorize(request, caller);
      await limitCaller(caller, response);
      const body = await readBody(request, response);
      const parts = validate(route, { params: request.params, query: request.query, body });
      const context = contextOf({ request, response, caller, parts });
      sendReply(response, await carryOut(context));
    } catch (error) {
      if (caller && isRefusal(error)) await auditRefusal(deps, { route, caller, request, response, code: error.code });
      throw error;
    }
  }

  async function limitNetwork(request: Request, response: Response): Promise<void> {
    const network = networkOf(addressOf(request));
    tellStanding(response, await limits.take('default', network));
    if (route.limit === 'login') tellStanding(response, await limits.take('login', network));
  }

  async function limitCaller(caller: Caller | null, response: Response): Promise<void> {
    if (caller && route.limit === 'expensive')
      tellStanding(response, await limits.take('expensive', String(caller.id)));
  }

  function authorize(request: Request, caller: Caller | null): void {
    const mutates = route.method !== 'get';
    if (route.auth === 'none') {
      // A page of another origin must not sign its visitor in or out; programs send no Origin.
      if (mutates && request.get('origin') !== undefined) requireOrigin(deps.config, request.get('origin'));
      return;
    }
    if (!caller) throw new AppError('NOT_AUTHENTICATED');
    if (caller.scopes === null) {
      if (mutates) requireOrigin(deps.config, request.get('origin'));
    } else if (route.auth === 'cookie') {
      throw new AppError('FORBIDDEN', { detail: 'A token cannot do this; sign in with your password.' });
    } else requireScope(route, caller);
  }

  function contextOf(parts: {
    request: Request;
    response: Response;
    caller: Caller | null;
    parts: RequestParts;
  }): AnyContext {
    const { request, response, caller } = parts;
    return {
      deps,
      limits,
      // Routes with auth 'none' never look at the caller; the contract says so.
      caller: caller as Caller,
      ...parts.parts,
      ifMatch: parseIfMatch(request.get('if-match')),
      requestId: requestIdOf(response),
      address: addressOf(request),
      request,
    };
  }

  function carryOut(context: AnyContext): Promise<Reply> {
    const { request, caller } = context;
    const key = request.get('idempotency-key');
    if (route.method !== 'post' || key === undefined || route.auth === 'none') return route.handler(context);
    // Bytes are not read here: of two requests with bytes only their length is compared.
    const body = route.bytes === undefined ? context.body : request.get('content-length');
    const secretAnswer = route.secretAnswer ?? false;
    return onceFor(
      deps.database,
      { userId: caller.id, key, method: request.method, path: request.originalUrl, body, secretAnswer },
      (database) => route.handler({ ...context, deps: { ...deps, database } }),
    );
  }

  return (request, response) => {
    pass(request, response).catch((error: unknown) => sendProblem(response, error, deps.log));
  };
}

/** Throws SCOPE_MISSING unless the token covers the route. `read` covers every GET. */
function requireScope(route: Route, caller: Caller): void {
  const scopes = caller.scopes ?? [];
  if (route.method === 'get' && scopes.includes('read')) return;
  if (route.scope !== null && scopes.includes(route.scope)) return;
  const wanted = route.method === 'get' ? 'read' : route.scope;
  throw new AppError('SCOPE_MISSING', {
    detail: wanted ? `The token lacks the scope ${wanted}.` : 'No scope of a token covers this.',
  });
}

function tellStanding(response: Response, standing: RateStanding | null): void {
  if (!standing) return;
  response.set({
    'RateLimit-Limit': String(standing.limit),
    'RateLimit-Remaining': String(standing.remaining),
    'RateLimit-Reset': String(standing.resetSeconds),
  });
}
