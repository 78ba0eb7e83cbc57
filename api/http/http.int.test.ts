import { connect } from 'node:net';
import { startTestApi, type TestApi, type TestPerson } from '#tests/support/testApi.ts';
import { waitFor } from '#tests/support/waitFor.ts';

let api: TestApi;
let alice: TestPerson;

beforeAll(async () => {
  api = await startTestApi();
  alice = await api.person({ username: 'alice' });
});
afterAll(() => api.close());

const create = (request: object) => api.send('POST', '/api/v1/sessions', { as: alice, ...request });

describe('bad input', () => {
  const deep = `${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}`;

  it.each([
    ['no JSON', { rawBody: '{"name":' }, 400, 'MALFORMED_BODY'],
    ['binary bytes', { rawBody: Buffer.from([0xff, 0xfe, 0, 1, 2]) }, 400, 'MALFORMED_BODY'],
    ['a wrong type', { body: { name: 7 } }, 422, 'INVALID_INPUT'],
    ['an array', { body: [] }, 422, 'INVALID_INPUT'],
    ['a bare string', { body: 'name' }, 422, 'INVALID_INPUT'],
    ['null', { body: null }, 422, 'INVALID_INPUT'],
    ['nothing', {}, 422, 'INVALID_INPUT'],
    ['an unknown field', { body: { name: 'a', owner: 1 } }, 422, 'INVALID_INPUT'],
    ['NUL in text', { body: { name: 'a\0b' } }, 422, 'INVALID_INPUT'],
    ['a name of 201 characters', { body: { name: 'a'.repeat(201) } }, 422, 'INVALID_INPUT'],
    ['50,000 levels', { rawBody: deep }, 422, 'INVALID_INPUT'],
    ['a prototype', { rawBody: '{"name":"a","__proto__":{"open":true}}' }, 422, 'INVALID_INPUT'],
    ['20 MiB', { rawBody: JSON.stringify({ name: 'a'.repeat(20 * 1_048_576) }) }, 413, 'BODY_TOO_LARGE'],
    [
      'a form',
      { rawBody: 'name=a', headers: { 'content-type': 'application/x-www-form-urlencoded' } },
      415,
      'UNSUPPORTED_MEDIA_TYPE',
    ],
    [
      'plain text',
      { rawBody: '{"name":"a"}', headers: { 'content-type': 'text/plain' } },
      415,
      'UNSUPPORTED_MEDIA_TYPE',
    ],
    [
      'a compressed body',
      { rawBody: 'x', headers: { 'content-type': 'application/json', 'content-encoding': 'gzip' } },
      415,
      'UNSUPPORTED_MEDIA_TYPE',
    ],
    ['a bad If-Match', { body: { name: 'a' }, headers: { 'if-match': 'abc' } }, 422, 'INVALID_INPUT'],
    ['a bad Idempotency-Key', { body: { name: 'a' }, headers: { 'idempotency-key': 'a b' } }, 422, 'INVALID_INPUT'],
  ])('%s gets a problem body that says what is wrong', async (_what, request, status, code) => {
    const answer = await create(request);
    expect(answer.headers.get('content-type')).toBe('application/problem+json; charset=utf-8');
    expect(answer.body).toMatchObject({ status, code, requestId: answer.headers.get('x-request-id') });
    expect(answer.status).toBe(status);
    expect(answer.body.detail.length).toBeGreaterThan(20);
    expect(({} as { open?: unknown }).open).toBeUndefined();
  });

  it.each([
    ['GET', '/api/v1/sessions/not-a-uuid', 422, 'INVALID_INPUT'],
    ['GET', '/api/v1/sessions/00000000-0000-4000-8000-000000000000', 404, 'NOT_FOUND'],
    ['GET', '/api/v1/sessions/%00', 422, 'INVALID_INPUT'],
    ['GET', '/api/v1/sessions/..%2f..%2fetc%2fpasswd', 422, 'INVALID_INPUT'],
    ['GET', '/api/v1/sessions/%ff', 422, 'INVALID_INPUT'],
    ['GET', '/api/v1/sessions?limit=0', 422, 'INVALID_INPUT'],
    ['GET', '/api/v1/sessions?limit=1&limit=2', 422, 'INVALID_INPUT'],
    ['GET', '/api/v1/sessions?cursor=nonsense', 422, 'INVALID_INPUT'],
    ['GET', '/api/v1/sessions?__proto__[x]=1', 422, 'INVALID_INPUT'],
    ['GET', '/api/v1/sessions?afterSeq=99999999999999999999', 422, 'INVALID_INPUT'],
    ['PUT', '/api/v1/users/99999999999/reviewer-level', 422, 'INVALID_INPUT'],
    ['GET', '/api/v1/nothing', 404, 'NOT_FOUND'],
    ['GET', '/api/nothing', 404, 'NOT_FOUND'],
    ['DELETE', '/api/v1/sessions', 405, 'METHOD_NOT_ALLOWED'],
    ['PATCH', '/api/v1/auth/login', 405, 'METHOD_NOT_ALLOWED'],
  ])('%s %s gets %i %s', async (method, path, status, code) => {
    const answer = await api.send(method, path, {
      as: alice,
      ...(method === 'PUT' ? { body: { reviewerLevel: 1 } } : {}),
    });
    expect([answer.status, answer.body.code]).toEqual([status, code]);
  });

  it('names every wrong field with its path', async () => {
    const answer = await create({ body: { name: '', language: 'cobol', more: 1 } });
    expect(answer.body.errors.map((error: { path: string }) => error.path).sort()).toEqual([
      'language',
      'more',
      'name',
    ]);
  });

  it('answers headers that are too large and what is no HTTP with a problem', async () => {
    const huge = await rawExchange(`GET /api/v1/system HTTP/1.1\r\nHost: a\r\nX-A: ${'a'.repeat(20_000)}\r\n\r\n`);
    expect(huge).toMatch(/^HTTP\/1\.1 431 [\s\S]*"code":"HEADERS_TOO_LARGE"/);
    expect(await rawExchange('nonsense\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 [\s\S]*"code":"MALFORMED_BODY"/);
  });

  function rawExchange(text: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const socket = connect(Number(new URL(api.url).port), '127.0.0.1', () => socket.write(text));
      let answer = '';
      socket.setEncoding('utf8').on('data', (chunk: string) => (answer += chunk));
      socket.on('close', () => resolve(answer)).on('error', reject);
    });
  }
});

