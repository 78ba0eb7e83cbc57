import { createServer, type Server } from 'node:http';
import type { ApiMetrics } from '#platform/observability/metrics.ts';

/** Serves /metrics, on a port of its own so that it is never public by accident. */
export function createMetricsServer(metrics: ApiMetrics): Server {
  return createServer((request, response) => {
    if (request.method !== 'GET' || request.url !== '/metrics') {
      response.writeHead(404).end();
      return;
    }
    metrics.registry.metrics().then(
      (text) => response.writeHead(200, { 'Content-Type': metrics.registry.contentType }).end(text),
      () => response.writeHead(500).end(), // The scraper sees the failure; there is nobody else to tell.
    );
  });
}
