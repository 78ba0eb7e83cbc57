import fc from 'fast-check';
import { attachmentOf } from '#api/routes/items/versionRoutes.ts';
import { build, type BuiltSession } from '#tests/support/factories.ts';
import { scaled, SEED } from '#tests/support/scale.ts';
import { startTestApi, type TestAnswer, type TestApi, type TestPerson } from '#tests/support/testApi.ts';

let api: TestApi;
let owner: TestPerson;
let stranger: TestPerson;
beforeAll(async () => {
  api = await startTestApi({ MAX_FILE_BYTES: '65536', MAX_SESSION_BYTES: '150000', MAX_SESSION_ITEMS: '20' });
  owner = await api.person();
  stranger = await api.person();
});
afterAll(() => api.close());

let session: BuiltSession;
let items: string;
beforeEach(async () => {
  session = await build.session(api.database, { userId: owner.id });
  items = `/api/v1/sessions/${session.uuid}/items`;
});

const make = (body: object, as = owner): Promise<TestAnswer> => api.send('POST', items, { as, body });
const file = async (name: string, content = 'one\n', parentId: number | null = null) =>
  (await make({ name, type: 'file', content, parentId })).body;
const folder = async (name: string, parentId: number | null = null) =>
  (await make({ name, type: 'folder', parentId })).body;
const save = (id: number, version: number | null, body: object) =>
  api.send('PUT', `${items}/${id}/content`, {
    as: owner,
    body,
    headers: version === null ? {} : { 'if-match': `"${version}"` },
  });
const change = (id: number, body: object) => api.send('PATCH', `${items}/${id}`, { as: owner, body });

function expectProblem(answer: TestAnswer, status: number, code: string): void {
  expect({ status: answer.status, code: answer.body.code }).toEqual({ status, code });
  expect(answer.body.detail).toEqual(expect.any(String));
}

describe('the tree of a session', () => {
  it('is there without any pod: made, listed, read, changed, deleted', async () => {
    const src = await folder('src');
    const main = await file('main.py', 'print(1)\n', src.id);
    const tree = await api.send('GET', items, { as: owner });
    expect(tree.body.items.map((item: { path: string }) => item.path)).toEqual(['src', 'src/main.py']);
    expect(tree.body.notSaved).toEqual([]);
    const read = await api.send('GET', `${items}/${main.id}`, { as: owner });
    expect(read.body).toMatchObject({ content: 'print(1)\n', encoding: 'utf8', version: 1, size: 9 });
    expect((await api.send('GET', `${items}/${src.id}`, { as: owner })).body).not.toHaveProperty('content');
    expect((await change(src.id, { name: 'lib' })).body.path).toBe('lib');
    expect((await api.send('GET', `${items}/${main.id}`, { as: owner })).body.path).toBe('lib/main.py');
    expect((await api.send('DELETE', `${items}/${src.id}`, { as: owner })).status).toBe(204);
    expectProblem(await api.send('GET', `${items}/${main.id}`, { as: owner }), 404, 'NOT_FOUND');
  });

  it('answers 304 until something in it changed', async () => {
    await file('a.txt');
    const first = await api.send('GET', items, { as: owner });
    const headers = { 'if-none-match': first.headers.get('etag')! };
    expect((await api.send('GET', items, { as: owner, headers })).status).toBe(304);
    await file('b.txt');
    expect((await api.send('GET', items, { as: owner, headers })).status).toBe(200);
  });

  it('tells everybody who watches, in the same transaction', async () => {
    await file('a.txt');
    const events = await api.database.query(`SELECT kind, payload FROM events WHERE subject_id = $1`, [session.id]);
    expect(events).toEqual([{ kind: 'items', payload: { paths: ['a.txt'], truncated: false, source: 'editor' } }]);
  });

  it('is nothing that a stranger can see or change', async () => {
    const { id } = await file('a.txt');
    const body = { content: 'x' };
    const attempts = [
      api.send('GET', items, { as: stranger }),
      make({ name: 'x', type: 'file' }, stranger),
      api.send('GET', `${items}/${id}`, { as: stranger }),
      api.send('PUT', `${items}/${id}/content`, { as: stranger, body, headers: { 'if-match': '1' } }),
      api.send('PATCH', `${items}/${id}`, { as: stranger, body: { name: 'x' } }),
      api.send('DELETE', `${items}/${id}`, { as: stranger }),
      api.send('GET', `${items}/${id}/versions`, { as: stranger }),
      api.send('GET', `${items}/${id}/raw`, { as: stranger }),
    ];
    for (const answer of await Promise.all(attempts)) expectProblem(answer, 404, 'NOT_FOUND');
    const other = await build.session(api.database, { userId: stranger.id });
    const elsewhere = `/api/v1/sessions/${other.uuid}/items/${id}`;
    expectProblem(await api.send('GET', elsewhere, { as: stranger }), 404, 'NOT_FOUND');
  });
});