describe('foreign pages', () => {
  it.each([
    ['another site', 'https://evil.example'],
    ['another port', 'http://localhost:4601'],
    ['https of the same host', 'https://localhost:4600'],
    ['a longer host', 'http://localhost:46000'],
    ['an opaque origin', 'null'],
    ['no origin', null],
  ])('%s cannot change anything with a cookie', async (_what, origin) => {
    const answer = await create({ body: { name: 'a' }, origin });
    expect([answer.status, answer.body.code]).toEqual([403, 'ORIGIN_REFUSED']);
    const audited = await api.database.query(
      `SELECT actor_id, action, outcome, details FROM audit_log WHERE request_id = $1`,
      [answer.headers.get('x-request-id')],
    );
    const details = { code: 'ORIGIN_REFUSED', credential: 'cookie' };
    expect(audited).toEqual([{ actor_id: alice.id, action: 'POST /sessions', outcome: 'refused', details }]);
  });

  it('cannot sign their visitor in', async () => {
    const body = { username: 'alice', password: 'x' };
    const answer = await api.send('POST', '/api/v1/auth/login', { body, origin: 'https://evil.example' });
    expect(answer.body.code).toBe('ORIGIN_REFUSED');
  });
});

describe('a repeated request', () => {
  const key = (name: string) => ({ 'idempotency-key': name });

  it('gets the first answer and is carried out once, also when it comes at the same time', async () => {
    const request = { body: { name: 'once' }, headers: key('k1') };
    const answers = await Promise.all([create(request), create(request), create(request)]);
    const later = await create(request);
    expect([...answers, later].map((answer) => answer.status)).toEqual([201, 201, 201, 201]);
    expect(new Set([...answers, later].map((answer) => answer.body.uuid)).size).toBe(1);
    expect(later.headers.get('idempotent-replayed')).toBe('true');
    const rows = await api.database.query(`SELECT 1 FROM sessions WHERE name = 'once'`);
    expect(rows).toHaveLength(1);
  });

  it('is refused when the key was used for another body or address', async () => {
    await create({ body: { name: 'a' }, headers: key('k2') });
    const other = await create({ body: { name: 'b' }, headers: key('k2') });
    expect([other.status, other.body.code]).toEqual([409, 'IDEMPOTENCY_MISMATCH']);
  });

  it('is carried out again when the first one failed', async () => {
    const uuid = (await create({ body: { name: 'reopened' } })).body.uuid;
    const rename = () => api.send('POST', `/api/v1/sessions/${uuid}/sync`, { as: alice, body: {}, headers: key('k3') });
    expect((await rename()).body.code).toBe('SESSION_NOT_OPEN');
    expect((await rename()).body.code).toBe('SESSION_NOT_OPEN');
  });

  it('is never carried out a second time when the first one lost its answer, and is told to look', async () => {
    const request = { body: { name: 'answer lost' }, headers: key('k6') };
    await create(request);
    // What a process leaves that dies with the change committed and the answer not kept.
    await api.database.query(
      `UPDATE idempotency_keys SET status = NULL, body = NULL, created_at = now() - interval '3 minutes',
         committed_at = committed_at - interval '3 minutes' WHERE key = 'k6'`,
    );
    const again = await create(request);
    expect([again.status, again.body.code]).toEqual([409, 'IDEMPOTENCY_ANSWER_LOST']);
    expect(await api.database.query(`SELECT 1 FROM sessions WHERE name = 'answer lost'`)).toHaveLength(1);
  });

  it('is carried out when the process of the first one died before it had changed anything', async () => {
    const request = { body: { name: 'died early' }, headers: key('k7') };
    await create(request);
    await api.database.query(`DELETE FROM sessions WHERE name = 'died early'`);
    await api.database.query(
      `UPDATE idempotency_keys SET status = NULL, body = NULL, created_at = now() - interval '3 minutes',
         committed_at = NULL WHERE key = 'k7'`,
    );
    expect((await create(request)).status).toBe(201);
    expect(await api.database.query(`SELECT 1 FROM sessions WHERE name = 'died early'`)).toHaveLength(1);
  });

  it('of another person is another request', async () => {
    const bob = await api.person();
    const mine = await create({ body: { name: 'a' }, headers: key('k4') });
    const theirs = await create({ as: bob, body: { name: 'a' }, headers: key('k4') });
    expect(theirs.status).toBe(201);
    expect(theirs.body.uuid).not.toBe(mine.body.uuid);
  });

  it('never stores a secret', async () => {
    const request = { as: alice, body: { name: 't', scopes: ['read'] }, headers: key('k5') };
    const first = await api.send('POST', '/api/v1/tokens', request);
    const second = await api.send('POST', '/api/v1/tokens', request);
    expect([second.status, second.body.code]).toEqual([409, 'IDEMPOTENCY_SECRET']);
    const stored = await api.database.query<{ body: unknown }>(`SELECT body FROM idempotency_keys WHERE key = 'k5'`);
    expect(JSON.stringify(stored)).not.toContain(first.body.secret);
  });
});

