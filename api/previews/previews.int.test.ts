import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Socket } from 'node:net';
import { PREVIEW_PROGRAM } from '#tests/support/previewProgram.ts';
import { beginVisit, collect, sendRaw, visit, type Answer, type Visit } from '#tests/support/previewVisitor.ts';
import { buildRunningSession, type RunningSession } from '#tests/support/runningSession.ts';
import { startTestApi, type TestApi, type TestPerson } from '#tests/support/testApi.ts';
import { waitFor } from '#tests/support/waitFor.ts';

const PORT = 18_531;
const SIZE = 320 * 65_536;
const BLOCK = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));

let api: TestApi;
let alice: TestPerson;
let bob: TestPerson;
let running: RunningSession;
let base: string;
let host: string;
let cookie: string;

beforeAll(async () => {
  api = await startTestApi();
  [alice, bob] = [await api.person({ username: 'alice' }), await api.person({ username: 'bob' })];
  running = await buildRunningSession(api, alice.id);
  const { uuid } = running.session;
  base = `/api/v1/sessions/${uuid}`;
  host = `${PORT}-${uuid}.localhost:4600`;
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
  cookie = cookieOf(await enter(await open()));
});
afterAll(async () => {
  await running.destroy();
  await api.close();
});

const ask = (path: string, given: Partial<Visit> = {}): Promise<Answer> =>
  visit(api.url, path, { host, cookie, ...given });
const send = (method: string, path: string, body?: object, as = alice) => api.send(method, base + path, { as, body });

/** The path and query of an address that lets its first visitor in. */
async function open(body: object = { port: PORT }): Promise<string> {
  const answer = await send('POST', '/previews', body);
  expect(answer.status).toBe(201);
  return withinHost(answer.body.address);
}
function withinHost(address: string): string {
  const url = new URL(address);
  expect(url.host).toBe(host);
  return url.pathname + url.search;
}
const enter = (path: string): Promise<Answer> => ask(path, { cookie: undefined });
const cookieOf = ({ headers }: Answer): string => headers['set-cookie']?.[0]?.split(';')[0] ?? '';
async function share(seconds = 600): Promise<{ id: string; path: string }> {
  const answer = await send('POST', `/previews/${PORT}/links`, { expiresInSeconds: seconds });
  expect(answer.status).toBe(201);
  return { id: answer.body.id, path: withinHost(answer.body.address) };
}
const revoke = (id: string) => send('POST', `/previews/${PORT}/links/${id}/revoke`, {});
async function headersSeen(given: Partial<Visit>): Promise<Map<string, string>> {
  const told = JSON.parse((await ask('/headers', given)).body.toString()) as [string, string][];
  return new Map(told.map(([name, value]) => [name.toLowerCase(), value]));
}
function upgrade(path: string, headers = ''): { socket: Socket; got: ReturnType<typeof collect> } {
  const lines = `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nCookie: ${cookie}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n`;
  const socket = sendRaw(
    api.url,
    `${lines}Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n${headers}\r\n`,
  );
  return { socket, got: collect(socket) };
}

describe('a preview passes on', () => {
  it('20 MiB each way, byte for byte, with a length and in pieces', async () => {
    const got = await ask('/bytes');
    expect(got.headers['content-length']).toBe(String(SIZE));
    expect(got.body.equals(Buffer.alloc(SIZE, BLOCK))).toBe(true);
    const digest = createHash('sha256').update(got.body).digest('hex');
    for (const chunked of [false, true]) {
      const sent = await ask('/digest', { method: 'POST', body: got.body, chunked });
      expect(sent.body.toString()).toBe(digest);
    }
  });

  it('HEAD, 304 and a path with its query as they are', async () => {
    const head = await ask('/bytes', { method: 'HEAD' });
    expect([head.status, head.headers['content-length'], head.body.byteLength]).toEqual([200, String(SIZE), 0]);
    const same = await ask('/same', { headers: { 'if-none-match': '"1"' } });
    expect([same.status, same.headers.etag, same.body.byteLength]).toEqual([304, '"1"', 0]);
    expect((await ask('/a%2Fb//c?d=%00&e')).body.toString()).toBe('hello from /a%2Fb//c?d=%00&e');
  });

  it('events as they come, not when they are all there', async () => {
    const answer = await beginVisit(api.url, '/events', { host, cookie });
    const pieces = answer.iterator() as AsyncIterator<Buffer>;
    expect(String((await pieces.next()).value)).toBe('data: first\n\n');
    await ask('/go', { method: 'POST' });
    expect(String((await pieces.next()).value)).toBe('data: second\n\n');
    expect((await pieces.next()).done).toBe(true);
  });

  it('to a reader that stalls without holding up another, and ends the program’s work when it leaves', async () => {
    const stalled = await beginVisit(api.url, '/endless', { host, cookie });
    stalled.pause();
    expect((await ask('/bytes')).body.byteLength).toBe(SIZE);
    const brokenBefore = await seen();
    stalled.destroy();
    await waitFor(async () => (await seen()) > brokenBefore, { what: 'the program to see the end' });
  });
  const seen = async (): Promise<number> => JSON.parse((await ask('/seen')).body.toString()).broken as number;

  it('an answer that breaks off as one that breaks off', async () => {
    await expect(ask('/torn')).rejects.toThrow('aborted');
  });

  it('a WebSocket, with bytes exact both ways', async () => {
    const { socket, got } = upgrade('/ws', `Origin: http://${host}\r\n`);
    await waitFor(() => got.text().includes('\r\n\r\n'), { what: 'the upgrade' });
    const head = got.text();
    expect(head).toMatch(/^HTTP\/1\.1 101 /);
    expect(head.toLowerCase()).toContain('sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo=');
    expect(head).not.toContain('stolen');
    const sent = Buffer.alloc(4 * 1024 * 1024, BLOCK);
    socket.write(sent);
    const wanted = Buffer.byteLength(head, 'latin1') + sent.byteLength;
    await waitFor(() => got.bytes().byteLength >= wanted, { what: 'the echo' });
    expect(got.bytes().subarray(head.length).equals(sent)).toBe(true);
    socket.destroy();
  });

  it('a refusal of a WebSocket', async () => {
    const { got } = upgrade('/no');
    await waitFor(() => got.closed(), { what: 'the end' });
    expect(got.text()).toMatch(/^HTTP\/1\.1 403 [\s\S]*not here$/);
  });
});

