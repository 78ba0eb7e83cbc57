import { randomBytes } from 'node:crypto';
import { jest } from '@jest/globals';
import { cookieName } from '#api/auth/cookies.ts';
import { startSignIn } from '#api/auth/signIn.ts';
import { createApi, type Api } from '#api/createApi.ts';
import { allowedOrigin } from '#api/http/origin.ts';
import type { SessionRecord } from '#platform/db/repositories/sessions.ts';
import { createTestNamespace, type TestNamespace } from '#tests/support/cluster.ts';
import { workspaceImage } from '#tests/support/images.ts';
import { PREVIEW_PROGRAM } from '#tests/support/previewProgram.ts';
import { collect, sendRaw, visit, type Answer } from '#tests/support/previewVisitor.ts';
import { receiptOf, requestRun, startOf } from '#tests/support/runStage.ts';
import { createSessionStack, type SessionStack } from '#tests/support/sessionStack.ts';
import { createTestDeps } from '#tests/support/testApi.ts';
import { openScreen } from '#tests/support/terminalScreen.ts';
import { waitFor } from '#tests/support/waitFor.ts';

const MINUTE = 60_000;
const PORT = 8_137;
jest.setTimeout(2 * MINUTE);

/* One session, opened once for all of it and once more at the end: what needs a pod's own kernel, programs and network. */
describe('a session in a pod', () => {
  let namespace: TestNamespace;
  let stack: SessionStack;
  let session: SessionRecord;
  let api: Api;
  let url: string;
  let cookie: string;
  let closeDeps: () => Promise<void>;
  beforeAll(async () => {
    namespace = await createTestNamespace({ BERTH_WORKSPACE_IMAGE: await workspaceImage() });
    stack = await createSessionStack({ ...namespace.settings, RATE_LIMIT_ENABLED: 'false' });
    const parts = await createTestDeps({ ...stack, drop: () => stack.stop() });
    closeDeps = parts.close;
    api = createApi(parts.deps);
    url = `http://127.0.0.1:${(await api.listen()).port}`;
    session = await stack.newSession();
    const id = await startSignIn(parts.deps, {
      userId: session.userId,
      origin: { address: '127.0.0.1', userAgent: 'test' },
    });
    cookie = `${cookieName(stack.config)}=${id}`;
    await stack.open(session);
    await stack.reaches(session, 'running');
  }, 16 * MINUTE);
  afterAll(async () => {
    await api.close();
    await closeDeps();
    await stack.stop();
    await namespace.drop();
  }, 2 * MINUTE);

  async function ask(method: string, path: string, body?: object): Promise<{ status: number; text: string }> {
    const headers = { cookie, origin: allowedOrigin(stack.config), 'content-type': 'application/json' };
    const answer = await fetch(`${url}/api/v1/sessions/${session.uuid}${path}`, {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    return { status: answer.status, text: await answer.text() };
  }

  it('runs a command once, with both outputs, its exit code and the files that it began with', async () => {
    const run = await requestRun(stack, session, { command: 'cat; echo aside >&2; id -u; exit 3', stdin: 'given\n' });
    const receipt = await receiptOf(stack, run);
    expect(receipt).toMatchObject({ status: 'failed', exitCode: 3, out: 'given\n1000\n', err: 'aside\n' });
    expect(receipt.manifestSha256).toMatch(/^[0-9a-f]{64}$/);
  });

  it('is recorded, and the recording is there to be played', async () => {
    const agent = await stack.agent(session);
    const { id } = await agent.openTerminal({ name: 'shown', size: { cols: 80, rows: 24 } });
    const screen = await openScreen(agent, id);
    await screen.awaitText('$ ');
    const begun = await ask('POST', `/terminals/${id}/recordings`, {});
    expect(begun.status).toBe(201);
    screen.type('echo recorded-$((40+2))\r');
    await screen.awaitText('recorded-42');
    const recording = (JSON.parse(begun.text) as { id: string }).id;
    expect((await ask('POST', `/recordings/${recording}/stop`)).status).toBe(200);
    expect((await ask('GET', `/recordings/${recording}/content`)).text).toContain('recorded-42');
  });

  it('shows what a program serves on a port, by HTTP and by WebSocket', async () => {
    const command = `cat > /tmp/serve.py && exec python3 /tmp/serve.py ${PORT}`;
    await startOf(stack, await requestRun(stack, session, { command, stdin: PREVIEW_PROGRAM }));
    await waitFor(async () => (await ask('GET', '/ports')).text.includes(`"port":${PORT}`), {
      deadlineMs: 30_000,
      what: 'the port',
    });
    const address = new URL(JSON.parse((await ask('POST', '/previews', { port: PORT })).text).address as string);
    const { host } = address;
    const entered = await visit(url, address.pathname + address.search, { host });
    const guest = entered.headers['set-cookie']?.[0]?.split(';')[0] ?? '';
    const see = (path: string): Promise<Answer> => visit(url, path, { host, cookie: guest });
    expect((await see('/deep')).body.toString()).toBe('hello from /deep');
    expect((await see('/bytes')).body.byteLength).toBe(320 * 65_536);
    const key = randomBytes(16).toString('base64');
    const socket = sendRaw(
      url,
      `GET /ws HTTP/1.1\r\nHost: ${host}\r\nCookie: ${guest}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
        `Sec-WebSocket-Key: ${key}\r\nSec-WebSocket-Version: 13\r\n\r\n`,
    );
    const got = collect(socket);
    await waitFor(() => got.text().includes(' 101 '), { what: 'the upgrade' });
    const sent = randomBytes(1_048_576);
    socket.write(sent);
    await waitFor(() => got.bytes().subarray(-sent.byteLength).equals(sent), { deadlineMs: 30_000, what: 'the echo' });
    socket.destroy();
  });

  it('keeps a clone that was made in it, recordings and receipts over a close and an open', async () => {
    const clone =
      'git init -q -b main /tmp/from && cd /tmp/from && git config user.email a@example.org && git config user.name Ada && ' +
      'echo one > one.txt && git add . && git commit -qm first && git clone -q /tmp/from /app/workspace/clone && ' +
      'cd /app/workspace/clone && echo two > two.txt && git add two.txt';
    expect(await receiptOf(stack, await requestRun(stack, session, { command: clone }))).toMatchObject({ exitCode: 0 });
    await stack.close(session);
    await stack.reaches(session, 'closed');
    expect(await stack.volumeState(session)).toBeNull();
    expect((await ask('GET', '/recordings')).text).toContain('"terminalName":"shown"');
    await stack.open(session);
    await stack.reaches(session, 'running', 2);
    const command = 'git fsck --strict 2>&1 && git log --format=%s && git status --short';
    const after = await receiptOf(stack, await requestRun(stack, session, { command, folder: 'clone' }));
    expect(after).toMatchObject({ exitCode: 0, out: expect.stringMatching(/first\nA {2}two\.txt\n$/) });
  });
});