describe('every answer', () => {
  it('carries the headers of a strict page, and the api is never cached', async () => {
    const answer = await api.send('GET', '/api/v1/sessions', { as: alice });
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
    expect(answer.headers.get('x-frame-options')).toBe('DENY');
    expect(answer.headers.get('referrer-policy')).toBe('no-referrer');
    const policy = answer.headers.get('content-security-policy')!;
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toContain('unsafe');
    expect(answer.headers.get('x-powered-by')).toBeNull();
  });

  it('has the name that the client gave the request, or one of our own', async () => {
    const named = await api.send('GET', '/api/v1/nothing', { headers: { 'x-request-id': 'trace-12345' } });
    expect([named.headers.get('x-request-id'), named.body.requestId]).toEqual(['trace-12345', 'trace-12345']);
    const hostile = await api.send('GET', '/api/v1/nothing', { headers: { 'x-request-id': '<script>alert(1)' } });
    expect(hostile.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
  });
});

describe('health and metrics', () => {
  it('say that the process runs, that it is ready, and what it does', async () => {
    expect((await api.send('GET', '/healthz')).body).toEqual({ status: 'ok' });
    // The first question to Temporal connects as well: its two seconds may be too short for both.
    const ready = await waitFor(
      async () => {
        const answer = await api.send('GET', '/readyz');
        return answer.body.status !== 'degraded' && answer;
      },
      { what: 'the connection to Temporal' },
    );
    expect([ready.status, ready.body]).toEqual([200, { status: 'ok', database: 'ok', temporal: 'ok' }]);
    const metrics = await (await fetch(`${api.metricsUrl}/metrics`)).text();
    expect(metrics).toMatch(
      /berth_http_request_seconds_count\{method="POST",route="\/api\/v1\/sessions",status="201"\} [1-9]/,
    );
    expect(metrics).toMatch(/berth_database_pool\{state="using"\} \d+\n/);
    expect(JSON.stringify((await api.send('GET', '/metrics')).body)).not.toContain('berth_http_request_seconds');
  });
});

describe('a token', () => {
  it('does what its scopes say, cannot promote or make tokens, and is worth nothing once revoked or expired', async () => {
    const make = (scopes: string[]) =>
      api.send('POST', '/api/v1/tokens', { as: alice, body: { name: 'ci', scopes, expiresInDays: 1 } });
    const { body: reader } = await make(['read']);
    const { body: writer } = await make(['sessions']);
    const session = { body: { name: 'by token' } };
    expect((await api.send('GET', '/api/v1/sessions', { token: reader.secret })).status).toBe(200);
    expect((await api.send('POST', '/api/v1/sessions', { token: reader.secret, ...session })).body.code).toBe(
      'SCOPE_MISSING',
    );
    expect((await api.send('POST', '/api/v1/sessions', { token: writer.secret, ...session })).status).toBe(201);
    expect((await api.send('POST', '/api/v1/users/me/promote', { token: writer.secret })).status).toBe(403);
    expect((await api.send('POST', '/api/v1/tokens', { token: writer.secret, body: {} })).status).toBe(403);
    expect((await api.send('GET', '/api/v1/tokens', { as: alice })).body.items[0]).not.toHaveProperty('secret');

    await api.database.query(`UPDATE api_tokens SET expires_at = now() - interval '1 second' WHERE id = $1`, [
      reader.id,
    ]);
    const expired = await api.send('GET', '/api/v1/sessions', { token: reader.secret });
    expect([expired.status, expired.body.code]).toEqual([401, 'TOKEN_EXPIRED']);
    await api.send('DELETE', `/api/v1/tokens/${writer.id}`, { as: alice });
    expect((await api.send('GET', '/api/v1/sessions', { token: writer.secret })).body.code).toBe('NOT_AUTHENTICATED');
  });

  it.each(['Bearer nonsense', 'Bearer berth_nonsense', 'Basic YTpi', 'Bearer', ''])(
    'that is %j never falls back to a cookie',
    async (authorization) => {
      const answer = await api.send('GET', '/api/v1/sessions', { as: alice, headers: { authorization } });
      expect([answer.status, answer.body.code]).toEqual([401, 'NOT_AUTHENTICATED']);
    },
  );
});