describe('what goes to a program', () => {
  it('is asked as localhost, with whom it serves, and holds nothing that signs anybody in at Berth', async () => {
    const headers = await headersSeen({
      cookie: `theme=dark; ${cookie}; ${alice.cookie}; __Host-berth=x; lang=en`,
      headers: {
        origin: `http://${host}`,
        authorization: 'Bearer berth_secret',
        'x-forwarded-for': '6.6.6.6',
        forwarded: 'for=6.6.6.6',
        connection: 'keep-alive, x-hop',
        'x-hop': '1',
      },
    });
    expect(headers.get('host')).toBe(`localhost:${PORT}`);
    expect(headers.get('origin')).toBe(`http://localhost:${PORT}`);
    expect(headers.get('cookie')).toBe('theme=dark; lang=en');
    expect(headers.get('x-forwarded-host')).toBe(host);
    expect(headers.get('x-forwarded-for')).toMatch(/127\.0\.0\.1/);
    for (const name of ['authorization', 'forwarded', 'x-hop']) expect(headers.has(name)).toBe(false);
    expect((await headersSeen({ headers: { authorization: 'Bearer its-own' } })).get('authorization')).toBe(
      'Bearer its-own',
    );
  });
});

describe('what comes from a program', () => {
  it('sets cookies of its own host alone, and touches nothing beyond it', async () => {
    const { headers } = await ask('/sets');
    expect(headers['set-cookie']).toEqual(['a=1; Path=/', 'b=2; HttpOnly']);
    expect(headers).toMatchObject({ 'x-own': 'stays', 'service-worker-allowed': '/' });
    expect(headers['clear-site-data']).toBeUndefined();
    expect(headers['alt-svc']).toBeUndefined();
  });

  it('leads to the preview where it leads to itself', async () => {
    expect((await ask('/moved')).headers.location).toBe(`http://${host}/there`);
  });
});

