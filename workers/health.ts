import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Workers } from '#workers/createWorkers.ts';

/** What the health of a worker process is told from, and where. Port 0 takes a free one. */
export interface HealthOptions {
  host: string;
  port: number;
  workers: Pick<Workers, 'working'>;
}

/** The server of a worker's health. */
export interface HealthServer {
  port: number;
  close(): Promise<void>;
}

/**
 * Serves `/healthz` (the process runs) and `/readyz` (every role takes work; 503 before that and while it ends). Rejects
 * when the port is taken.
 */
export async function serveHealth({ host, port, workers }: HealthOptions): Promise<HealthServer> {
  const server = createServer((request, response) => {
    const ready = workers.working();
    const answers: Record<string, { code: number; status: string }> = {
      '/healthz': { code: 200, status: 'ok' },
      '/readyz': ready ? { code: 200, status: 'ok' } : { code: 503, status: 'unavailable' },
    };
    const answer = request.method === 'GET' ? answers[request.url ?? ''] : undefined;
    response
      .writeHead(answer?.code ?? 404, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' })
      .end(JSON.stringify({ status: answer?.status ?? 'not found' }));
  });
  server.listen(port, host);
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}
