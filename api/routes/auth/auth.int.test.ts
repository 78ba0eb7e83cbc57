import { startTestApi, type TestApi } from '#tests/support/testApi.ts';

const PASSWORD = 'seven quiet harbour lanterns';

describe('accounts', () => {
  let api: TestApi;
  beforeEach(async () => {
    api = await startTestApi();
  });
  afterEach(() => api.close());

  const register = (username: string, more: object = {}) =>
    api.send('POST', '/api/v1/auth/register', {
      body: { username, email: `${username}@example.org`, password: PASSWORD, ...more },
    });
  const login = (username: string, password = PASSWORD) =>
    api.send('POST', '/api/v1/auth/login', { body: { username, password } });
  const cookieOf = (answer: { headers: Headers }) => answer.headers.get('set-cookie')!.split(';')[0]!;

  it('makes exactly one operator when several people register first at once', async () => {
    const answers = await Promise.all(['ann', 'bob', 'cem', 'dora'].map((name) => register(name)));
    expect(answers.map((answer) => answer.status)).toEqual([201, 201, 201, 201]);
    const operators = answers.filter((answer) => answer.body.isOperator);
    expect(operators.map((answer) => answer.body.reviewerLevel)).toEqual([4]);
  });

  it('signs in by name and by address in any case, each time under a new id', async () => {
    const registered = await register('Alice');
    const byName = await login('aLiCe');
    const byAddress = await login('ALICE@example.org');
    expect([byName.status, byAddress.status]).toEqual([200, 200]);
    expect(new Set([registered, byName, byAddress].map(cookieOf)).size).toBe(3);
    expect(byName.headers.get('set-cookie')).toMatch(/^berth=[\w-]{43}; Max-Age=\d+; Path=\/; HttpOnly; SameSite=Lax$/);
    const me = await api.send('GET', '/api/v1/users/me', { headers: { cookie: cookieOf(byName) } });
    expect(me.body).toMatchObject({ username: 'Alice', email: 'Alice@example.org', isOperator: true });
  });

  it('stores neither password nor sign-in id in the clear', async () => {
    const id = cookieOf(await register('alice')).split('=')[1]!;
    const rows = await api.database.query<{ row: string }>(
      `SELECT to_jsonb(u)::text AS row FROM users u UNION ALL SELECT to_jsonb(w)::text FROM web_sessions w UNION ALL SELECT to_jsonb(a)::text FROM audit_log a`,
    );
    const stored = rows.map(({ row }) => row).join();
    expect(stored).toContain('$argon2id$v=19$m=19456,t=2,p=1$');
    expect(stored).not.toContain(PASSWORD);
    expect(stored).not.toContain(id);
  });

  it('answers an unknown name, a wrong password and a disabled account alike', async () => {
    await register('alice');
    await register('bob');
    await api.database.query(`UPDATE users SET disabled_at = now() WHERE username = 'bob'`);
    const answers = [await login('nobody'), await login('alice', 'wrong'), await login('bob')];
    const bodies = answers.map(({ body }) => ({ ...body, requestId: '' }));
    expect(answers.map((answer) => answer.status)).toEqual([401, 401, 401]);
    expect(bodies[0].code).toBe('BAD_CREDENTIALS');
    expect(bodies[1]).toEqual(bodies[0]);
    expect(bodies[2]).toEqual(bodies[0]);
  });

  it('ends a sign-in at logout', async () => {
    const cookie = cookieOf(await register('alice'));
    const out = await api.send('POST', '/api/v1/auth/logout', { headers: { cookie } });
    expect(out.status).toBe(204);
    expect(out.headers.get('set-cookie')).toMatch(/^berth=; Max-Age=0;/);
    expect((await api.send('GET', '/api/v1/users/me', { headers: { cookie } })).status).toBe(401);
  });

  it.each([
    ['a taken name in another case', { username: 'ALICE', email: 'other@example.org' }, 409, 'USERNAME_TAKEN'],
    ['a taken address', { username: 'other', email: 'Alice@Example.org' }, 409, 'EMAIL_TAKEN'],
    ['an invisible character', { username: 'al\u200bice', email: 'x@example.org' }, 422, 'INVALID_INPUT'],
    [
      'a common password',
      { username: 'other', email: 'x@example.org', password: 'password1' },
      422,
      'PASSWORD_TOO_WEAK',
    ],
    [
      'the name as password',
      { username: 'wilhelmina', email: 'x@example.org', password: 'wilhelmina' },
      422,
      'PASSWORD_TOO_WEAK',
    ],
  ])('refuses %s', async (_what, account, status, code) => {
    await register('alice');
    const answer = await register('other', account);
    expect(answer.body).toMatchObject({ status, code });
    expect(answer.status).toBe(status);
    expect(answer.body.errors.length).toBeGreaterThan(0);
  });

  it('promotes a person to the level that the installation allows, once, under a new sign-in id', async () => {
    await register('alice');
    const cookie = cookieOf(await register('bob'));
    const promoted = await api.send('POST', '/api/v1/users/me/promote', { headers: { cookie } });
    expect(promoted.body).toMatchObject({ isReviewer: true, reviewerLevel: 1 });
    expect((await api.send('GET', '/api/v1/users/me', { headers: { cookie } })).status).toBe(401);
    const again = await api.send('POST', '/api/v1/users/me/promote', { headers: { cookie: cookieOf(promoted) } });
    expect([again.status, again.body.code]).toEqual([403, 'SELF_PROMOTION_LIMIT']);
    const down = await api.send('POST', '/api/v1/users/me/step-down', { headers: { cookie: cookieOf(promoted) } });
    expect(down.body).toMatchObject({ isReviewer: false, reviewerLevel: 0 });
  });

  it('lets operators and level 4 grant levels to others, nobody to themselves, and writes it all down', async () => {
    const operator = cookieOf(await register('alice'));
    const bob = await register('bob');
    const set = (cookie: string, id: number, reviewerLevel: number) =>
      api.send('PUT', `/api/v1/users/${id}/reviewer-level`, { headers: { cookie }, body: { reviewerLevel } });
    expect((await set(operator, bob.body.id, 4)).body.reviewerLevel).toBe(4);
    expect((await set(cookieOf(bob), bob.body.id, 1)).status).toBe(403);
    expect((await set(operator, 999_999, 1)).status).toBe(404);
    await set(operator, bob.body.id, 0);
    expect((await set(cookieOf(bob), 1, 2)).status).toBe(403);
    expect((await api.send('GET', '/api/v1/users', { headers: { cookie: cookieOf(bob) } })).status).toBe(403);
    const page = await api.send('GET', '/api/v1/users?limit=1', { headers: { cookie: operator } });
    expect(page.body.items).toHaveLength(1);
    const next = await api.send('GET', `/api/v1/users?limit=1&cursor=${page.body.nextCursor}`, {
      headers: { cookie: operator },
    });
    expect(next.body.items[0].username).toBe('bob');
    const audit = await api.database.query<{ line: string }>(
      `SELECT action || ' ' || outcome AS line FROM audit_log WHERE action IN ('grant-level', 'PUT /users/{id}/reviewer-level', 'GET /users') ORDER BY id`,
    );
    expect(audit.map(({ line }) => line)).toEqual([
      'grant-level done',
      'PUT /users/{id}/reviewer-level refused',
      'grant-level done',
      'PUT /users/{id}/reviewer-level refused',
      'GET /users refused',
    ]);
  });
});