describe('a preview is private', () => {
  it('lets its owner in once by an address, with a cookie of that host, and on to the path', async () => {
    const path = await open({ port: PORT, path: '/deep?x=1' });
    const entered = await enter(path);
    expect([entered.status, entered.headers.location]).toEqual([303, `http://${host}/deep?x=1`]);
    expect(entered.headers['set-cookie']?.[0]).toMatch(
      /^berth-preview=[\w.-]+; Max-Age=\d+; Path=\/; HttpOnly; SameSite=Lax$/,
    );
    expect((await ask('/', { cookie: cookieOf(entered) })).body.toString()).toBe('hello from /');
    expect((await enter(path)).status).toBe(404);
  });

  it('is not there without a cookie, with a wrong one, for another port, or for another session', async () => {
    const other = await buildStrangers();
    const tampered = cookie.slice(0, -2) + (cookie.endsWith('A') ? 'B' : 'A') + cookie.slice(-1);
    const cases: Partial<Visit>[] = [
      { cookie: undefined },
      { cookie: tampered },
      { cookie: 'berth-preview=x' },
      { cookie: bob.cookie },
      { cookie: alice.cookie },
      { host: host.replace(String(PORT), '1') },
      { host: `${PORT}-${other}.localhost` },
    ];
    for (const given of cases) {
      const answer = await ask('/', given);
      expect([given, answer.status]).toEqual([given, 404]);
      expect(answer.body.toString()).not.toContain('<script');
      expect(answer.headers['content-security-policy']).toContain("default-src 'none'");
    }
    expect((await send('POST', '/previews', { port: PORT }, bob)).status).toBe(404);
    const path = await open();
    expect((await ask(path, { host: `${PORT}-${other}.localhost`, cookie: undefined })).status).toBe(404);
  });
  async function buildStrangers(): Promise<string> {
    return (await api.send('POST', '/api/v1/sessions', { as: bob, body: { name: 'other', language: 'python' } })).body
      .uuid;
  }

  it('ends with the sign-in that opened it, and cuts what is open', async () => {
    const [signedIn] = [await api.person({})];
    await api.database.query('UPDATE sessions SET user_id = $1 WHERE id = $2', [signedIn.id, running.session.id]);
    const answer = await api.send('POST', `${base}/previews`, { as: signedIn, body: { port: PORT } });
    const theirs = cookieOf(await enter(withinHost(answer.body.address)));
    expect((await ask('/', { cookie: theirs })).status).toBe(200);
    await api.send('POST', '/api/v1/auth/logout', { as: signedIn, body: {} });
    await waitFor(async () => (await ask('/', { cookie: theirs })).status === 404, {
      deadlineMs: 5_000,
      what: 'the end',
    });
    await api.database.query('UPDATE sessions SET user_id = $1 WHERE id = $2', [alice.id, running.session.id]);
  });

  it("is closed to pages of other previews, and open to those of its own session's ports", async () => {
    const foreign = 'http://3000-11111111-1111-4111-8111-111111111111.localhost:4600';
    const sibling = `http://${host.replace(String(PORT), '3000')}`;
    const navigation = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' };
    expect((await ask('/', { headers: { origin: foreign } })).status).toBe(403);
    expect((await ask('/', { headers: { origin: 'null' } })).status).toBe(403);
    expect((await ask('/', { headers: { 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'no-cors' } })).status).toBe(
      403,
    );
    expect((await ask('/', { headers: { origin: sibling, 'sec-fetch-site': 'same-site' } })).status).toBe(200);
    expect((await ask('/', { headers: navigation })).status).toBe(200);
    const { got } = upgrade('/ws', `Origin: ${foreign}\r\n`);
    await waitFor(() => got.closed(), { what: 'the refusal' });
    expect(got.text()).toMatch(/^HTTP\/1\.1 403 /);
  });
});

describe('a share link', () => {
  it('lets everybody in, counts its uses, and is listed with its address', async () => {
    const { id, path } = await share();
    for (let use = 0; use < 2; use += 1) {
      const guest = cookieOf(await enter(path));
      expect((await ask('/', { cookie: guest })).status).toBe(200);
    }
    const { body } = await send('GET', '/preview-links');
    const [link] = body.items.filter((one: { id: string }) => one.id === id);
    expect(link).toMatchObject({ port: PORT, uses: 2, revokedAt: null });
    expect(withinHost(link.address)).toBe(path);
  });

  it('that is revoked lets nobody in, and cuts those who are in within 5 s, WebSockets too', async () => {
    const { id, path } = await share();
    const guest = cookieOf(await enter(path));
    const mine = cookie;
    cookie = guest;
    const { got } = upgrade('/ws');
    cookie = mine;
    await waitFor(() => got.text().includes(' 101 '), { what: 'the upgrade' });
    expect((await revoke(id)).body).toMatchObject({ id, address: null, revokedAt: expect.any(String) });
    await waitFor(() => got.closed(), { deadlineMs: 5_000, what: 'the cut' });
    expect((await ask('/', { cookie: guest })).status).toBe(404);
    expect((await enter(path)).status).toBe(404);
    expect((await ask('/')).status).toBe(200);
  });

  it('that has expired is good for nothing, and one for longer than seven days is not made', async () => {
    const { id, path } = await share();
    const guest = cookieOf(await enter(path));
    await api.database.query(`UPDATE preview_links SET expires_at = now() - interval '1 second' WHERE id = $1`, [id]);
    await waitFor(async () => (await ask('/', { cookie: guest })).status === 404, {
      deadlineMs: 5_000,
      what: 'its end',
    });
    expect((await enter(path)).status).toBe(404);
    const tooLong = await send('POST', `/previews/${PORT}/links`, { expiresInSeconds: 7 * 86_400 + 1 });
    expect([tooLong.status, tooLong.body.code]).toEqual([422, 'INVALID_INPUT']);
  });

  it('whose signature is not ours, or is of a cookie, is good for nothing', async () => {
    const { path } = await share();
    expect((await enter(path.slice(0, -3) + 'AAA')).status).toBe(404);
    const value = cookie.split('=')[1] ?? '';
    expect((await enter(`/.berth-preview/enter?link=${value}`)).status).toBe(404);
    const link = new URLSearchParams(path.split('?')[1]).get('link') ?? '';
    expect((await ask('/', { cookie: `berth-preview=${link}` })).status).toBe(404);
  });
});

