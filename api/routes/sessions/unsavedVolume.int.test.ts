import { CAUSE_ADVICE } from '#shared/domain/podCause.ts';
import { build } from '#tests/support/factories.ts';
import { startTestApi, type TestAnswer, type TestApi, type TestPerson } from '#tests/support/testApi.ts';

let api: TestApi;
let alice: TestPerson;
beforeAll(async () => {
  api = await startTestApi({ SESSION_LIVE_LIMIT: '2' });
});
beforeEach(async () => {
  alice = await api.person();
});
afterAll(() => api.close());

interface Doubt {
  phase?: 'running' | 'closing' | 'closed' | 'failed';
  cause?: string | null;
  volume?: 'live' | 'kept' | 'discarded' | null;
  keptUntil?: Date | null;
}

/** A session with one file, in a state that only an outage brings about. */
async function inDoubt({ phase = 'closed', cause = null, volume = 'kept', keptUntil = null }: Doubt): Promise<string> {
  const session = await build.session(api.database, { userId: alice.id, phase, generation: 1 });
  await build.file(api.database, { sessionId: session.id, name: 'main.py' });
  await api.database.query(`UPDATE sessions SET phase_cause = $2 WHERE id = $1`, [session.id, cause]);
  if (volume !== null) {
    const given = [session.id, volume, keptUntil];
    await api.database.query(`INSERT INTO volumes (session_id, state, kept_until) VALUES ($1, $2, $3)`, given);
  }
  return session.uuid;
}

const read = (uuid: string): Promise<TestAnswer> => api.send('GET', `/api/v1/sessions/${uuid}`, { as: alice });
const ask = (uuid: string, verb: string, body: object = { confirm: 'discard' }): Promise<TestAnswer> =>
  api.send('POST', `/api/v1/sessions/${uuid}/${verb}`, { as: alice, body });

async function intentsOf(uuid: string): Promise<string[]> {
  const rows = await api.database.query<{ what: string }>(
    `SELECT i.kind || ' ' || i.generation AS what FROM intents i JOIN sessions s ON s.id = i.subject_id
     WHERE i.subject = 'session' AND s.uuid = $1 ORDER BY i.id`,
    [uuid],
  );
  return rows.map((row) => row.what);
}

describe('a session that is held up', () => {
  it('tells its cause with a sentence, a remedy and who can', async () => {
    const { sentence, remedy, who } = CAUSE_ADVICE['image-pull'];
    const { body } = await read(await inDoubt({ phase: 'failed', cause: 'image-pull', volume: null }));
    expect(body.cause).toEqual({ code: 'image-pull', sentence, remedy, who });
    expect(body.discardable).toBeNull();
  });

  it('names the newest save while it may be discarded', async () => {
    const { body } = await read(await inDoubt({ phase: 'running', cause: 'node-lost', volume: 'live' }));
    expect(body.discardable.newestSave).toMatchObject({ path: 'main.py' });
    const fine = await read(await inDoubt({ phase: 'running', volume: 'live' }));
    expect([fine.body.cause, fine.body.discardable]).toEqual([null, null]);
  });
});

describe('discarding', () => {
  it.each([
    ['on a lost node', { phase: 'running', cause: 'node-lost', volume: 'live' }],
    ['that waits for a lost node to close', { phase: 'closing', cause: 'node-lost', volume: 'live' }],
    ['that could not be saved', { phase: 'closed', volume: 'kept' }],
  ] as const)('and reopening begins the next generation of a session %s', async (_what, state) => {
    const uuid = await inDoubt(state);
    const answer = await ask(uuid, 'discard-and-reopen');
    expect(answer.status).toBe(202);
    expect(answer.body.session).toMatchObject({ phase: 'requested', generation: 2, cause: null, discardable: null });
    expect(answer.body.newestSave).toMatchObject({ path: 'main.py' });
    expect(await intentsOf(uuid)).toEqual(['open 2']);
    expect((await ask(uuid, 'discard-and-reopen')).body.code).toBe('NOTHING_TO_DISCARD');
  });

  it('leaves a closed session closed in the end', async () => {
    const uuid = await inDoubt({});
    expect((await ask(uuid, 'discard')).status).toBe(202);
    expect(await intentsOf(uuid)).toEqual(['open 2', 'close 2']);
  });

  it.each([
    ['open and well', { phase: 'running', volume: 'live' }],
    ['closed with everything saved', { phase: 'closed', volume: null }],
    ['closed with nothing but files that are not saved by rule', { keptUntil: new Date(Date.now() + 86_400_000) }],
    ['discarded already', { volume: 'discarded' }],
  ] as const)('is refused for a session that is %s', async (_what, state) => {
    const uuid = await inDoubt(state);
    for (const verb of ['discard-and-reopen', 'discard']) {
      const answer = await ask(uuid, verb);
      expect([answer.status, answer.body.code]).toEqual([409, 'NOTHING_TO_DISCARD']);
    }
    const saved = await ask(uuid, 'retry-save', {});
    expect([saved.status, saved.body.code]).toEqual([409, 'NOTHING_TO_SAVE']);
    expect(await intentsOf(uuid)).toEqual([]);
  });

  it('needs the word, and leaves everything as it is without it', async () => {
    const uuid = await inDoubt({});
    for (const body of [{}, { confirm: true }, { confirm: 'yes' }, { confirm: 'discard', more: 1 }]) {
      for (const verb of ['discard-and-reopen', 'discard']) {
        const answer = await ask(uuid, verb, body);
        expect([answer.status, answer.body.code]).toEqual([422, 'INVALID_INPUT']);
      }
    }
    expect((await read(uuid)).body.keptVolume).toEqual({ until: null });
  });

  it('is refused while only a reopening would end what holds the volume', async () => {
    const uuid = await inDoubt({ phase: 'running', cause: 'node-lost', volume: 'live' });
    expect((await ask(uuid, 'discard')).body.code).toBe('NOTHING_TO_DISCARD');
    expect((await read(uuid)).body.discardable).not.toBeNull();
  });

  it('stays within the limit of open sessions', async () => {
    for (let count = 0; count < 2; count += 1)
      await build.session(api.database, { userId: alice.id, phase: 'running' });
    const uuid = await inDoubt({});
    for (const verb of ['discard-and-reopen', 'discard']) {
      expect((await ask(uuid, verb)).body.code).toBe('SESSION_LIMIT');
    }
    expect((await ask(uuid, 'retry-save', {})).body.code).toBe('SESSION_LIMIT');
  });

  it('is done once however many ask at once', async () => {
    const uuid = await inDoubt({});
    const answers = await Promise.all(Array.from({ length: 5 }, () => ask(uuid, 'discard-and-reopen')));
    expect(answers.map(({ status }) => status).sort()).toEqual([202, 409, 409, 409, 409]);
    expect(await intentsOf(uuid)).toEqual(['open 2']);
  });
});

describe('saving again', () => {
  it('is an opening that closes at once', async () => {
    const uuid = await inDoubt({});
    const answer = await ask(uuid, 'retry-save', {});
    expect(answer.status).toBe(202);
    expect(answer.body.session).toMatchObject({ phase: 'requested', generation: 2, keptVolume: { until: null } });
    expect(await intentsOf(uuid)).toEqual(['open 2', 'close 2']);
  });
});
