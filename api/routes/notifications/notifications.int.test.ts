import { io, type Socket } from 'socket.io-client';
import { createApi } from '#api/createApi.ts';
import { allowedOrigin } from '#api/http/origin.ts';
import { notifyConflicts } from '#platform/db/repositories/conflictNotices.ts';
import { insertNotification, type NewNotification } from '#platform/db/repositories/notifications.ts';
import { removeOldNotifications } from '#platform/db/repositories/notificationLists.ts';
import { build } from '#tests/support/factories.ts';
import { createTestDeps, startTestApi, type TestApi, type TestPerson } from '#tests/support/testApi.ts';
import { waitFor } from '#tests/support/waitFor.ts';

let api: TestApi;
let person: TestPerson;
let reviewId: number;
let happening = 0;
const sockets: Socket[] = [];

beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.close());
beforeEach(async () => {
  person = await api.person();
  reviewId = await newReview();
});
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.disconnect();
});

async function newReview(): Promise<number> {
  const session = await build.session(api.database);
  const { id } = await build.review(api.database, { sessionUuid: session.uuid, submittedBy: session.userId });
  await api.database.query(
    `WITH frozen AS (INSERT INTO snapshots (session_id, manifest_hash) VALUES ($1, repeat('0', 64)) RETURNING id)
     UPDATE review_requests SET snapshot_id = (SELECT id FROM frozen) WHERE id = $2`,
    [session.id, id],
  );
  return id;
}

const tell = (given: Partial<NewNotification> = {}): Promise<void> =>
  insertNotification(
    api.database,
    {
      userIds: [person.id],
      kind: 'comments',
      subject: { reviewId },
      summary: 'There are 2 comments.',
      theirTurn: false,
      batchKey: `happening-${(happening += 1)}`,
      ...given,
    },
    null,
  );
const get = async (path = '', as = person) => (await api.send('GET', `/api/v1/notifications${path}`, { as })).body;
const post = (path: string, body: unknown = {}, as = person) =>
  api.send('POST', `/api/v1/notifications${path}`, { as, body });

async function connect(as: TestPerson, url = api.url): Promise<{ told: () => number }> {
  const socket = io(`${url}/events`, {
    transports: ['websocket'],
    forceNew: true,
    extraHeaders: { cookie: as.cookie, origin: allowedOrigin(api.config) },
  });
  sockets.push(socket);
  let told = 0;
  socket.on('notifications', () => (told += 1));
  await waitFor(() => socket.connected, { what: 'the socket to connect' });
  return { told: () => told };
}

describe('notifications', () => {
  it('are listed newest first in pages, with what they are about, and read one by one or up to one', async () => {
    for (let index = 0; index < 5; index += 1) await tell({ summary: `This is number ${index}.` });
    const first = await get('?limit=2');
    expect(first).toMatchObject({
      unread: 5,
      items: [
        { summary: 'This is number 4.', review: { id: reviewId, title: 'Please look' }, session: null, readAt: null },
        { summary: 'This is number 3.' },
      ],
    });
    const second = await get(`?limit=2&cursor=${first.nextCursor}`);
    expect(second.items.map((one: { summary: string }) => one.summary)).toEqual([
      'This is number 2.',
      'This is number 1.',
    ]);
    expect((await post(`/${first.items[0].id}/read`)).body).toEqual({ unread: 4 });
    expect((await post(`/${first.items[0].id}/read`)).body).toEqual({ unread: 4 });
    expect((await post('/read', { upTo: second.items[0].id })).body).toEqual({ unread: 1 });
    expect((await get('?unread=true')).items.map((one: { id: number }) => one.id)).toEqual([first.items[1].id]);
  });

  it('of others are neither seen nor read', async () => {
    await tell();
    const stranger = await api.person();
    const [{ id }] = (await get()).items;
    expect(await get('', stranger)).toEqual({ items: [], nextCursor: null, unread: 0 });
    expect((await post(`/${id}/read`, {}, stranger)).status).toBe(404);
    await post('/read', { upTo: 2_000_000_000 }, stranger);
    expect((await get()).unread).toBe(1);
  });

  it('are only those of their turn for who wants that, and all again for who wants all again', async () => {
    await tell();
    await tell({ theirTurn: true });
    const want = (notifyOnlyMyTurn: boolean) =>
      api.send('PATCH', '/api/v1/users/me', { as: person, body: { notifyOnlyMyTurn } });
    await want(true);
    expect(await get()).toMatchObject({ unread: 1, items: [{ theirTurn: true }] });
    await want(false);
    expect((await get()).items).toHaveLength(2);
  });

  it('go after ninety days', async () => {
    await tell({ summary: 'old' });
    await tell({ summary: 'young' });
    await api.database.query(
      `UPDATE notifications SET created_at = now() - interval '91 days' WHERE summary = 'old' AND user_id = $1`,
      [person.id],
    );
    expect(await removeOldNotifications(api.database)).toBe(1);
    expect((await get()).items).toMatchObject([{ summary: 'young' }]);
  });

  it('tell the owner of conflict copies once for each sync', async () => {
    const session = await build.session(api.database, { userId: person.id, name: 'fractals' });
    const conflicts = [
      { path: 'a.py', copy: 'a.conflict-1.py' },
      { path: 'b.py', copy: 'b.conflict-1.py' },
    ];
    const batch = { sessionId: session.id, syncEpoch: 3, conflicts };
    await notifyConflicts(api.database, batch, null);
    await notifyConflicts(api.database, batch, null);
    await notifyConflicts(api.database, { ...batch, syncEpoch: 4, conflicts: conflicts.slice(1) }, null);
    await notifyConflicts(api.database, { ...batch, syncEpoch: 5, conflicts: [] }, null);
    expect((await get()).items).toMatchObject([
      {
        kind: 'conflict',
        session: { uuid: session.uuid, name: 'fractals' },
        review: null,
        summary: 'b.py was changed on both sides; the other version is kept as b.conflict-1.py.',
      },
      { summary: 'a.py and 1 more were changed on both sides; the other versions are kept beside them.' },
    ]);
  });
});

