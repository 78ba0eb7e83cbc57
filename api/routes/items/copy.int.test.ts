import { build, type BuiltSession } from '#tests/support/factories.ts';
import { startTestApi, type TestAnswer, type TestApi, type TestPerson } from '#tests/support/testApi.ts';

let api: TestApi;
let owner: TestPerson;
beforeAll(async () => {
  api = await startTestApi({ MAX_SESSION_BYTES: '1024', MAX_SESSION_ITEMS: '30', MAX_SESSION_GIT_BYTES: '1024' });
  owner = await api.person();
});
afterAll(() => api.close());

let session: BuiltSession;
let items: string;
beforeEach(async () => {
  session = await build.session(api.database, { userId: owner.id });
  items = `/api/v1/sessions/${session.uuid}/items`;
});

const file = (name: string, content: string, parentId: number | null = null) =>
  build.file(api.database, { sessionId: session.id, name, content, parentId });
const folder = (name: string, parentId: number | null = null) =>
  build.folder(api.database, { sessionId: session.id, name, parentId });
const copy = (id: number, body: object): Promise<TestAnswer> =>
  api.send('POST', `${items}/${id}/copy`, { as: owner, body });
const tree = async (): Promise<string[]> =>
  (await api.send('GET', items, { as: owner })).body.items.map(({ path }: { path: string }) => path);
const problemOf = ({ status, body }: TestAnswer) => [status, body.code];

describe('a copy', () => {
  it('of a file has its bytes, its bit, a first version of its own, and another id', async () => {
    const made = await file('run.sh', 'echo ☂\n');
    await api.database.query('UPDATE workspace_items SET executable = true WHERE id = $1', [made.id]);
    const answer = await copy(made.id, { name: 'again.sh' });
    expect(answer.status).toBe(201);
    expect(answer.body).toMatchObject({ path: 'again.sh', executable: true, version: 1, sha256: made.sha256 });
    expect(answer.body.id).not.toBe(made.id);
    const read = await api.send('GET', `${items}/${answer.body.id}`, { as: owner });
    expect(read.body.content).toBe('echo ☂\n');
    const versions = await api.send('GET', `${items}/${answer.body.id}/versions`, { as: owner });
    expect(versions.body.items).toMatchObject([{ version: 1, source: 'editor', createdBy: owner.username }]);
  });

  it('of a folder has all that is in it, and can go anywhere, also into itself', async () => {
    const src = await folder('src');
    const deep = await folder('deep', src.id);
    await file('a.py', 'a', deep.id);
    await folder('empty', src.id);
    expect((await copy(src.id, { name: 'lib' })).status).toBe(201);
    expect((await copy(deep.id, { parentId: deep.id })).body.path).toBe('src/deep/deep');
    expect(await tree()).toEqual([
      ...['lib', 'lib/deep', 'lib/deep/a.py', 'lib/empty'],
      ...['src', 'src/deep', 'src/deep/a.py', 'src/deep/deep', 'src/deep/deep/a.py', 'src/empty'],
    ]);
  });

  it('is told to who watches the session, as one change', async () => {
    const src = await folder('src');
    await file('a.py', 'a', src.id);
    await copy(src.id, { name: 'lib' });
    const events = await api.send('GET', `/api/v1/sessions/${session.uuid}/events`, { as: owner });
    expect(events.body.items).toMatchObject([
      { kind: 'items', payload: { paths: ['lib', 'lib/a.py'], source: 'editor' } },
    ]);
  });

  it('meets a taken name with 409, or with a number when that is asked for', async () => {
    const made = await file('a.py', 'a');
    expect(problemOf(await copy(made.id, {}))).toEqual([409, 'NAME_TAKEN']);
    expect((await copy(made.id, { conflict: 'keep-both' })).body.path).toBe('a (2).py');
    expect((await copy(made.id, { conflict: 'keep-both' })).body.path).toBe('a (3).py');
    const both = await Promise.all([copy(made.id, { name: 'one' }), copy(made.id, { name: 'one' })]);
    expect(both.map(({ status }) => status).sort()).toEqual([201, 409]);
  });

  it.each([
    ['a name with a slash', { name: 'a/b' }, [422, 'INVALID_PATH']],
    ['a reserved name', { name: '.berth-x' }, [422, 'INVALID_PATH']],
    ['a folder .git', { name: '.git' }, [422, 'INVALID_PATH']],
    ['a folder that is none', { parentId: 2_000_000_000 }, [404, 'NOT_FOUND']],
    ['a word that is not known', { nmae: 'x' }, [422, 'INVALID_INPUT']],
  ])('refuses %s and changes nothing', async (_what, body, problem) => {
    const src = await folder('src');
    expect(problemOf(await copy(src.id, body))).toEqual(problem);
    expect(await tree()).toEqual(['src']);
  });

  it('stays within the limits of a session, or changes nothing', async () => {
    const big = await file('big', 'x'.repeat(600));
    expect(problemOf(await copy(big.id, { name: 'more' }))).toEqual([413, 'SESSION_TOO_LARGE']);
    const many = await folder('many');
    for (let index = 0; index < 16; index += 1) await file(`f${index}`, '', many.id);
    expect(problemOf(await copy(many.id, { name: 'more' }))).toEqual([413, 'SESSION_TOO_LARGE']);
    expect(await tree()).toHaveLength(18);
  });

  it('refuses what would be too long below its folder', async () => {
    const chain = async (length: number): Promise<{ top: number; end: number }> => {
      let [top, end]: Array<number | null> = [null, null];
      for (let depth = 0; depth < length; depth += 1) {
        const made = await folder(`${length}`.padEnd(250, 'x'), end);
        top ??= made.id;
        end = made.id;
      }
      return { top: top!, end: end! };
    };
    const [long, short] = [await chain(13), await chain(4)];
    expect(problemOf(await copy(short.top, { parentId: long.end }))).toEqual([422, 'INVALID_PATH']);
    expect(await tree()).toHaveLength(17);
  });

  it('of a folder takes its repositories along, which no volume has yet', async () => {
    const src = await folder('src');
    await folder('srcs');
    await build.gitFolder(api.database, { sessionId: session.id, path: 'src/.git' });
    await build.gitFolder(api.database, { sessionId: session.id, path: 'srcs/.git' });
    await build.gitFolder(api.database, { sessionId: session.id, path: '.git' });
    await copy(src.id, { name: 'lib' });
    const rows = await api.database.query(
      `SELECT path, pack_id = (SELECT pack_id FROM git_folders WHERE session_id = $1 AND path = 'src/.git') AS shared
       FROM git_folders WHERE session_id = $1 AND volume_id IS NULL`,
      [session.id],
    );
    expect(rows).toEqual([{ path: 'lib/.git', shared: true }]);
    await api.database.query('UPDATE git_folders SET size = 600 WHERE session_id = $1', [session.id]);
    expect(problemOf(await copy(src.id, { name: 'more' }))).toEqual([413, 'SESSION_TOO_LARGE']);
  });
});
