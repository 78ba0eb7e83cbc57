import type { RequestHandler } from 'express';
import type { Logger } from 'pino';
import type { ApiMetrics } from '#platform/observability/metrics.ts';
import { requestIdOf } from '#api/http/requestContext.ts';

/** Measures and logs each request when its answer has ended; without its address's parameters, which may be private. */
export function createObserver(metrics: ApiMetrics, log: Logger): RequestHandler {
  return (request, response, next) => {
    const began = process.hrtime.bigint();
    response.on('close', () => {
      const seconds = Number(process.hrtime.bigint() - began) / 1e9;
      const route = (response.locals['route'] as string | undefined) ?? 'page';
      metrics.requestSeconds.observe({ method: request.method, route, status: response.statusCode }, seconds);
      log.debug(
        { requestId: requestIdOf(response), method: request.method, route, status: response.statusCode, seconds },
        'request',
      );
    });
    next();
  };
}