describe('a digest', () => {
  it('has what is unread since then by review, and of what has ended only its end', async () => {
    const since = new Date(Date.now() - 60_000).toISOString();
    const ended = await newReview();
    await tell({ summary: 'first' });
    await tell({ subject: { reviewId: ended }, summary: 'moot' });
    await tell({ subject: { reviewId: ended }, kind: 'withdrawn', summary: 'It was withdrawn.' });
    await tell({ summary: 'given to somebody else since', kind: 'assigned' });
    await tell({ summary: 'second' });
    await api.database.query('UPDATE review_requests SET withdrawn_at = now() WHERE id = $1', [ended]);
    const digest = await get(`/digest?since=${since}`);
    const words = digest.groups.map(({ notifications }: { notifications: Array<{ summary: string }> }) =>
      notifications.map(({ summary }) => summary),
    );
    expect(words).toEqual([['second', 'first'], ['It was withdrawn.']]);
    expect(digest).toMatchObject({ truncated: false, groups: [{ review: { id: reviewId }, yourTurn: false }, {}] });
    expect((await get(`/digest?since=${new Date(Date.now() + 60_000).toISOString()}`)).groups).toEqual([]);
  });
});

describe('live', () => {
  it('a notification wakes the pages of its person alone, on every api', async () => {
    const parts = await createTestDeps(api);
    const second = createApi(parts.deps);
    try {
      const { port } = await second.listen();
      const stranger = await api.person();
      const pages = [await connect(person), await connect(person, `http://127.0.0.1:${port}`)];
      const foreign = await connect(stranger);
      // What came before the LISTEN was missed: each connection tells everybody once, which is not what is counted here.
      const before = pages.map(({ told }) => told());
      await tell();
      await waitFor(() => pages.every(({ told }, index) => told() > before[index]!), { what: 'both pages to be told' });
      const own = foreign.told();
      await tell({ userIds: [stranger.id] });
      await waitFor(() => foreign.told() > own, { what: "the stranger's own notification" });
      expect(foreign.told()).toBe(own + 1);
    } finally {
      await second.close();
      await parts.close();
    }
  });

  it('nothing is missed when the connection for events was cut', async () => {
    const page = await connect(person);
    const before = page.told();
    await api.database.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'berth-listen' AND datname = current_database()`,
    );
    await tell();
    await waitFor(() => page.told() > before, { what: 'the page to be told to look' });
    expect((await get()).unread).toBe(1);
  });

  it('what is read on one page is told to the others', async () => {
    await tell();
    const [{ id }] = (await get()).items;
    const page = await connect(person);
    const before = page.told();
    await post(`/${id}/read`);
    await waitFor(() => page.told() > before, { what: 'the other page' });
  });
});
