import { removeUnreferencedBlobs } from '#platform/db/repositories/retention.ts';
import { build, type BuiltSession } from '#tests/support/factories.ts';
import { startTestApi, type TestAnswer, type TestApi, type TestPerson } from '#tests/support/testApi.ts';

let api: TestApi;
let owner: TestPerson;
let stranger: TestPerson;
let operator: TestPerson;
beforeAll(async () => {
  api = await startTestApi({ MAX_SESSION_BYTES: '5000' });
  owner = await api.person();
  stranger = await api.person();
  operator = await api.person({ isOperator: true });
});
afterAll(() => api.close());

const send = (method: string, path: string, as: TestPerson, body?: object): Promise<TestAnswer> =>
  api.send(method, `/api/v1${path}`, { as, body });
const start = (as: TestPerson, body: object) => send('POST', '/sessions', as, body);
const treeOf = async (uuid: string, as: TestPerson): Promise<string[]> =>
  (await send('GET', `/sessions/${uuid}/items`, as)).body.items.map(({ path }: { path: string }) => path);
const problemOf = ({ status, body }: TestAnswer) => [status, body.code];

/** A session with a folder, a script that can be run, a symlink, bytes that are no text, and a repository. */
async function furnished(person: TestPerson, name = 'fractals'): Promise<BuiltSession> {
  const session = await build.session(api.database, { userId: person.id, name });
  const src = await build.folder(api.database, { sessionId: session.id, name: 'src' });
  const made = await build.file(api.database, {
    sessionId: session.id,
    name: 'run.sh',
    content: 'echo ☂',
    parentId: src.id,
  });
  await api.database.query('UPDATE workspace_items SET executable = true WHERE id = $1', [made.id]);
  await api.database.query(
    `INSERT INTO workspace_items (session_id, name, type, content, encoding, sha256, size) VALUES
     ($1, 'link', 'file', 'src/run.sh', 'symlink', encode(sha256('src/run.sh'), 'hex'), 10),
     ($1, 'bytes', 'file', 'AAE=', 'base64', encode(sha256('\\x0001'), 'hex'), 2)`,
    [session.id],
  );
  await build.gitFolder(api.database, { sessionId: session.id, path: 'src/.git' });
  return session;
}

const contents = (uuid: string) =>
  api.database.query(
    `SELECT full_path, type, content, encoding, executable, sha256, size::int FROM workspace_items
     WHERE session_uuid = $1 ORDER BY full_path COLLATE "C"`,
    [uuid],
  );

describe('a duplicate of a session', () => {
  it('has its live files to the byte, its language and its repositories, and none of its past', async () => {
    const source = await furnished(owner);
    await api.database.query(`UPDATE sessions SET language = 'c' WHERE id = $1`, [source.id]);
    const answer = await start(owner, { from: { session: source.uuid } });
    expect(answer.status).toBe(201);
    expect(answer.body).toMatchObject({ name: 'fractals (copy)', language: 'c', phase: 'closed' });
    expect(await contents(answer.body.uuid)).toEqual(await contents(source.uuid));
    expect(await contents(answer.body.uuid)).toHaveLength(4);
    const [row] = await api.database.query<{ id: number; from: number }>(
      'SELECT id, copied_from_id AS from FROM sessions WHERE uuid = $1',
      [answer.body.uuid],
    );
    expect(row!.from).toBe(source.id);
    const versions = await api.database.query(
      'SELECT DISTINCT version, source FROM file_versions WHERE session_id = $1',
      [row!.id],
    );
    expect(versions).toEqual([{ version: 1, source: 'starter' }]);
    const git = await api.database.query(
      `SELECT f.path, f.volume_id, p.session_id = $1 AS "isOwn", convert_from(b.bytes, 'UTF8') AS bytes FROM git_folders f
       JOIN git_packs p ON p.id = f.pack_id JOIN git_pack_parts b ON b.pack_id = p.id WHERE f.session_id = $1`,
      [row!.id],
    );
    expect(git).toEqual([{ path: 'src/.git', volume_id: null, isOwn: true, bytes: 'none' }]);
  });

  it('lives on when the other one is changed and erased', async () => {
    const source = await furnished(owner);
    const { uuid } = (await start(owner, { from: { session: source.uuid }, name: 'mine' })).body;
    const before = await contents(uuid);
    await api.database.query('DELETE FROM sessions WHERE id = $1', [source.id]);
    expect(await contents(uuid)).toEqual(before);
    expect((await send('GET', `/sessions/${uuid}`, owner)).body.name).toBe('mine');
  });

  it('has a name that fits, however long the other one is', async () => {
    const source = await build.session(api.database, { userId: owner.id, name: '☂'.repeat(200) });
    const { name } = (await start(owner, { from: { session: source.uuid } })).body;
    expect(name).toBe(`${'☂'.repeat(193)} (copy)`);
  });

  it('is not made of somebody else’s session, of one in the trash, or of nothing', async () => {
    const source = await furnished(owner);
    for (const as of [stranger, operator]) {
      expect(problemOf(await start(as, { from: { session: source.uuid } }))).toEqual([404, 'NOT_FOUND']);
    }
    await send('DELETE', `/sessions/${source.uuid}`, owner);
    expect(problemOf(await start(owner, { from: { session: source.uuid } }))).toEqual([404, 'NOT_FOUND']);
    expect(problemOf(await start(owner, { language: 'c' }))).toEqual([422, 'INVALID_INPUT']);
    expect(problemOf(await start(owner, { name: 'x', from: {} }))).toEqual([422, 'INVALID_INPUT']);
  });
});

