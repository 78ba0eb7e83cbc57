import { request as httpRequest } from 'node:http';
import { build, type BuiltSession } from '#tests/support/factories.ts';
import { startTestApi, type TestAnswer, type TestApi, type TestPerson } from '#tests/support/testApi.ts';
import { waitFor } from '#tests/support/waitFor.ts';

let api: TestApi;
let owner: TestPerson;
beforeAll(async () => {
  api = await startTestApi();
  owner = await api.person();
});
afterAll(() => api.close());

let session: BuiltSession;
beforeEach(async () => {
  session = await build.session(api.database, { userId: owner.id });
});

const file = (name: string, content: string, parentId: number | null = null) =>
  build.file(api.database, { sessionId: session.id, name, content, parentId });
const folder = (name: string, parentId: number | null = null) =>
  build.folder(api.database, { sessionId: session.id, name, parentId });
const address = (query: Record<string, string>): string =>
  `/api/v1/sessions/${session.uuid}/search?${new URLSearchParams(query)}`;
const search = (query: Record<string, string>): Promise<TestAnswer> => api.send('GET', address(query), { as: owner });
const pathsOf = (answer: TestAnswer): string[] =>
  answer.body.items.map((found: { item: { path: string } }) => found.item.path);

/** Text that no factory makes: bytes that are no text, and a symlink. */
const insert = (name: string, encoding: string, content: string) =>
  api.database.query(
    `INSERT INTO workspace_items (session_id, name, type, content, encoding, sha256, size) VALUES ($1, $2, 'file', $3, $4, repeat('0', 64), 40)`,
    [session.id, name, content, encoding],
  );

