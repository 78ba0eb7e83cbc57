import { createApi } from '#api/createApi.ts';
import { createDatabase } from '#platform/db/database.ts';
import { createTestDeps, startTestApi, type TestApi } from '#tests/support/testApi.ts';

/** Runs `work` with the address of a second api over the same database. */
async function withReplica(first: TestApi, work: (url: string) => Promise<void>): Promise<void> {
  const parts = await createTestDeps(first);
  const replica = createApi(parts.deps);
  const { port } = await replica.listen();
  try {
    await work(`http://127.0.0.1:${port}`);
  } finally {
    await replica.close();
    await parts.close();
  }
}

describe('several replicas', () => {
  it('share one count of tries to sign in, whatever address a client claims to have', async () => {
    const api = await startTestApi({ RATE_LIMIT_ENABLED: 'true' });
    try {
      await withReplica(api, async (second) => {
        const body = JSON.stringify({ username: 'alice', password: 'guess' });
        const attempt = (url: string, index: number) =>
          fetch(`${url}/api/v1/auth/login`, {
            method: 'POST',
            headers: { 'content-type': 'application/json', 'x-forwarded-for': `198.51.100.${index}` },
            body,
          });
        const statuses: number[] = [];
        for (let index = 0; index < 12; index += 1) {
          statuses.push((await attempt(index % 2 === 0 ? api.url : second, index)).status);
        }
        expect(statuses).toEqual([...Array<number>(10).fill(401), 429, 429]);
      });
    } finally {
      await api.close();
    }
  });

  it('carry a repeated request out once between them', async () => {
    const api = await startTestApi();
    try {
      await withReplica(api, async (second) => {
        const alice = await api.person();
        const request = (url: string) =>
          fetch(`${url}/api/v1/sessions`, {
            method: 'POST',
            headers: {
              cookie: alice.cookie,
              origin: new URL(api.config.BERTH_PUBLIC_URL).origin,
              'content-type': 'application/json',
              'idempotency-key': 'one-for-both',
            },
            body: JSON.stringify({ name: 'once' }),
          }).then((answer) => answer.json() as Promise<{ uuid: string }>);
        const made = await Promise.all([request(api.url), request(second), request(api.url), request(second)]);
        expect(new Set(made.map(({ uuid }) => uuid)).size).toBe(1);
        expect(await api.database.query('SELECT 1 FROM sessions')).toHaveLength(1);
      });
    } finally {
      await api.close();
    }
  });
});

describe('behind https', () => {
  it('cookies are bound to the host and secure, and the browser is told to stay on https', async () => {
    const api = await startTestApi({ BERTH_PUBLIC_URL: 'https://berth.example' });
    try {
      const account = { username: 'alice', email: 'a@example.org', password: 'seven quiet harbour lanterns' };
      const answer = await api.send('POST', '/api/v1/auth/register', { body: account });
      expect(answer.headers.get('set-cookie')).toMatch(
        /^__Host-berth=[\w-]{43}; Max-Age=\d+; Path=\/; HttpOnly; Secure; SameSite=Lax$/,
      );
      expect(answer.headers.get('strict-transport-security')).toBe('max-age=31536000');
      expect(answer.headers.get('content-security-policy')).toContain('wss://berth.example');
    } finally {
      await api.close();
    }
  });

  it('requests are counted by the address that the trusted proxy tells', async () => {
    const api = await startTestApi({ RATE_LIMIT_ENABLED: 'true', BERTH_TRUST_PROXY_HOPS: '1' });
    try {
      const remaining = async (forwarded: string) => {
        const answer = await api.send('GET', '/api/v1/system', { headers: { 'x-forwarded-for': forwarded } });
        return Number(answer.headers.get('ratelimit-remaining'));
      };
      const first = await remaining('198.51.100.1');
      expect(await remaining('203.0.113.9, 198.51.100.1')).toBe(first - 1);
      expect(await remaining('198.51.100.2')).toBe(first);
      expect(await remaining('2001:db8::1')).toBe(first);
      expect(await remaining('2001:db8::2')).toBe(first - 1);
      expect(await remaining('2001:db8:0:1::1')).toBe(first);
    } finally {
      await api.close();
    }
  });
});

describe('while the database does not answer', () => {
  it('the process is alive, not ready, and every request gets 503, never 500', async () => {
    const api = await startTestApi({ RATE_LIMIT_ENABLED: 'true' });
    const config = { ...api.config, DATABASE_URL: 'postgres://nobody:secret@127.0.0.1:9/gone' };
    const database = createDatabase(config);
    const parts = await createTestDeps({ ...api, config, database });
    const lonely = createApi(parts.deps);
    const { port } = await lonely.listen();
    const get = (path: string, headers = {}) => fetch(`http://127.0.0.1:${port}${path}`, { headers });
    try {
      expect((await get('/healthz')).status).toBe(200);
      const ready = await get('/readyz');
      expect([ready.status, await ready.json()]).toMatchObject([
        503,
        { status: 'unavailable', database: 'unreachable' },
      ]);
      const answer = await get('/api/v1/sessions', { cookie: 'berth=nobody' });
      const body = await answer.text();
      expect([answer.status, JSON.parse(body).code]).toEqual([503, 'DATABASE_UNAVAILABLE']);
      expect(body).not.toContain('secret');
    } finally {
      await lonely.close();
      await parts.close();
      await database.close();
      await api.close();
    }
  });
});