describe('the first account of an address that is not loopback', () => {
  it('needs the printed code, later ones do not', async () => {
    const api = await startTestApi({ BERTH_OPERATOR_CODE: 'harbour-42' });
    const register = (username: string, operatorCode?: string) =>
      api.send('POST', '/api/v1/auth/register', {
        body: { username, email: `${username}@example.org`, password: PASSWORD, operatorCode },
      });
    try {
      expect((await api.send('GET', '/api/v1/system')).body).toMatchObject({
        firstAccount: true,
        registrationNeedsCode: true,
      });
      expect((await register('mallory')).body.code).toBe('OPERATOR_CODE_REQUIRED');
      expect((await register('mallory', 'wrong')).body.code).toBe('OPERATOR_CODE_REQUIRED');
      expect((await register('alice', 'harbour-42')).body.isOperator).toBe(true);
      expect((await register('bob')).body.isOperator).toBe(false);
      expect((await api.send('GET', '/api/v1/system')).body).toMatchObject({
        firstAccount: false,
        registrationNeedsCode: false,
      });
    } finally {
      await api.close();
    }
  });
});

describe('tries to sign in', () => {
  it('are limited per account and tell when to come back', async () => {
    const api = await startTestApi({ RATE_LIMIT_ENABLED: 'true' });
    try {
      const attempt = () => api.send('POST', '/api/v1/auth/login', { body: { username: 'alice', password: 'guess' } });
      const statuses: number[] = [];
      for (let count = 0; count < 10; count += 1) statuses.push((await attempt()).status);
      const refused = await attempt();
      expect(new Set(statuses)).toEqual(new Set([401]));
      expect([refused.status, refused.body.code]).toEqual([429, 'RATE_LIMITED']);
      expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
      expect(refused.headers.get('ratelimit-limit')).toBe('100');
    } finally {
      await api.close();
    }
  });
});
