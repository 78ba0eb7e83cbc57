import { startTestApi, type TestApi, type TestPerson } from '#tests/support/testApi.ts';
import { createWorkers, type Workers } from '#workers/createWorkers.ts';
import { installWorkerLog } from '#workers/workerLog.ts';
import { TEST_BUNDLES } from '#tests/support/sessionSteps.ts';
import { waitFor } from '#tests/support/waitFor.ts';

let api: TestApi;
let alice: TestPerson;

beforeAll(async () => {
  api = await startTestApi({ SESSION_LIVE_LIMIT: '2' });
});
beforeEach(async () => {
  alice = await api.person();
});
afterAll(() => api.close());

const create = (name: string, more: object = {}, as = alice) =>
  api.send('POST', '/api/v1/sessions', { as, body: { name, ...more } });
const ask = (uuid: string, verb: string, body: object = {}) =>
  api.send('POST', `/api/v1/sessions/${uuid}/${verb}`, { as: alice, body });

describe('a session', () => {
  it('is made closed, with the starter file of its language', async () => {
    const made = await create('fractals', { language: 'python' });
    expect(made.status).toBe(201);
    expect(made.headers.get('location')).toBe(`/api/v1/sessions/${made.body.uuid}`);
    expect(made.body).toMatchObject({ name: 'fractals', phase: 'closed', generation: 0, isActive: false, stages: [] });
    const tree = await api.send('GET', `/api/v1/sessions/${made.body.uuid}/items`, { as: alice });
    expect(tree.body.items.map((item: { path: string }) => item.path)).toContain('main.py');
  });

  it('is listed newest first, page by page, to its owner alone', async () => {
    for (const name of ['one', 'two', 'three']) await create(name);
    await create('of somebody else', {}, await api.person());
    const names: string[] = [];
    for (let cursor: string | null = ''; cursor !== null;) {
      const page = await api.send('GET', `/api/v1/sessions?limit=2${cursor && `&cursor=${cursor}`}`, { as: alice });
      names.push(...page.body.items.map((session: { name: string }) => session.name));
      cursor = page.body.nextCursor;
    }
    expect(names).toEqual(['three', 'two', 'one']);
  });

  it('is renamed, told to those who watch, and gone from every list once in the trash', async () => {
    const { uuid } = (await create('old')).body;
    const renamed = await api.send('PATCH', `/api/v1/sessions/${uuid}`, { as: alice, body: { name: '  new  ' } });
    expect(renamed.body.name).toBe('new');
    expect((await api.send('DELETE', `/api/v1/sessions/${uuid}`, { as: alice })).status).toBe(204);
    expect((await api.send('GET', `/api/v1/sessions/${uuid}`, { as: alice })).status).toBe(404);
    expect((await api.send('GET', '/api/v1/sessions', { as: alice })).body.items).toEqual([]);
  });

  it('is opened by its row and an intent in one transaction; a second open is the same one', async () => {
    const { uuid } = (await create('fractals')).body;
    const [first, second] = await Promise.all([ask(uuid, 'open'), ask(uuid, 'open')]);
    expect([first.status, second.status]).toEqual([202, 202]);
    expect(first.body.session).toMatchObject({ phase: 'requested', generation: 1, isActive: true });
    expect(first.body.session.stages.map((stage: { phase: string }) => stage.phase)).toEqual(['requested']);
    expect(second.body.opId).toBe(first.body.opId);
    const intents = await api.database.query(
      `SELECT i.kind, i.generation FROM intents i JOIN sessions s ON s.id = i.subject_id AND i.subject = 'session' WHERE s.uuid = $1`,
      [uuid],
    );
    expect(intents).toEqual([{ kind: 'open', generation: 1 }]);
  });

  it('beyond the limit of open ones is refused, naming what to close, also when several come at once', async () => {
    const uuids = [];
    for (const name of ['a', 'b', 'c', 'd']) uuids.push((await create(name)).body.uuid as string);
    const answers = await Promise.all(uuids.map((uuid) => ask(uuid, 'open')));
    expect(answers.filter((answer) => answer.status === 202)).toHaveLength(2);
    const refused = answers.find((answer) => answer.status === 409)!;
    expect(refused.body.code).toBe('SESSION_LIMIT');
    expect(refused.body.data.sessions).toHaveLength(2);
    for (const { name } of refused.body.data.sessions) expect(refused.body.detail).toContain(`"${name}"`);
    const made = await create('e', { open: true });
    expect(made.body.code).toBe('SESSION_LIMIT');
    expect((await api.send('GET', '/api/v1/sessions', { as: alice })).body.items).toHaveLength(4);
  });

  it('with an open review cannot be deleted', async () => {
    const { uuid } = (await create('reviewed')).body;
    await api.database.query(`INSERT INTO review_requests (session_id, submitted_by, title) VALUES ($1, $2, 'look')`, [
      uuid,
      alice.id,
    ]);
    const answer = await api.send('DELETE', `/api/v1/sessions/${uuid}`, { as: alice });
    expect([answer.status, answer.body.code]).toEqual([409, 'SESSION_HAS_OPEN_REVIEW']);
    const shown = await api.send('GET', `/api/v1/sessions/${uuid}`, { as: alice });
    expect(shown.body.openReviewId).toBe(answer.body.data.reviewId);
  });

  it('that is closed cannot be synced or extended, and closing it again changes nothing', async () => {
    const { uuid } = (await create('closed')).body;
    expect((await ask(uuid, 'sync')).body.code).toBe('SESSION_NOT_OPEN');
    expect((await ask(uuid, 'extend', { minutes: 5 })).body.code).toBe('SESSION_NOT_OPEN');
    expect((await ask(uuid, 'close')).body.session.phase).toBe('closed');
  });
});

