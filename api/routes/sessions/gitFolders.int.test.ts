import { listGitFolders } from '#platform/db/repositories/gitFolders.ts';
import { build } from '#tests/support/factories.ts';
import { startTestApi, type TestAnswer, type TestApi, type TestPerson } from '#tests/support/testApi.ts';

let api: TestApi;
let ada: TestPerson;
beforeAll(async () => {
  api = await startTestApi();
  ada = await api.person({ username: 'ada' });
});
afterAll(() => api.close());

interface Made {
  id: number;
  uuid: string;
  address: string;
}

async function session(): Promise<Made> {
  const { id, uuid } = await build.session(api.database, { userId: ada.id });
  return { id, uuid, address: `/api/v1/sessions/${uuid}/git-folders` };
}

function expectProblem({ status, body }: TestAnswer, wanted: number, code: string): void {
  expect([status, body.code]).toEqual([wanted, code]);
}

const restore = (made: Made, id: number) => api.send('POST', `${made.address}/${id}/restore`, { as: ada, body: {} });

describe('the .git folders of a session', () => {
  it('are listed with those that were removed', async () => {
    const made = await session();
    const there = await build.gitFolder(api.database, { sessionId: made.id, path: 'a/.git' });
    const removed = await build.gitFolder(api.database, { sessionId: made.id, path: 'b/.git', removed: true });
    const { status, body } = await api.send('GET', made.address, { as: ada });
    expect(status).toBe(200);
    expect(body.items).toMatchObject([
      { id: there, path: 'a/.git', size: 4, removedAt: null },
      { id: removed, path: 'b/.git', removedAt: expect.any(String) as string },
    ]);
  });

  it('come back after they were removed, and no volume counts as having had them', async () => {
    const made = await session();
    const id = await build.gitFolder(api.database, { sessionId: made.id, path: '.git', removed: true });
    const { status, body } = await restore(made, id);
    expect([status, body.removedAt]).toEqual([200, null]);
    expect(await listGitFolders(api.database, made.id)).toMatchObject([{ volumeId: null, removedAt: null }]);
    expect((await restore(made, id)).status).toBe(200);
  });

  it('take nobody else’s place, and need the folder around them', async () => {
    const made = await session();
    const id = await build.gitFolder(api.database, { sessionId: made.id, path: '.git', removed: true });
    await build.gitFolder(api.database, { sessionId: made.id, path: '.git' });
    expectProblem(await restore(made, id), 409, 'NAME_TAKEN');
    const alone = await build.gitFolder(api.database, { sessionId: made.id, path: 'gone/.git', removed: true });
    expectProblem(await restore(made, alone), 422, 'INVALID_PATH');
    expectProblem(await restore(made, 1_000_000), 404, 'NOT_FOUND');
    expectProblem(await restore(made, -1), 422, 'INVALID_INPUT');
    expect((await listGitFolders(api.database, made.id)).filter(({ removedAt }) => removedAt === null)).toHaveLength(1);
  });

  it('go with their session', async () => {
    const made = await session();
    await build.gitFolder(api.database, { sessionId: made.id, path: '.git' });
    await api.database.query('DELETE FROM sessions WHERE id = $1', [made.id]);
    expect(await api.database.query('SELECT 1 FROM git_packs WHERE session_id = $1', [made.id])).toEqual([]);
  });
});