describe('a save', () => {
  it('needs the version that it is based on, and a stale one gets the present one', async () => {
    const { id } = await file('a.txt');
    expectProblem(await save(id, null, { content: 'two' }), 428, 'VERSION_REQUIRED');
    expect((await save(id, 1, { content: 'two' })).body.version).toBe(2);
    const stale = await save(id, 1, { content: 'stale' });
    expectProblem(stale, 409, 'VERSION_CONFLICT');
    expect(stale.body.data.currentVersion).toBe(2);
    expect((await api.send('GET', `${items}/${id}`, { as: owner })).body.content).toBe('two');
  });

  it('keeps every version readable, and the same bytes make none', async () => {
    const { id } = await file('a.txt');
    await save(id, 1, { content: 'two' });
    expect((await save(id, 2, { content: 'two' })).body.version).toBe(2);
    const { body } = await api.send('GET', `${items}/${id}/versions?limit=1`, { as: owner });
    expect(body.items).toMatchObject([{ version: 2, source: 'editor', createdBy: owner.username }]);
    const next = await api.send('GET', `${items}/${id}/versions?cursor=${body.nextCursor}`, { as: owner });
    const oldest = next.body.items[0];
    const version = await api.send('GET', `${items}/${id}/versions/${oldest.id}`, { as: owner });
    expect(version.body).toMatchObject({ version: 1, content: 'one\n', encoding: 'utf8' });
  });

  it('lets one of two at the same moment win', async () => {
    const { id } = await file('a.txt');
    const both = await Promise.all([save(id, 1, { content: 'left' }), save(id, 1, { content: 'right' })]);
    expect(both.map((answer) => answer.status).sort()).toEqual([200, 409]);
  });

  it('carries binary bytes as base64 and back', async () => {
    const bytes = Buffer.from([0, 255, 10, 13, 0]);
    const { body } = await make({ name: 'a.bin', type: 'file', content: bytes.toString('base64'), encoding: 'base64' });
    expect(body).toMatchObject({ encoding: 'base64', size: 5 });
    const raw = await fetch(`${api.url}${items}/${body.id}/raw`, { headers: { cookie: owner.cookie } });
    expect(Buffer.from(await raw.arrayBuffer()).equals(bytes)).toBe(true);
  });

  it('is refused with the limit that it meets', async () => {
    const { id } = await file('a.txt');
    expectProblem(await save(id, 1, { content: 'x'.repeat(65_537) }), 413, 'FILE_TOO_LARGE');
    for (const name of ['b', 'c']) await file(name, 'x'.repeat(65_000));
    expectProblem(await save(id, 1, { content: 'x'.repeat(30_000) }), 413, 'SESSION_TOO_LARGE');
    for (let count = 0; count < 17; count += 1) expect((await folder(`d${count}`)).id).toEqual(expect.any(Number));
    expectProblem(await make({ name: 'one-too-many', type: 'folder' }), 413, 'SESSION_TOO_LARGE');
    expectProblem(
      await make({ name: 'big', type: 'file', content: 'x'.repeat(20 * 1024 * 1024) }),
      413,
      'BODY_TOO_LARGE',
    );
  });
});

describe('a rename or a move', () => {
  it('refuses what would break the tree', async () => {
    const [outer, a] = [await folder('outer'), await file('a.txt')];
    const inner = await folder('inner', outer.id);
    await file('b.txt');
    expectProblem(await change(a.id, { name: 'b.txt' }), 409, 'NAME_TAKEN');
    expectProblem(await change(outer.id, { parentId: inner.id }), 409, 'CYCLE');
    expectProblem(await change(outer.id, { parentId: outer.id }), 409, 'CYCLE');
    expectProblem(await change(inner.id, { parentId: a.id }), 422, 'INVALID_PATH');
    expectProblem(await change(inner.id, { parentId: 999_999 }), 404, 'NOT_FOUND');
    expectProblem(await change(outer.id, { executable: true }), 422, 'INVALID_INPUT');
    expectProblem(await change(a.id, {}), 422, 'INVALID_INPUT');
    expectProblem(await change(outer.id, { name: '.git' }), 422, 'INVALID_PATH');
    expectProblem(await make({ name: '.git', type: 'folder' }), 422, 'INVALID_PATH');
    expect((await change(inner.id, { parentId: null })).body.path).toBe('inner');
    expect((await change(a.id, { executable: true, name: 'run.sh' })).body).toMatchObject({
      executable: true,
      version: 2,
    });
  });

  it('refuses what would make a path below too long', async () => {
    let parent: number | null = null;
    for (let depth = 0; depth < 15; depth += 1) parent = (await folder('n'.repeat(250), parent)).id;
    const other = await folder('other');
    await file('x'.repeat(240), '', other.id);
    expectProblem(await change(other.id, { parentId: parent, name: 'o'.repeat(100) }), 422, 'INVALID_PATH');
  });
});