describe('with workers', () => {
  let workers: Workers;
  let running: Promise<void>;
  beforeAll(async () => {
    // Sessions that were asked for above, when nobody carried it out, are not to be opened now.
    await api.database.query('DELETE FROM intents');
    installWorkerLog(api.deps.log);
    workers = createWorkers({ ...api.deps, runtime: api.runtime, bundleFolder: TEST_BUNDLES });
    running = workers.run();
  });
  afterAll(async () => {
    await workers.shutdown();
    await running;
  });

  const phaseOf = async (uuid: string) => (await api.send('GET', `/api/v1/sessions/${uuid}`, { as: alice })).body.phase;

  it('a session opens, is signalled to sync and to stay by a token, and closes', async () => {
    const body = { name: 'automation', scopes: ['read', 'sessions'] };
    const { secret } = (await api.send('POST', '/api/v1/tokens', { as: alice, body })).body;
    const byToken = (path: string, sent: object) =>
      api.send('POST', `/api/v1/sessions${path}`, { token: secret, body: sent });
    const { uuid } = (await byToken('', { name: 'automated', open: true })).body;
    await waitFor(async () => (await phaseOf(uuid)) === 'running', { deadlineMs: 60_000, what: 'the session to run' });

    const stages = (await api.send('GET', `/api/v1/sessions/${uuid}`, { token: secret })).body.stages;
    expect(stages.map((stage: { phase: string }) => stage.phase)).toEqual([
      'requested',
      'provisioning',
      'loading',
      'running',
    ]);

    const synced = await byToken(`/${uuid}/sync`, {});
    expect(synced.status).toBe(202);
    expect((await byToken(`/${uuid}/extend`, { minutes: 30 })).status).toBe(202);
    await waitFor(async () => (await api.send('GET', `/api/v1/sessions/${uuid}`, { token: secret })).body.expiresAt, {
      what: 'the extension',
    });
    expect((await byToken(`/${uuid}/close`, {})).status).toBe(202);
    await waitFor(async () => (await phaseOf(uuid)) === 'closed', { deadlineMs: 60_000, what: 'the session to close' });
  }, 150_000);
});

describe('without Temporal', () => {
  it('a sync is refused honestly within two seconds, and opening is accepted and kept', async () => {
    const lonely = await startTestApi({ TEMPORAL_ADDRESS: '127.0.0.1:9' });
    try {
      const bob = await lonely.person();
      const { uuid } = (await lonely.send('POST', '/api/v1/sessions', { as: bob, body: { name: 'a', open: true } }))
        .body;
      const began = performance.now();
      const answer = await lonely.send('POST', `/api/v1/sessions/${uuid}/sync`, { as: bob, body: {} });
      expect(performance.now() - began).toBeLessThan(2_000);
      expect([answer.status, answer.body.code]).toEqual([503, 'TEMPORAL_UNAVAILABLE']);
      const intents = await lonely.database.query(`SELECT kind FROM intents`);
      expect(intents).toEqual([{ kind: 'open' }]);
      const ready = await lonely.send('GET', '/readyz');
      expect([ready.status, ready.body]).toEqual([
        200,
        { status: 'degraded', database: 'ok', temporal: 'unreachable' },
      ]);
    } finally {
      await lonely.close();
    }
  });
});
