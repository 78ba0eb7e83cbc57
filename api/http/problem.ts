import type { Response } from 'express';
import type { Logger } from 'pino';
import type { Problem } from '#shared/contracts/problem.ts';
import { ERROR_CATALOGUE } from '#shared/domain/errorCatalogue.ts';
import { AppError } from '#shared/domain/errors.ts';
import { databaseFailure } from '#platform/db/databaseFailure.ts';
import { requestIdOf } from '#api/http/requestContext.ts';

interface HttpFailure {
  status?: number;
  type?: string;
  limit?: number;
}

/** The expected failure that an error stands for; an unknown error becomes INTERNAL and keeps its cause for the log. */
export function toAppError(error: unknown): AppError {
  if (error instanceof AppError) return error;
  return databaseFailure(error) ?? httpFailure(error) ?? new AppError('INTERNAL', { cause: error });
}

/** What body-parser, the router and the static files throw. */
function httpFailure(error: unknown): AppError | null {
  if (error instanceof URIError) {
    return new AppError('INVALID_INPUT', { detail: 'The address holds a wrong percent-encoding.', cause: error });
  }
  if (!(error instanceof Error)) return null;
  const { status, type, limit } = error as HttpFailure;
  if (status === 413) {
    return new AppError('BODY_TOO_LARGE', { detail: `The body may have at most ${limit ?? 0} bytes.`, cause: error });
  }
  if (status === 415) return new AppError('UNSUPPORTED_MEDIA_TYPE', { detail: error.message, cause: error });
  if (status === 404) return new AppError('NOT_FOUND', { cause: error });
  if (status !== undefined && status >= 400 && status < 500) {
    const detail = type === 'entity.parse.failed' ? 'The body is not valid JSON.' : 'The request cannot be read.';
    return new AppError('MALFORMED_BODY', { detail, cause: error });
  }
  return null;
}

/** The problem body (RFC 9457) of a failure. The detail is the case's own sentence, else the remedy. */
export function presentProblem(error: AppError, requestId: string): Problem {
  const { title, remedy, status } = ERROR_CATALOGUE[error.code];
  return {
    type: `urn:berth:problem:${error.code.toLowerCase().replaceAll('_', '-')}`,
    title,
    status,
    code: error.code,
    detail: error.detail === undefined ? remedy : `${error.detail} ${remedy}`,
    requestId,
    errors: error.errors,
    ...(Object.keys(error.data).length > 0 ? { data: error.data } : {}),
  };
}

/** Answers with a failure. Unknown errors are logged with the request's id and told to nobody. */
export function sendProblem(response: Response, error: unknown, log: Logger): void {
  const failure = toAppError(error);
  const requestId = requestIdOf(response);
  if (failure.status >= 500) {
    log.error({ err: failure.cause ?? failure, code: failure.code, requestId }, 'a request failed');
  }
  if (response.headersSent) {
    response.destroy(failure);
    return;
  }
  const retryAfter = failure.data['retryAfterSeconds'];
  if (typeof retryAfter === 'number') response.set('Retry-After', String(retryAfter));
  if (failure.status === 401) response.set('WWW-Authenticate', 'Bearer realm="berth"');
  response
    .status(failure.status)
    .set('Content-Type', 'application/problem+json; charset=utf-8')
    .set('Cache-Control', 'no-store')
    .send(JSON.stringify(presentProblem(failure, requestId)));
}