describe('a template', () => {
  const save = (as: TestPerson, session: { uuid: string }, name = 'web') =>
    send('POST', '/templates', as, { session: session.uuid, name, description: 'A start.' });
  const names = async (as: TestPerson): Promise<string[]> =>
    (await send('GET', '/templates', as)).body.items.map(({ name }: { name: string }) => name);

  it('is what the session was when it was saved, whatever comes of the session', async () => {
    const author = await api.person();
    const source = await furnished(author);
    const saved = await save(author, source);
    expect(saved.status).toBe(201);
    expect(saved.body).toMatchObject({
      name: 'web',
      items: 4,
      isOwn: true,
      isPublished: false,
      owner: author.username,
    });
    const before = (await contents(source.uuid)).map(({ ...row }) => row);
    await api.database.query('DELETE FROM sessions WHERE id = $1', [source.id]);
    await api.database.query(`UPDATE blobs SET touched_at = now() - interval '2 hours'`);
    await removeUnreferencedBlobs(api.database);
    const started = await start(author, { from: { template: saved.body.id } });
    expect(started.body).toMatchObject({ name: 'web', language: 'python' });
    expect(await contents(started.body.uuid)).toEqual(before);
  });

  it('is its owner’s alone until an operator publishes one of theirs', async () => {
    const author = await api.person({ isOperator: true });
    const { id } = (await save(author, await furnished(author), 'house')).body;
    expect(await names(stranger)).not.toContain('house');
    expect(problemOf(await start(stranger, { from: { template: id } }))).toEqual([404, 'NOT_FOUND']);
    expect((await send('PATCH', `/templates/${id}`, author, { isPublished: true })).body.isPublished).toBe(true);
    expect(await names(stranger)).toContain('house');
    const started = await start(stranger, { name: 'from house', from: { template: id } });
    expect(await treeOf(started.body.uuid, stranger)).toEqual(['bytes', 'link', 'src', 'src/run.sh']);
    expect(problemOf(await send('PATCH', `/templates/${id}`, stranger, { name: 'x' }))).toEqual([404, 'NOT_FOUND']);
    expect(problemOf(await send('DELETE', `/templates/${id}`, stranger))).toEqual([404, 'NOT_FOUND']);
    await send('PATCH', `/templates/${id}`, author, { isPublished: false });
    expect(await names(stranger)).not.toContain('house');
    const own = (await save(stranger, await furnished(stranger))).body;
    const refused = await send('PATCH', `/templates/${own.id}`, stranger, { isPublished: true });
    expect(problemOf(refused)).toEqual([403, 'FORBIDDEN']);
  });

  it('is renamed, described and deleted; what began with it stays', async () => {
    const author = await api.person();
    const { id } = (await save(author, await furnished(author))).body;
    const changed = await send('PATCH', `/templates/${id}`, author, { name: 'site' });
    expect(changed.body).toMatchObject({ name: 'site', description: 'A start.' });
    expect(problemOf(await send('PATCH', `/templates/${id}`, author, {}))).toEqual([422, 'INVALID_INPUT']);
    const { uuid } = (await start(author, { from: { template: id } })).body;
    expect((await send('DELETE', `/templates/${id}`, author)).status).toBe(204);
    expect(await names(author)).toEqual([]);
    expect(await treeOf(uuid, author)).toHaveLength(4);
  });

  it('is limited in number and in bytes, also for two at once', async () => {
    const author = await api.person();
    const source = await build.session(api.database, { userId: author.id });
    await build.file(api.database, { sessionId: source.id, name: 'big', content: 'x'.repeat(3_000) });
    const both = await Promise.all([save(author, source), save(author, source)]);
    expect(both.map(({ status }) => status).sort()).toEqual([201, 409]);
    const small = await build.session(api.database, { userId: author.id });
    for (let count = 1; count < 20; count += 1) expect((await save(author, small)).status).toBe(201);
    expect(problemOf(await save(author, small))).toEqual([409, 'TEMPLATE_LIMIT']);
  });

  it('is not made of somebody else’s session', async () => {
    expect(problemOf(await save(stranger, await furnished(owner)))).toEqual([404, 'NOT_FOUND']);
  });
});