describe('an entry', () => {
  it.each(['//evil.example', '/\\evil.example', 'http://evil.example/'])('never leads elsewhere: %s', async (to) => {
    const { path } = await share();
    expect((await enter(`${path}&path=${encodeURIComponent(to)}`)).headers.location).toBe(`http://${host}/`);
    expect((await send('POST', '/previews', { port: PORT, path: to })).status).toBe(422);
  });
});

describe('the host of a preview', () => {
  it.each(['/api/v1/users/me', '/healthz', '/api/docs', '/socket.io/?EIO=4&transport=websocket'])(
    'never answers as Berth: %s',
    async (path) => {
      const answer = await ask(path, { cookie: `${cookie}; ${alice.cookie}` });
      expect(answer.body.toString()).toBe(`hello from ${path}`);
      expect((await ask(path, { cookie: alice.cookie })).status).toBe(404);
    },
  );

  it.each([
    ['nonsense.localhost', 404],
    ['0-UUID.localhost', 404],
    ['65536-UUID.localhost', 404],
    ['08000-UUID.localhost', 404],
    [`${PORT}-UUID.localhost.`, 200],
    [`${PORT}-UUID.LOCALHOST:1`, 200],
    [`x.${PORT}-UUID.localhost`, 404],
  ])('is read strictly: %s', async (name, status) => {
    const answer = await ask('/healthz', { host: name.replace('UUID', running.session.uuid) });
    expect([answer.status, answer.body.toString().includes('"status"')]).toEqual([status, false]);
  });

  it('is no other: Berth answers under its own name and under names that only look alike', async () => {
    for (const name of ['localhost:4600', '127.0.0.1', `${host.split(':')[0]}.example.org`]) {
      expect((await ask('/api/v1/users/me', { host: name })).status).toBe(401);
    }
  });

  it('takes no request with two hosts, an absolute address, or two lengths', async () => {
    const requests = [
      `GET / HTTP/1.1\r\nHost: ${host}\r\nHost: localhost\r\nCookie: ${cookie}\r\nConnection: close\r\n\r\n`,
      `GET http://localhost/api/v1/users/me HTTP/1.1\r\nHost: ${host}\r\nCookie: ${cookie}\r\nConnection: close\r\n\r\n`,
      `POST /digest HTTP/1.1\r\nHost: ${host}\r\nCookie: ${cookie}\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: ${host}\r\n\r\n`,
      `POST /digest HTTP/1.1\r\nHost: ${host}\r\nCookie: ${cookie}\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello`,
    ];
    const before = await requestsSeen();
    for (const text of requests) {
      const socket = sendRaw(api.url, text);
      const got = collect(socket);
      await waitFor(() => got.closed(), { what: 'the end' });
      expect(got.text()).toMatch(/^HTTP\/1\.1 400 /);
      expect(got.text().match(/HTTP\/1\.1/g)).toHaveLength(1);
    }
    expect(await requestsSeen()).toBe(before + 1);
  });
  const requestsSeen = async (): Promise<number> => JSON.parse((await ask('/seen')).body.toString()).requests as number;
});

describe('what cannot be shown', () => {
  it('says so: nothing listens, and the session is closed', async () => {
    const quiet = `4-${running.session.uuid}.localhost:4600`;
    const { body } = await send('POST', '/previews', { port: 4 });
    const { pathname, search } = new URL(body.address);
    const entered = await visit(api.url, pathname + search, { host: quiet });
    const nothing = await visit(api.url, '/', { host: quiet, cookie: cookieOf(entered) });
    expect([nothing.status, nothing.body.toString().includes('Nothing listens on this port')]).toEqual([502, true]);
    await api.database.query(`UPDATE sessions SET phase = 'closed' WHERE id = $1`, [running.session.id]);
    await waitFor(async () => (await ask('/')).status === 503, { deadlineMs: 5_000, what: 'the closed session' });
    expect((await send('POST', '/previews', { port: PORT })).body.code).toBe('SESSION_NOT_OPEN');
    await api.database.query(`UPDATE sessions SET phase = 'running' WHERE id = $1`, [running.session.id]);
  });

  it('is told to the page by the list of ports', async () => {
    expect((await send('GET', '/ports')).body).toEqual({ items: [{ port: PORT, program: 'python3' }] });
  });
});
