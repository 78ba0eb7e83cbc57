import { Router, type RequestHandler } from 'express';
import type { ApiDeps } from '#api/deps.ts';
import { createColumn } from '#api/http/column.ts';
import type { RateLimits } from '#api/http/rateLimits.ts';
import type { Route } from '#api/http/route.ts';
import { sendProblem } from '#api/http/problem.ts';
import { AppError } from '#shared/domain/errors.ts';

/** Where the routes of the table live. */
export const API_PREFIX = '/api/v1';

/** A router with every route of the table; other methods of a known address get 405, unknown addresses 404. */
export function mountRoutes(deps: ApiDeps, limits: RateLimits, routes: Route[]): Router {
  const router = Router({ caseSensitive: true });
  for (const route of routes) {
    router[route.method](expressPath(route.path), markRoute(route), createColumn(deps, limits, route));
  }
  for (const [path, methods] of methodsByPath(routes)) {
    router.all(expressPath(path), (_request, response) => {
      response.set('Allow', methods.join(', '));
      sendProblem(
        response,
        new AppError('METHOD_NOT_ALLOWED', { detail: `Allowed are ${methods.join(', ')}.` }),
        deps.log,
      );
    });
  }
  router.use((_request, response) => sendProblem(response, new AppError('NOT_FOUND'), deps.log));
  return router;
}

/** Tells the metrics which route of the table a request is. */
function markRoute(route: Route): RequestHandler {
  return (_request, response, next) => {
    response.locals['route'] = `${API_PREFIX}${route.path}`;
    next();
  };
}

function expressPath(path: string): string {
  return path.replaceAll(/\{(\w+)\}/g, ':$1');
}

function methodsByPath(routes: Route[]): Map<string, string[]> {
  const methods = new Map<string, string[]>();
  for (const { path, method } of routes) {
    methods.set(path, [...(methods.get(path) ?? []), method.toUpperCase(), ...(method === 'get' ? ['HEAD'] : [])]);
  }
  return methods;
}
