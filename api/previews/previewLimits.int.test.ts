import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PREVIEW_PROGRAM } from '#tests/support/previewProgram.ts';
import { collect, sendRaw, visit, type Answer, type Visit } from '#tests/support/previewVisitor.ts';
import { buildRunningSession, type RunningSession } from '#tests/support/runningSession.ts';
import { startTestApi, type TestApi } from '#tests/support/testApi.ts';
import { waitFor } from '#tests/support/waitFor.ts';

const PORT = 18_532;
const MAX_BODY = 4 * 1024 * 1024;

let api: TestApi;
let running: RunningSession;
let host: string;
let cookie: string;

beforeAll(async () => {
  api = await startTestApi({ PREVIEW_MAX_BODY_BYTES: String(MAX_BODY), PREVIEW_ANSWER_SECONDS: '3' });
  const alice = await api.person({ username: 'alice' });
  running = await buildRunningSession(api, alice.id);
  const { uuid } = running.session;
  writeFileSync(join(api.config.BERTH_DATA_DIR, 'volumes', uuid, 'workspace', 'program.py'), PREVIEW_PROGRAM);
  const agent = await api.deps.agentPool.get(uuid, 1);
  await agent.runs.start({
    id: '1',
    argv: ['python3', 'program.py', String(PORT)],
    folder: '',
    environment: {},
    stdin: new Uint8Array(),
    timeLimitMs: 300_000,
    outputLimitBytes: 4_096,
  });
  await waitFor(async () => (await agent.ports.list()).length === 1, { deadlineMs: 20_000, what: 'the program' });
  const opened = await api.send('POST', `/api/v1/sessions/${uuid}/previews`, { as: alice, body: { port: PORT } });
  const address = new URL(opened.body.address as string);
  ({ host } = address);
  const entered = await visit(api.url, address.pathname + address.search, { host });
  cookie = entered.headers['set-cookie']?.[0]?.split(';')[0] ?? '';
});
afterAll(async () => {
  await running.destroy();
  await api.close();
});

const ask = (path: string, given: Partial<Visit> = {}): Promise<Answer> =>
  visit(api.url, path, { host, cookie, ...given });

/** The rest of a body that nobody reads may break the connection before its answer is read. */
function brokenOff(error: Error & { code?: string }): null {
  if (error.code === 'EPIPE' || error.code === 'ECONNRESET') return null;
  throw error;
}

describe('a preview', () => {
  it.each([false, true])(
    'takes a body up to its limit and refuses one of a byte more (in pieces: %s)',
    async (chunked) => {
      const most = await ask('/digest', { method: 'POST', body: Buffer.alloc(MAX_BODY), chunked });
      expect(most.status).toBe(200);
      const over = await ask('/digest', { method: 'POST', body: Buffer.alloc(MAX_BODY + 1), chunked }).catch(brokenOff);
      expect([413, null]).toContain(over?.status ?? null);
      expect((await ask('/')).status).toBe(200);
    },
  );

  it('gives up on an answer that does not begin, and waits for the rest of one that has begun', async () => {
    const silent = await ask('/silent');
    expect([silent.status, silent.body.toString().includes('The program does not answer')]).toEqual([504, true]);
    expect((await ask('/late')).body.toString()).toBe('late');
    await ask('/go', { method: 'POST' });
  });

  it('waits longer than that for a body that is still on its way', async () => {
    const socket = sendRaw(
      api.url,
      `POST /digest HTTP/1.1\r\nHost: ${host}\r\nCookie: ${cookie}\r\nContent-Length: 3\r\nConnection: close\r\n\r\n`,
    );
    const got = collect(socket);
    const began = performance.now();
    // A slow sender: 3.6 s in all, and, on a busy machine too, never 3 s of silence.
    for (const byte of [1, 2, 3]) {
      await waitFor(() => performance.now() - began > byte * 1_200, { what: 'the sender’s next byte' });
      socket.write('x');
    }
    await waitFor(() => got.closed(), { what: 'the answer' });
    expect(got.text()).toMatch(/^HTTP\/1\.1 200 /);
  });
});
