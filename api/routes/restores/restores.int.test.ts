import { build, type BuiltSession } from '#tests/support/factories.ts';
import { startTestApi, type TestAnswer, type TestApi, type TestPerson } from '#tests/support/testApi.ts';

let api: TestApi;
let owner: TestPerson;
beforeAll(async () => {
  api = await startTestApi({ MAX_SESSION_ITEMS: '10' });
  owner = await api.person();
});
afterAll(() => api.close());

let session: BuiltSession;
let base: string;
beforeEach(async () => {
  session = await build.session(api.database, { userId: owner.id });
  base = `/api/v1/sessions/${session.uuid}`;
});

const send = (method: string, path: string, body?: object, version?: number): Promise<TestAnswer> =>
  api.send(method, `${base}${path}`, {
    as: owner,
    ...(body === undefined ? {} : { body }),
    headers: version === undefined ? {} : { 'if-match': `"${version}"` },
  });
const make = async (name: string, content: string, parentId: number | null = null) =>
  (await send('POST', '/items', { name, type: 'file', content, parentId })).body;
const folder = async (name: string) => (await send('POST', '/items', { name, type: 'folder' })).body;
const save = (id: number, content: string, version: number) =>
  send('PUT', `/items/${id}/content`, { content }, version);
const remove = (id: number) => send('DELETE', `/items/${id}`);
const read = async (id: number) => (await send('GET', `/items/${id}`)).body;
const versionsOf = async (id: number) => (await send('GET', `/items/${id}/versions`)).body.items;
const trash = async () => (await send('GET', '/trash')).body.items;
const paths = async () => (await send('GET', '/items')).body.items.map((item: { path: string }) => item.path);
const restoreVersion = (id: number, versionId: number, version?: number) =>
  send('POST', `/items/${id}/versions/${versionId}/restore`, {}, version);
const now = async (): Promise<string> => {
  const [row] = await api.database.query<{ at: string }>(
    `SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS at`,
  );
  return row!.at;
};

function expectProblem(answer: TestAnswer, status: number, code: string): void {
  expect({ status: answer.status, code: answer.body.code }).toEqual({ status, code });
  expect(answer.body.detail).toEqual(expect.any(String));
}

describe('a version restored', () => {
  it('is a save: content and executable bit come back as a new version', async () => {
    const { id } = await make('run.sh', 'one');
    await send('PATCH', `/items/${id}`, { executable: true }, 1);
    await save(id, 'two', 2);
    const oldest = (await versionsOf(id)).at(-1);
    expect((await restoreVersion(id, oldest.id, 3)).body).toMatchObject({ id, version: 4, executable: false });
    expect(await read(id)).toMatchObject({ content: 'one', version: 4 });
    expect((await versionsOf(id))[0]).toMatchObject({ source: 'restore', createdBy: owner.username, version: 4 });
  });

  it('needs the version that the person has seen, and of a save at the same moment one wins', async () => {
    const { id } = await make('a.txt', 'one');
    await save(id, 'two', 1);
    const oldest = (await versionsOf(id)).at(-1);
    expectProblem(await restoreVersion(id, oldest.id), 428, 'VERSION_REQUIRED');
    expectProblem(await restoreVersion(id, oldest.id, 1), 409, 'VERSION_CONFLICT');
    const both = await Promise.all([restoreVersion(id, oldest.id, 2), save(id, 'three', 2)]);
    expect(both.map((answer) => answer.status).sort()).toEqual([200, 409]);
    expect((await read(id)).version).toBe(3);
  });

  it('is refused of another file and of one that is not there', async () => {
    const [a, b] = [await make('a.txt', 'a'), await make('b.txt', 'b')];
    const [version] = await versionsOf(b.id);
    expectProblem(await restoreVersion(a.id, version.id, 1), 404, 'NOT_FOUND');
    expectProblem(await restoreVersion(999_999, version.id, 1), 404, 'NOT_FOUND');
  });

  it('makes a deleted file again under its id, with the folders above, unless its path is taken', async () => {
    const src = await folder('src');
    const { id } = await make('a.txt', 'one', src.id);
    await save(id, 'two', 1);
    const [newest, oldest] = await versionsOf(id);
    await remove(src.id);
    expect((await restoreVersion(id, oldest.id)).body).toMatchObject({ id, path: 'src/a.txt', version: 3 });
    expect(await read(id)).toMatchObject({ content: 'one' });
    await remove(id);
    const again = await make('a.txt', 'another', (await send('GET', '/items')).body.items[0].id);
    const taken = await restoreVersion(id, newest.id);
    expectProblem(taken, 409, 'NAME_TAKEN');
    expect(taken.body).toMatchObject({ data: { itemId: again.id } });
    expect(taken.body.detail).toContain('Rename or delete it');
  });
});

