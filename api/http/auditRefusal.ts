import type { Request, Response } from 'express';
import type { ApiDeps } from '#api/deps.ts';
import { addressOf, requestIdOf } from '#api/http/requestContext.ts';
import type { Caller, Route } from '#api/http/route.ts';
import { appendAudit } from '#platform/db/repositories/auditLog.ts';
import { type ErrorCode } from '#shared/domain/errorCatalogue.ts';
import { AppError } from '#shared/domain/errors.ts';

/** A request that was refused to somebody who is signed in. */
export interface RefusedRequest {
  route: Route;
  caller: Caller;
  request: Request;
  response: Response;
  code: ErrorCode;
}

/** True when somebody tried what they may not do; what they may not even know of is 404 and told to nobody. */
export function isRefusal(error: unknown): error is AppError {
  return error instanceof AppError && error.status === 403;
}

/** Writes the refusal into the audit. A failure of that is logged: the person is told why they were refused all the same. */
export async function auditRefusal(deps: Pick<ApiDeps, 'database' | 'log'>, refused: RefusedRequest): Promise<void> {
  const { route, caller, request, response, code } = refused;
  const entry = {
    actorId: caller.id,
    action: `${route.method.toUpperCase()} ${route.path}`,
    target: request.path.slice(0, 500),
    outcome: 'refused' as const,
    address: addressOf(request),
    requestId: requestIdOf(response),
    details: { code, credential: caller.scopes === null ? 'cookie' : 'token' },
  };
  try {
    await appendAudit(deps.database, entry);
  } catch (error) {
    deps.log.error({ err: error, requestId: entry.requestId }, 'a refusal could not be written into the audit');
  }
}
