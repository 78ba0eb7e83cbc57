import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import express, { type ErrorRequestHandler, type Express } from 'express';
import { handOffsSettled } from '#api/commands/items/handOffChange.ts';
import type { ApiDeps } from '#api/deps.ts';
import { createDocumentation } from '#api/http/documentation.ts';
import { createHealth } from '#api/http/health.ts';
import { API_PREFIX, mountRoutes } from '#api/http/mountRoutes.ts';
import { createObserver } from '#api/http/observe.ts';
import { sendProblem } from '#api/http/problem.ts';
import { createRateLimits, type RateLimits } from '#api/http/rateLimits.ts';
import { refuseBrokenRequest } from '#api/http/brokenRequest.ts';
import { nameRequest } from '#api/http/requestContext.ts';
import type { Route } from '#api/http/route.ts';
import { createSecurityHeaders } from '#api/http/securityHeaders.ts';
import { createSite } from '#api/http/site.ts';
import { createMetricsServer } from '#api/http/metricsServer.ts';
import { createPreviews } from '#api/previews/createPreviews.ts';
import { createSockets } from '#api/sockets/createSockets.ts';
import { routes } from '#api/routes/routes.ts';
import { createApiMetrics, type ApiMetrics } from '#platform/observability/metrics.ts';
import { AppError } from '#shared/domain/errors.ts';

const MAX_HEADER_BYTES = 16_384;
const REQUEST_DEADLINE_MS = 120_000;
/** Answers under way get so long at the end of the process. */
const DRAIN_MS = 8_000;

/** A Berth api. `close` finishes the answers under way, ends sockets and frees the ports; it leaves what `deps` hold. */
export interface Api {
  listen(): Promise<{ port: number; metricsPort: number }>;
  close(): Promise<void>;
  routes: Route[];
}

/** Puts the api together. */
export function createApi(deps: ApiDeps): Api {
  const metrics = createApiMetrics(deps.database);
  const limits = createRateLimits(deps.config, deps.database);
  // It never listens: what is ours comes to it from the port, and nothing that is for the host of a preview.
  const ours = createServer(createApplication(deps, limits, metrics));
  const sockets = createSockets({ deps, limits, metrics, server: ours });
  const previews = createPreviews(deps, limits);
  const server = createServer({ maxHeaderSize: MAX_HEADER_BYTES, requestTimeout: REQUEST_DEADLINE_MS });
  server.on('clientError', refuseBrokenRequest);
  previews.putBefore(ours, server);
  const metricsServer = createMetricsServer(metrics);
  return {
    routes,
    async listen() {
      const port = await listenOn(server, deps.config.BERTH_PORT, deps.config.BERTH_HOST);
      const metricsPort = await listenOn(metricsServer, deps.config.BERTH_METRICS_PORT, deps.config.BERTH_HOST);
      return { port, metricsPort };
    },
    async close() {
      // The ports first: whoever is cut comes again at once, and must not be let in by a process that ends.
      await Promise.all([closeServer(server), closeServer(metricsServer), sockets.close(), previews.close()]);
      // Each is bounded in time; their agents and the database are closed next.
      await handOffsSettled();
    },
  };
}

function createApplication(deps: ApiDeps, limits: RateLimits, metrics: ApiMetrics): Express {
  const application = express();
  application.disable('x-powered-by');
  application.disable('etag');
  application.set('trust proxy', deps.config.BERTH_TRUST_PROXY_HOPS);
  application.use(nameRequest, createObserver(metrics, deps.log), ...createSecurityHeaders(deps.config));
  application.use(createHealth(deps), createDocumentation(routes));
  application.use(API_PREFIX, mountRoutes(deps, limits, routes));
  application.use('/api', (_request, response) => sendProblem(response, new AppError('NOT_FOUND'), deps.log));
  application.use(createSite());
  application.use((_request, response) => sendProblem(response, new AppError('NOT_FOUND'), deps.log));
  // eslint-disable-next-line max-params -- express knows a handler of errors by its four parameters.
  const fail: ErrorRequestHandler = (error: unknown, _request, response, _next) =>
    sendProblem(response, error, deps.log);
  application.use(fail);
  return application;
}

function listenOn(server: Server, port: number, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve((server.address() as AddressInfo).port);
    });
  });
}

/** Takes no new connection, lets answers end, and then cuts what is left. */
async function closeServer(server: Server): Promise<void> {
  if (!server.listening) return;
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  // A connection whose answer ends now would be kept for the next request that nobody may send any more.
  const sweep = setInterval(() => server.closeIdleConnections(), 50);
  const cut = setTimeout(() => server.closeAllConnections(), DRAIN_MS);
  await closed;
  clearInterval(sweep);
  clearTimeout(cut);
}