describe('a search by content', () => {
  it('tells file, line and columns in the order of paths, of a session that was never opened', async () => {
    const src = await folder('src');
    await file('b.py', 'import os\r\nimport re\r\n', src.id);
    await file('a.py', 'x = 1\nimport os\n');
    const answer = await search({ q: 'import', case: 'match' });
    expect(answer.status).toBe(200);
    expect(pathsOf(answer)).toEqual(['a.py', 'src/b.py']);
    expect(answer.body.items[0]).toMatchObject({
      lines: [{ line: 2, column: 1, endColumn: 7, text: 'import os', textColumn: 1 }],
      more: false,
    });
    expect(answer.body.items[1].lines.map((line: { text: string }) => line.text)).toEqual(['import os', 'import re']);
    expect(answer.body.nextCursor).toBeNull();
  });

  it.each(['%', '_', '\\', '.*', '(a+)+$', "'; DROP TABLE users; --", '$1', '[', '☂', '\\d'])(
    'takes %j as it is',
    async (text) => {
      await file('with.txt', `before ${text} after`);
      await file('without.txt', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab plain 1d text');
      expect(pathsOf(await search({ q: text }))).toEqual(['with.txt']);
    },
  );

  it('minds the case only when asked to, also beyond ASCII', async () => {
    await file('a.txt', 'Größe ÄRGER Import');
    expect(pathsOf(await search({ q: 'iMPORT' }))).toEqual(['a.txt']);
    expect(pathsOf(await search({ q: 'iMPORT', case: 'match' }))).toEqual([]);
    expect(pathsOf(await search({ q: 'größe' }))).toEqual(['a.txt']);
    expect(pathsOf(await search({ q: 'ärger' }))).toEqual(['a.txt']);
    expect(pathsOf(await search({ q: 'ärger', case: 'match' }))).toEqual([]);
  });

  it('counts columns as an editor does, and shows the match of a huge line without the rest of it', async () => {
    await file('wide.txt', `${'🦀'.repeat(1_000)}needle${'x'.repeat(1_000_000)}`);
    const [line] = (await search({ q: 'needle' })).body.items[0].lines;
    expect([line.line, line.column, line.endColumn]).toEqual([1, 2_001, 2_007]);
    expect(Array.from(line.text)).toHaveLength(240);
    expect(line.text.slice(line.column - line.textColumn, line.endColumn - line.textColumn)).toBe('needle');
  });

  it('leaves out binary files and symlinks', async () => {
    await insert('bytes.bin', 'base64', 'needleAA');
    await insert('link', 'symlink', 'needle');
    await file('text.txt', 'needle');
    expect(pathsOf(await search({ q: 'needle' }))).toEqual(['text.txt']);
  });

  it('tells a bounded number of lines of a file, and pages through the files', async () => {
    for (const name of ['c.txt', 'a.txt', 'b.txt']) await file(name, 'hit\n'.repeat(30));
    const first = await search({ q: 'hit', limit: '2' });
    expect(pathsOf(first)).toEqual(['a.txt', 'b.txt']);
    expect(first.body.items[0].lines.map(({ line }: { line: number }) => line)).toEqual(
      Array.from({ length: 20 }, (_, index) => index + 1),
    );
    expect(first.body.items[0].more).toBe(true);
    const second = await search({ q: 'hit', limit: '2', cursor: first.body.nextCursor });
    expect(pathsOf(second)).toEqual(['c.txt']);
    expect(second.body.nextCursor).toBeNull();
  });

  it('is held to the globs that are given', async () => {
    const src = await folder('src');
    const vendor = await folder('vendor', src.id);
    await file('a.py', 'needle', src.id);
    await file('b.ts', 'needle', src.id);
    await file('c.py', 'needle', vendor.id);
    expect(pathsOf(await search({ q: 'needle', include: '*.py' }))).toEqual(['src/a.py', 'src/vendor/c.py']);
    expect(pathsOf(await search({ q: 'needle', include: 'src', exclude: 'vendor, *.ts' }))).toEqual(['src/a.py']);
    expect(pathsOf(await search({ q: 'needle', include: '(a+)+[' }))).toEqual([]);
  });

  it('finds a save at once, and nothing of another session', async () => {
    const other = await build.session(api.database, { userId: owner.id });
    await build.file(api.database, { sessionId: other.id, name: 'other.txt', content: 'secret word' });
    expect(pathsOf(await search({ q: 'secret word' }))).toEqual([]);
    const body = { name: 'new.txt', type: 'file', content: 'a secret word' };
    await api.send('POST', `/api/v1/sessions/${session.uuid}/items`, { as: owner, body });
    expect(pathsOf(await search({ q: 'secret word' }))).toEqual(['new.txt']);
  });

  it.each<Record<string, string>>([
    {},
    { q: '' },
    { q: 'two\nlines' },
    { q: 'nul\0' },
    { q: 'x'.repeat(201) },
    { q: 'x', in: 'both' },
    { q: 'x', cursor: 'bm9uZQ' },
    { q: 'x', include: 'x'.repeat(401) },
  ])('refuses %j', async (query) => {
    const answer = await search(query);
    expect([answer.status, answer.body.code]).toEqual([422, 'INVALID_INPUT']);
  });
});

describe('a search by name', () => {
  it('puts the best first: the name, its beginning, a part of it, a part of the path, its characters in order', async () => {
    const main = await folder('domain');
    await file('main', '');
    await file('main.py', '');
    await file('remain.py', '');
    await file('other.py', '', main.id);
    await file('my_ancient_ink', '');
    await file('zzz', '');
    const answer = await search({ q: 'MAIN', in: 'names' });
    expect(pathsOf(answer)).toEqual(['main', 'main.py', 'domain', 'remain.py', 'domain/other.py', 'my_ancient_ink']);
    expect(answer.body.items[0].lines).toEqual([]);
    expect(pathsOf(await search({ q: 'MAIN', in: 'names', limit: '1' }))).toEqual(['main']);
  });

  it.each(['%', '_', '\\', '%%%%%%%%%%%%'])('takes %j as it is', async (text) => {
    await file(`a${text}b`, '');
    await file('plain', '');
    expect(pathsOf(await search({ q: text, in: 'names' }))).toEqual([`a${text}b`]);
  });
});

describe('a search that is long', () => {
  const HELD = 'SELECT count(*)::int AS running FROM pg_stat_activity WHERE state = $1 AND query LIKE $2';
  const running = async (): Promise<number> => {
    const [row] = await api.database.query<{ running: number }>(HELD, ['active', '%lines, more FROM (%']);
    return row!.running;
  };

  it('ends in the database when its caller goes away, and lets a person have two at a time', async () => {
    // Each line of these is looked at one by one: far more than the test has time for.
    await file('long.txt', `${'ä\n'.repeat(500_000)}öäöä`);
    await api.database.query(
      `INSERT INTO workspace_items (session_id, name, type, content, sha256, size)
       SELECT session_id, 'copy' || n, 'file', content, sha256, size FROM workspace_items, generate_series(1, 10) AS n WHERE session_id = $1`,
      [session.id],
    );
    const { hostname, port } = new URL(api.url);
    const ask = () => {
      const asked = httpRequest({ hostname, port, path: address({ q: 'öäöä' }), headers: { cookie: owner.cookie } });
      asked.on('error', () => undefined);
      asked.end();
      return asked;
    };
    const asked = [ask(), ask()];
    await waitFor(async () => (await running()) === 2, { what: 'two searches' });
    const third = await search({ q: 'öäöä' });
    expect([third.status, third.body.code]).toEqual([429, 'SEARCH_BUSY']);
    for (const one of asked) one.destroy();
    await waitFor(async () => (await running()) === 0, { what: 'the searches to end', deadlineMs: 3_000 });
  });
});

describe('long searches of several people', () => {
  it('hold up nobody who only reads or saves a file', async () => {
    const narrow = await startTestApi({ DATABASE_POOL_MAX: '4' });
    const leaving = new AbortController();
    const searches: Array<Promise<unknown>> = [];
    try {
      for (const person of [await narrow.person(), await narrow.person()]) {
        const { id, uuid } = await build.session(narrow.database, { userId: person.id });
        await build.file(narrow.database, { sessionId: id, name: 'long', content: `${'ä\n'.repeat(500_000)}öäöä` });
        await narrow.database.query(
          `INSERT INTO workspace_items (session_id, name, type, content, sha256, size)
           SELECT session_id, 'copy' || n, 'file', content, sha256, size FROM workspace_items, generate_series(1, 15) AS n WHERE session_id = $1`,
          [id],
        );
        const target = `${narrow.url}/api/v1/sessions/${uuid}/search?${new URLSearchParams({ q: 'öäöä' })}`;
        const asked = { headers: { cookie: person.cookie }, signal: leaving.signal };
        searches.push(
          fetch(target, asked).catch(() => undefined),
          fetch(target, asked).catch(() => undefined),
        );
      }
      const running = `SELECT count(*)::int AS count FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%lines, more FROM (%' AND datname <> current_database()`;
      await waitFor(async () => (await api.database.query<{ count: number }>(running))[0]!.count >= 2, {
        what: 'searches in the database',
      });
      const reader = await narrow.person();
      const waits: number[] = [];
      for (let count = 0; count < 20; count += 1) {
        const began = performance.now();
        await narrow.send('GET', '/api/v1/sessions', { as: reader });
        waits.push(performance.now() - began);
      }
      expect(Math.max(...waits)).toBeLessThan(3_000);
    } finally {
      leaving.abort();
      await Promise.all(searches);
      await narrow.close();
    }
  });
});

describe('a search by a pattern', () => {
  const pattern = (q: string, more: Record<string, string> = {}) => search({ q, match: 'pattern', ...more });

  it('is held against each line, whatever ends it, and tells what it found there', async () => {
    await file('a.py', 'def one():\r\n    pass\r\ndef  two(x):\r\n');
    await file('b.py', 'undefined one\n');
    const answer = await pattern('^def\\s+\\w+\\(.*\\):$');
    expect(pathsOf(answer)).toEqual(['a.py']);
    expect(answer.body.items[0].lines).toEqual([
      { line: 1, column: 1, endColumn: 11, text: 'def one():', textColumn: 1 },
      { line: 3, column: 1, endColumn: 13, text: 'def  two(x):', textColumn: 1 },
    ]);
  });

  it('goes beyond no line, and leaves a file out where only several lines together match', async () => {
    await file('a.txt', 'one\ntwo\n');
    expect(pathsOf(await pattern('one.two'))).toEqual([]);
    expect(pathsOf(await pattern('one\\stwo'))).toEqual([]);
    expect(pathsOf(await pattern('one[^x]*'))).toEqual(['a.txt']);
  });

  it('minds the case only when asked to', async () => {
    await file('a.txt', 'Todo: later\n');
    expect(pathsOf(await pattern('TO+DO'))).toEqual(['a.txt']);
    expect(pathsOf(await pattern('TO+DO', { case: 'match' }))).toEqual([]);
  });

  it.each(['(', '[a', '*a', 'a{2,1}', '(a)\\1', '(?=a)', '(?<!a)b', '\\Aa', 'a*', '^', '(?i)a', '***=a', 'a{999}'])(
    'refuses %j with its reason and searches for nothing',
    async (text) => {
      await file('a.txt', 'a(\n');
      const answer = await pattern(text);
      expect(answer).toMatchObject({ status: 422, body: { code: 'SEARCH_PATTERN' } });
      expect(answer.body.detail).toMatch(/\w{3}/);
    },
  );

  it('is for contents alone', async () => {
    expect(await pattern('a+', { in: 'names' })).toMatchObject({ status: 422, body: { code: 'SEARCH_PATTERN' } });
  });

  it('that would need more room than there is ends with a reason, and soon', async () => {
    await file('a.txt', 'aaa\n');
    const answer = await pattern('(((a{1,200}){1,200}){1,200}){1,200}');
    expect(answer.status).toBe(422);
    expect(['SEARCH_PATTERN', 'SEARCH_TOO_SLOW']).toContain(answer.body.code);
  });
});
