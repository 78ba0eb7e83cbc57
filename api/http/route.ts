import type { Request } from 'express';
import type { Readable } from 'node:stream';
import type { z } from 'zod';
import type { TokenScope } from '#shared/contracts/user.ts';
import type { Config } from '#platform/config/config.ts';
import type { ApiDeps } from '#api/deps.ts';
import type { RateLimits } from '#api/http/rateLimits.ts';

/** Who makes a request. A token has scopes; a browser's session has all. */
export interface Caller {
  id: number;
  username: string;
  reviewerLevel: number;
  isOperator: boolean;
  /** Null for a browser's session. */
  scopes: TokenScope[] | null;
  /** The token's or web session's key, to cut its sockets when it ends. */
  credentialId: string;
}

/** What a handler gets: everything is parsed and the caller is known (null only where `auth` is 'none'). */
export interface RequestContext<Params, Query, Body> {
  deps: ApiDeps;
  limits: RateLimits;
  caller: Caller;
  params: Params;
  query: Query;
  body: Body;
  /** The version in If-Match, null when the header is missing. */
  ifMatch: number | null;
  requestId: string;
  address: string;
  request: Request;
}

/** What a handler answers. A `body` is sent as JSON, a `stream` as it is with its headers. */
export interface Reply {
  status: number;
  body?: unknown;
  stream?: Readable | Buffer;
  headers?: Record<string, string>;
}

/** One route: its place in the table, its contract, and its handler. OpenAPI and the route tests are made from it. */
export interface RouteDefinition<Params extends z.ZodType, Query extends z.ZodType, Body extends z.ZodType> {
  method: 'get' | 'post' | 'put' | 'patch' | 'delete';
  /** Below /api/v1, with {name} for parameters. */
  path: string;
  tag: string;
  summary: string;
  auth: 'required' | 'cookie' | 'none';
  /** The scope that a token needs. */
  scope: TokenScope | null;
  limit?: 'default' | 'login' | 'expensive';
  /** Bytes of a request body; 1 MiB unless told. */
  bodyLimit?(config: Config): number;
  /** The content type of a body that is bytes: the handler reads them from the request itself. */
  bytes?: string;
  /** The answer holds a secret: it is never stored for an Idempotency-Key. */
  secretAnswer?: boolean;
  params?: Params;
  query?: Query;
  body?: Body;
  /** Schema of each success status; null for one without a body. */
  responses: Record<number, z.ZodType | null>;
  handler(context: RequestContext<z.infer<Params>, z.infer<Query>, z.infer<Body>>): Promise<Reply>;
}

/** A route with its types put away, as the table holds it. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- the table holds routes of every shape; defineRoute checked each.
export type Route = RouteDefinition<any, any, any>;

/** Checks a route's types where it is written and returns it for the table. */
export function defineRoute<Params extends z.ZodType, Query extends z.ZodType, Body extends z.ZodType>(
  route: RouteDefinition<Params, Query, Body>,
): Route {
  return route;
}
