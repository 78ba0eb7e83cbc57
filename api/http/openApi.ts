import { OpenApiGeneratorV31, OpenAPIRegistry, type RouteConfig } from '@asteasolutions/zod-to-openapi';
import type { z } from 'zod';
import { API_PREFIX } from '#api/http/mountRoutes.ts';
import type { Route } from '#api/http/route.ts';
import { Problem } from '#shared/contracts/problem.ts';

/** The OpenAPI 3.1 document of the routes, made from the very schemas that they are checked with. */
export function describeRoutes(routes: Route[], version: string): object {
  const registry = new OpenAPIRegistry();
  const cookie = registry.registerComponent('securitySchemes', 'cookie', {
    type: 'apiKey',
    in: 'cookie',
    name: 'berth',
  });
  const token = registry.registerComponent('securitySchemes', 'token', { type: 'http', scheme: 'bearer' });
  for (const route of routes) {
    const ways = { none: [], cookie: [cookie.name], required: [cookie.name, token.name] }[route.auth];
    registry.registerPath({ ...operationOf(route), security: ways.map((name) => ({ [name]: [] })) });
  }
  return new OpenApiGeneratorV31(registry.definitions).generateDocument({
    openapi: '3.1.0',
    info: {
      title: 'Berth',
      version,
      description:
        'Every error is a problem body (RFC 9457) with a stable `code`. Lists are paged by `cursor`. A POST with an ' +
        '`Idempotency-Key` is carried out once, also when its answer was lost. Saves name the version they are based on in `If-Match`.',
    },
    servers: [{ url: '/' }],
  });
}

const BYTES = { type: 'string', format: 'binary' } as const;

function operationOf(route: Route): RouteConfig {
  const body = route.body as z.ZodType | undefined;
  return {
    method: route.method,
    path: `${API_PREFIX}${route.path}`,
    tags: [route.tag],
    summary: route.summary,
    ...(route.scope && route.auth === 'required' ? { description: describeScope(route) } : {}),
    request: {
      ...(route.params ? { params: route.params } : {}),
      ...(route.query ? { query: route.query } : {}),
      ...(body ? { body: { content: { 'application/json': { schema: body } } } } : {}),
      ...(route.bytes ? { body: { content: { [route.bytes]: { schema: BYTES } } } } : {}),
    },
    responses: { ...successes(route), default: problemResponse() },
  };
}

function describeScope(route: Route): string {
  return route.method === 'get'
    ? `A token needs the scope \`read\` or \`${route.scope}\`.`
    : `A token needs the scope \`${route.scope}\`.`;
}

function successes(route: Route): RouteConfig['responses'] {
  return Object.fromEntries(
    Object.entries(route.responses).map(([status, schema]) => [
      status,
      schema === null
        ? { description: 'Done; no JSON body.' }
        : { description: 'Done.', content: { 'application/json': { schema: schema as z.ZodType } } },
    ]),
  );
}

function problemResponse(): RouteConfig['responses'][string] {
  return { description: 'A problem.', content: { 'application/problem+json': { schema: Problem } } };
}