describe('the trash of a session', () => {
  it('lists what went, by whom and from where, last first, in pages', async () => {
    const src = await folder('src');
    await make('a.txt', 'a', src.id);
    const { id } = await make('b.txt', 'bb');
    await remove(src.id);
    await api.database.query(`DELETE FROM workspace_items WHERE id = $1`, [id]);
    const all = await trash();
    expect(all).toMatchObject([
      { path: 'b.txt', size: 2, source: 'terminal', deletedBy: null, itemId: id },
      { path: 'src/a.txt', size: 1, source: 'editor', deletedBy: owner.username },
    ]);
    const first = await send('GET', '/trash?limit=1');
    const second = await send('GET', `/trash?limit=1&cursor=${first.body.nextCursor}`);
    expect([...first.body.items, ...second.body.items]).toEqual(all);
    expect(second.body.nextCursor).toBeNull();
  });

  it('gives back many at once under their ids, or none of them', async () => {
    const src = await folder('src');
    const [a, b] = [await make('a.txt', 'a', src.id), await make('b.txt', 'b')];
    await remove(src.id);
    await remove(b.id);
    const taken = await make('b.txt', 'in the way');
    const itemIds = [a.id, b.id];
    expectProblem(await send('POST', '/trash/restore', { itemIds }), 409, 'NAME_TAKEN');
    expect(await paths()).toEqual(['b.txt']);
    await send('PATCH', `/items/${taken.id}`, { name: 'c.txt' });
    const answer = await send('POST', '/trash/restore', { itemIds });
    expect(answer.body.items.map((item: { id: number }) => item.id).sort()).toEqual([...itemIds].sort());
    expect(await paths()).toEqual(['b.txt', 'c.txt', 'src', 'src/a.txt']);
    expect(await trash()).toEqual([]);
    expectProblem(await send('POST', '/trash/restore', { itemIds }), 404, 'NOT_FOUND');
  });

  it('lets go for good of one file with its versions and its past, and of no other', async () => {
    const [a, b] = [await make('a.txt', 'a'), await make('b.txt', 'a')];
    const at = await now();
    await remove(a.id);
    await remove(b.id);
    expect((await send('DELETE', `/trash/${a.id}`)).status).toBe(204);
    expectProblem(await send('DELETE', `/trash/${a.id}`), 404, 'NOT_FOUND');
    expect(await versionsOf(a.id)).toEqual([]);
    expect(await versionsOf(b.id)).toHaveLength(1);
    expect((await send('POST', '/restore', { at })).body.changes).toEqual([
      { path: 'b.txt', type: 'file', change: 'create' },
    ]);
  });
});

describe('a restore to a moment', () => {
  it('brings one folder back and leaves the others, and a dry run changes nothing', async () => {
    const src = await folder('src');
    const a = await make('a.txt', 'one', src.id);
    const other = await make('other.txt', 'one');
    const at = await now();
    await save(a.id, 'two', 1);
    await save(other.id, 'two', 1);
    await make('since.txt', 'new', src.id);
    await send('PATCH', `/items/${src.id}`, { name: 'lib' });
    const body = { at, path: 'src' };
    const dry = await send('POST', '/restore', { ...body, dryRun: true });
    expect(dry.body.counts).toEqual({ create: 2, update: 0, delete: 0 });
    expect(await paths()).toEqual(['lib', 'lib/a.txt', 'lib/since.txt', 'other.txt']);
    expect((await send('POST', '/restore', body)).body).toEqual(dry.body);
    expect(await paths()).toEqual(['lib', 'lib/a.txt', 'lib/since.txt', 'other.txt', 'src', 'src/a.txt']);
    expect((await read(other.id)).content).toBe('two');
    expect((await send('POST', '/restore', { at, path: 'lib' })).body.counts).toEqual({
      create: 0,
      update: 0,
      delete: 3,
    });
    const gone = (await trash()).map((file: { path: string; source: string }) => `${file.source} ${file.path}`);
    expect(gone.sort()).toEqual(['restore lib/a.txt', 'restore lib/since.txt']);
  });

  it('can itself be undone, and a page that saves over an older version is told', async () => {
    const { id } = await make('a.txt', 'one');
    const before = await now();
    await save(id, 'two', 1);
    const between = await now();
    await send('POST', '/restore', { at: before });
    expectProblem(await save(id, 'three', 2), 409, 'VERSION_CONFLICT');
    await send('POST', '/restore', { at: between });
    expect(await read(id)).toMatchObject({ content: 'two', version: 4 });
  });

  it('is refused for a moment that is unknown, yet to come, or no moment, and for a path that never was', async () => {
    const at = new Date(Date.now() + 60_000).toISOString();
    expectProblem(await send('POST', '/restore', { at }), 422, 'NO_HISTORY_YET');
    expectProblem(await send('POST', '/restore', { at: '2020-01-01T00:00:00Z' }), 422, 'NO_HISTORY_YET');
    for (const body of [{ at: 'yesterday' }, { at: '2026-02-30T00:00:00Z' }, {}, { at: await now(), path: '' }]) {
      expectProblem(await send('POST', '/restore', body), 422, 'INVALID_INPUT');
    }
    expectProblem(await send('POST', '/restore', { at: await now(), path: '../x' }), 404, 'NOT_FOUND');
  });

  it('is refused, and changes nothing, when the session has no room for it or a file is where a folder was', async () => {
    const src = await folder('src');
    for (let count = 0; count < 4; count += 1) await make(`f${count}`, 'x', src.id);
    const at = await now();
    await remove(src.id);
    const taken = await make('src', 'a file now');
    expectProblem(await send('POST', '/restore', { at, path: 'src/f1' }), 409, 'NAME_TAKEN');
    await remove(taken.id);
    for (let count = 0; count < 6; count += 1) await make(`g${count}`, 'x');
    expectProblem(await send('POST', '/restore', { at, path: 'src' }), 413, 'SESSION_TOO_LARGE');
    expect(await paths()).toHaveLength(6);
  });
});

describe('what is known of a session', () => {
  it('reaches back to its making and counts each content once', async () => {
    const { id } = await make('a.txt', 'four');
    await make('b.txt', 'four');
    await save(id, 'sixsix', 1);
    const { body } = await send('GET', '/history');
    expect(body).toEqual({ since: expect.any(String), versionBytes: 10, versionLimit: 1_073_741_824 });
    expect(Date.parse(body.since)).toBeLessThanOrEqual(Date.now());
  });
});