describe('odd input', () => {
  it.each(['..', '.', 'a/b', 'a\\u0000b', '.berth-volume', '\ud800', 'é'.repeat(128), ''])(
    'as the name %j is refused with a field',
    async (name) => {
      const answer = await make({ name: name.replace('\\u0000', '\0'), type: 'file' });
      expect(answer.status).toBe(422);
      expect(answer.body.errors[0]).toMatchObject({ path: 'name' });
    },
  );

  it('as content is refused, not changed', async () => {
    expectProblem(await make({ name: 'a', type: 'file', content: '\ud800' }), 422, 'INVALID_INPUT');
    expectProblem(await make({ name: 'a', type: 'file', content: '!', encoding: 'base64' }), 422, 'INVALID_INPUT');
    expectProblem(await make({ name: 'a', type: 'folder', content: 'x' }), 422, 'INVALID_INPUT');
    expectProblem(await make({ name: 'a', type: 'file', parentId: 1e15 }), 422, 'INVALID_INPUT');
    expectProblem(await api.send('GET', `${items}/99999999999999`, { as: owner }), 422, 'INVALID_INPUT');
    expectProblem(await api.send('GET', `${items}/0`, { as: owner }), 422, 'INVALID_INPUT');
    expectProblem(
      await api.send('GET', `${items}/1/versions/${Number.MAX_SAFE_INTEGER}`, { as: owner }),
      404,
      'NOT_FOUND',
    );
  });

  it('is answered below 500, whatever it is', async () => {
    const { id } = await file('a.txt');
    const name = fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: 'grapheme' }), fc.constant(null));
    const body = fc.record(
      {
        name,
        type: fc.constantFrom('file', 'folder', 'device', 1),
        content: fc.oneof(fc.string({ unit: 'binary' }), fc.integer(), fc.object({ maxDepth: 1 })),
        encoding: fc.constantFrom('utf8', 'base64', 'symlink'),
        parentId: fc.oneof(fc.integer(), fc.double(), fc.constant(id), fc.constant(null)),
        executable: fc.oneof(fc.boolean(), fc.string()),
      },
      { requiredKeys: [] },
    );
    await fc.assert(
      fc.asyncProperty(body, fc.constantFrom('POST', 'PUT', 'PATCH'), fc.integer(), async (wanted, method, version) => {
        const path = method === 'POST' ? items : method === 'PUT' ? `${items}/${id}/content` : `${items}/${id}`;
        const headers = method === 'PUT' ? { 'if-match': String(version) } : undefined;
        const answer = await api.send(method, path, { as: owner, body: wanted, headers });
        expect(answer.status).toBeLessThan(500);
      }),
      { seed: SEED, numRuns: scaled(1_000) },
    );
  }, 120_000);
});

describe('a download', () => {
  it('is an attachment that no browser runs as a page of ours', async () => {
    const { id } = await file('page.html', '<script>alert(1)</script>');
    const answer = await api.send('GET', `${items}/${id}/raw`, { as: owner });
    expect(answer.headers.get('content-disposition')).toBe(
      `attachment; filename="page.html"; filename*=UTF-8''page.html`,
    );
    expect(answer.headers.get('content-type')).toBe('application/octet-stream');
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
    expect(answer.headers.get('content-security-policy')).toContain('sandbox');
    expectProblem(await api.send('GET', `${items}/${(await folder('d')).id}/raw`, { as: owner }), 404, 'NOT_FOUND');
  });

  it('has a header that any name fits into', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1 }), (name) => {
        expect(attachmentOf(name)).toMatch(/^attachment; filename="[\w.-]*"; filename\*=UTF-8''[\w.~%!-]*$/);
      }),
      { seed: SEED },
    );
  });
});
