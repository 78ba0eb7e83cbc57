import { randomUUID } from 'node:crypto';
import type { NextFunction, Request, Response } from 'express';

const KNOWN_SHAPE = /^[\w-]{8,64}$/;

/** Names the request: the client's X-Request-Id when it is a plain one, else a new one. Every answer carries it. */
export function nameRequest(request: Request, response: Response, next: NextFunction): void {
  const given = request.get('x-request-id');
  const id = given && KNOWN_SHAPE.test(given) ? given : randomUUID();
  response.locals['requestId'] = id;
  response.set('X-Request-Id', id);
  next();
}

/** The request's name, for logs, problems and the audit. */
export function requestIdOf(response: Response): string {
  return response.locals['requestId'] as string;
}

/** The caller's address, behind as many proxies as the configuration trusts. */
export function addressOf(request: Request): string {
  return request.ip ?? 'unknown';
}
