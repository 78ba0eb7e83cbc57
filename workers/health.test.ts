import { serveHealth, type HealthServer } from '#workers/health.ts';

describe('the health of a worker process', () => {
  let working = false;
  let server: HealthServer;

  beforeAll(async () => {
    server = await serveHealth({ host: '127.0.0.1', port: 0, workers: { working: () => working } });
  });

  afterAll(() => server.close());

  const ask = async (path: string, method = 'GET'): Promise<number> =>
    (await fetch(`http://127.0.0.1:${String(server.port)}${path}`, { method })).status;

  it('is alive before it takes work, and ready only while it does', async () => {
    expect([await ask('/healthz'), await ask('/readyz')]).toEqual([200, 503]);
    working = true;
    expect([await ask('/healthz'), await ask('/readyz')]).toEqual([200, 200]);
    working = false;
    expect([await ask('/healthz'), await ask('/readyz')]).toEqual([200, 503]);
  });

  it('answers to nothing else', async () => {
    expect([await ask('/'), await ask('/metrics'), await ask('/healthz', 'POST')]).toEqual([404, 404, 404]);
  });

  it('refuses to start on a port that is taken', async () => {
    const second = serveHealth({ host: '127.0.0.1', port: server.port, workers: { working: () => true } });
    await expect(second).rejects.toThrow('EADDRINUSE');
  });
});
