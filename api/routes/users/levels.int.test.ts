import { setBot } from '#platform/db/repositories/users.ts';
import { startTestApi, type TestAnswer, type TestApi, type TestPerson } from '#tests/support/testApi.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.close());
// Who is disabled grants nothing: each test begins with nobody who could.
beforeEach(() => api.database.query('UPDATE users SET disabled_at = now()'));

const promote = (as: TestPerson): Promise<TestAnswer> => api.send('POST', '/api/v1/users/me/promote', { as });
const stepDown = (as: TestPerson): Promise<TestAnswer> => api.send('POST', '/api/v1/users/me/step-down', { as });
const grant = (as: TestPerson, userId: number, reviewerLevel: number): Promise<TestAnswer> =>
  api.send('PUT', `/api/v1/users/${userId}/reviewer-level`, { as, body: { reviewerLevel } });
const levelOf = async ({ id }: TestPerson): Promise<number> =>
  (await api.database.query<{ level: number }>('SELECT reviewer_level AS level FROM users WHERE id = $1', [id]))[0]!
    .level;

describe('one’s own level', () => {
  it.each([0, 1, 2, 3, 4])('goes from %i by oneself to 1 at most, and down to 0', async (reviewerLevel) => {
    await api.person({ isOperator: true });
    const person = await api.person({ reviewerLevel });
    const promoted = await promote(person);
    expect(promoted.status).toBe(reviewerLevel === 0 ? 200 : 403);
    expect(await levelOf(person)).toBe(Math.max(1, reviewerLevel));
    for (const level of [2, 3, 4]) {
      const asked = await api.send('POST', '/api/v1/users/me/promote', { as: person, body: { reviewerLevel: level } });
      expect(asked.status).not.toBe(200);
      expect((await grant(person, person.id, level)).status).not.toBe(200);
    }
    expect(await levelOf(person)).toBe(Math.max(1, reviewerLevel));
    if (reviewerLevel === 0) return;
    expect((await stepDown(person)).body.reviewerLevel).toBe(0);
  });

  it('cannot be raised at all where the installation says so', async () => {
    const strict = await startTestApi({ SELF_PROMOTION_MAX_LEVEL: '0' });
    const person = await strict.person();
    const refused = await strict.send('POST', '/api/v1/users/me/promote', { as: person });
    expect(refused).toMatchObject({ status: 403, body: { code: 'SELF_PROMOTION_LIMIT' } });
    await strict.close();
  });

  it('stays with the last person who can grant levels', async () => {
    const chief = await api.person({ reviewerLevel: 4 });
    expect(await stepDown(chief)).toMatchObject({ status: 409, body: { code: 'LAST_GRANTOR' } });
    expect(await levelOf(chief)).toBe(4);
    await api.person({ isOperator: true });
    expect((await stepDown(chief)).status).toBe(200);
  });
});

describe('of two chiefs who act at one moment', () => {
  it('one stays when both step down', async () => {
    const chiefs = [await api.person({ reviewerLevel: 4 }), await api.person({ reviewerLevel: 4 })];
    const answers = await Promise.all(chiefs.map(stepDown));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
  });

  it('one stays when each takes the other’s level away', async () => {
    const [one, other] = [await api.person({ reviewerLevel: 4 }), await api.person({ reviewerLevel: 4 })];
    const answers = await Promise.all([grant(one, other.id, 0), grant(other, one.id, 0)]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 403]);
    expect((await levelOf(one)) + (await levelOf(other))).toBe(4);
  });
});

describe('a bot', () => {
  it('has no level: by nobody’s grant, not by its own wish, and not by the database', async () => {
    const chief = await api.person({ reviewerLevel: 4 });
    const bot = await api.person({ username: 'linter', reviewerLevel: 2 });
    expect(await setBot(api.database, { usernameKey: 'linter', isBot: true }, null)).toBe(true);
    expect(await levelOf(bot)).toBe(0);
    expect(await promote(bot)).toMatchObject({ status: 403, body: { code: 'FORBIDDEN' } });
    expect(await grant(chief, bot.id, 1)).toMatchObject({ status: 403, body: { code: 'FORBIDDEN' } });
    const write = 'UPDATE users SET reviewer_level = 1, is_reviewer = true WHERE id = $1';
    await expect(api.database.query(write, [bot.id])).rejects.toThrow('users_bot_has_no_rights');
  });

  it('is never made of an operator, nor of nobody', async () => {
    await api.person({ username: 'root', isOperator: true });
    expect(await setBot(api.database, { usernameKey: 'root', isBot: true }, null)).toBe(false);
    expect(await setBot(api.database, { usernameKey: 'nobody', isBot: true }, null)).toBe(false);
  });
});
