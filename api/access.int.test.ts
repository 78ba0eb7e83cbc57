import { io, type Socket } from 'socket.io-client';
import { allowedOrigin } from '#api/http/origin.ts';
import { routes } from '#api/routes/routes.ts';
import { belongingsOf, type Belongings } from '#tests/support/belongings.ts';
import { ACCESS } from '#tests/support/routeAccess.ts';
import { startTestApi, type TestApi, type TestPerson } from '#tests/support/testApi.ts';
import { waitFor } from '#tests/support/waitFor.ts';

const NOBODYS_TERMINAL = 'terminal-1';

let api: TestApi;
let alice: TestPerson;
let stranger: TestPerson;
let operator: TestPerson;
let chief: TestPerson;

beforeAll(async () => {
  api = await startTestApi();
  alice = await api.person({ username: 'alice' });
  stranger = await api.person({ username: 'stranger' });
  operator = await api.person({ username: 'operator', isOperator: true });
  chief = await api.person({ username: 'chief', reviewerLevel: 4 });
});
afterAll(() => api.close());

function addressOf(path: string, things: Belongings): string {
  const id = path.startsWith('/tokens') ? things.tokenId : things.reviewId;
  const uuid = path.startsWith('/trashed-sessions') ? things.trashedUuid : things.uuid;
  const itemId = path.includes('/trash/') ? things.deletedItemId : things.itemId;
  const values: Record<string, string | number> = { ...things, id, uuid, itemId, terminalId: NOBODYS_TERMINAL };
  return `/api/v1${path.replaceAll(/\{(\w+)\}/g, (_whole, name: string) => String(values[name]))}`;
}

const bodyOf = (body: object | ((things: Belongings) => object) | undefined, things: Belongings): object | undefined =>
  typeof body === 'function' ? (body as (things: Belongings) => object)(things) : body;
const nameOf = ({ method, path }: { method: string; path: string }) => `${method.toUpperCase()} ${path}`;
const cases = Object.entries(ACCESS).map(([name, access]) => {
  const [method, path] = name.split(' ') as [string, string];
  return { name, method, path, access };
});
const foreign = cases.flatMap((one) => (typeof one.access === 'object' ? [{ ...one, ...one.access }] : []));

describe('the table of access', () => {
  it('has every route of the api and no other', () => {
    expect(Object.keys(ACCESS).sort()).toEqual(routes.map(nameOf).sort());
    expect(api.api.routes).toBe(routes);
  });

  it('says `own` or `open` only of routes whose address names nobody else’s things', () => {
    const naming = cases.filter(({ access, path }) => (access === 'own' || access === 'open') && path.includes('{'));
    expect(naming).toEqual([]);
  });
});

// A decision waits ten seconds for workers, of which there are none: the other routes are asked meanwhile.
describe('what belongs to somebody', () => {
  it.concurrent.each(foreign)(
    'is not found by a stranger, an operator and a reviewer, needs a sign-in, and is there for its owner: $name',
    async ({ method, path, body, headers, query }) => {
      const things = await belongingsOf(api, alice);
      const address = `${addressOf(path, things)}?${query ?? ''}`;
      const request = { body: bodyOf(body, things), headers };
      for (const as of path.startsWith('/reviews') ? [stranger] : [stranger, operator, chief]) {
        const answer = await api.send(method, address, { ...request, as });
        expect([answer.status, answer.body.code]).toEqual([404, 'NOT_FOUND']);
      }
      expect((await api.send(method, address, request)).status).toBe(401);
      const owners = await api.send(method, address, { ...request, as: alice });
      expect(owners.status).not.toBe(404);
      expect(owners.status).not.toBe(422);
    },
  );

  const inside = foreign.filter(({ path }) =>
    /\{(itemId|versionId|uploadId|snapshotItemId|commentId|gitFolderId|runId|receiptId|recordingId|linkId)\}|trash\/restore$/.test(
      path,
    ),
  );
  it.concurrent.each(inside)(
    'is not reached by a stranger through their own session or review: $name',
    async ({ method, path, body, headers }) => {
      const theirs = await belongingsOf(api, alice);
      const { uuid, reviewId } = await belongingsOf(api, stranger);
      const answer = await api.send(method, addressOf(path, { ...theirs, uuid, reviewId }), {
        as: stranger,
        body: bodyOf(body, theirs),
        headers,
      });
      // The list of versions of an item that the session never had is empty: nothing of the other's is told.
      if (path.endsWith('/versions')) expect(answer.body).toEqual({ items: [], nextCursor: null });
      else expect([answer.status, answer.body.code]).toEqual([404, 'NOT_FOUND']);
    },
  );
});

describe.each(cases.filter(({ access }) => access === 'own'))('$name', ({ method, path }) => {
  it('needs a sign-in', async () => {
    expect((await api.send(method, `/api/v1${path}`, method === 'GET' ? {} : { body: {} })).status).toBe(401);
  });
});

describe.each(cases.filter(({ access }) => access === 'grantor'))('$name', ({ method, path }) => {
  it('is refused to a person without the level', async () => {
    const address = `/api/v1${path.replace('{id}', String(alice.id))}`;
    const body = method === 'GET' ? undefined : { reviewerLevel: 4 };
    const answer = await api.send(method, address, { as: stranger, body });
    expect([answer.status, answer.body.code]).toEqual([403, 'FORBIDDEN']);
    const [{ level }] = (await api.database.query<{ level: number }>(
      'SELECT reviewer_level AS level FROM users WHERE id = $1',
      [alice.id],
    )) as [{ level: number }];
    expect(level).toBe(0);
  });
});

describe.each(cases.filter(({ access }) => access === 'operator'))('$name', ({ method, path }) => {
  it('needs a sign-in, is refused to everybody but operators, and is there for them', async () => {
    const body = method === 'GET' ? undefined : {};
    const address = `/api/v1${path}`;
    expect((await api.send(method, address, { body })).status).toBe(401);
    const reviewer = await api.person({ reviewerLevel: 4 });
    for (const as of [stranger, reviewer]) {
      const answer = await api.send(method, address, { as, body });
      expect([answer.status, answer.body.code]).toEqual([403, 'FORBIDDEN']);
    }
    expect((await api.send(method, address, { as: operator, body })).status).toBe(200);
  });
});

describe('the events of a socket', () => {
  const sockets: Socket[] = [];
  afterEach(() => {
    for (const socket of sockets.splice(0)) socket.disconnect();
  });

  async function connect(namespace: string, as: TestPerson): Promise<Socket> {
    const socket = io(`${api.url}${namespace}`, {
      transports: ['websocket'],
      forceNew: true,
      reconnection: false,
      extraHeaders: { cookie: as.cookie, origin: allowedOrigin(api.config) },
    });
    sockets.push(socket);
    await waitFor(() => socket.connected, { what: 'the socket to connect' });
    return socket;
  }

  it.each(['session', 'review'])('do not let a stranger follow a %s', async (kind) => {
    const things = await belongingsOf(api, alice);
    const to =
      kind === 'session' ? { subject: 'session', uuid: things.uuid } : { subject: 'review', id: things.reviewId };
    const [theirs, owners] = [await connect('/events', stranger), await connect('/events', alice)];
    const message = { to, afterSeq: 0 };
    expect(await theirs.emitWithAck('subscribe', message)).toMatchObject({ ok: false, code: 'NOT_FOUND' });
    expect(await owners.emitWithAck('subscribe', message)).toMatchObject({ ok: true });
    const heard: unknown[] = [];
    const told: unknown[] = [];
    theirs.on('event', (event) => heard.push(event));
    owners.on('event', (event) => told.push(event));
    const [publish, id] =
      kind === 'session'
        ? [`SELECT publish_session_event((SELECT id FROM sessions WHERE uuid = $1), 'session', '{}')`, things.uuid]
        : [`SELECT publish_review_event($1, 'review', '{}')`, things.reviewId];
    await api.database.query(publish, [id]);
    await waitFor(() => told.length > 0, { what: "the owner's event" });
    expect(heard).toEqual([]);
  });

  it('do not let a stranger attach to a terminal, type, or learn whether it exists', async () => {
    const { uuid } = await belongingsOf(api, alice);
    const socket = await connect('/terminal', stranger);
    const name = { sessionUuid: uuid, terminalId: NOBODYS_TERMINAL };
    const attach = { ...name, clientId: 'client-one', offset: null, size: { cols: 80, rows: 24 }, visible: true };
    expect(await socket.emitWithAck('attach', attach)).toMatchObject({ ok: false, code: 'NOT_FOUND' });
    const owners = await connect('/terminal', alice);
    expect(await owners.emitWithAck('attach', attach)).toMatchObject({ ok: false, code: 'SESSION_NOT_OPEN' });
    // Without an attachment the others have nothing to act on, whoever sends them.
    const acted = [
      await socket.emitWithAck('input', { ...name, seq: 1, data: Buffer.from('id\n') }),
      await socket.emitWithAck('resize', { ...name, size: { cols: 1, rows: 1 } }),
      await socket.emitWithAck('ack', { ...name, offset: 0 }),
      await socket.emitWithAck('visible', { ...name, visible: true }),
      await socket.emitWithAck('detach', name),
    ];
    expect(acted.map((answer) => answer.value)).toEqual([undefined, undefined, undefined, undefined, undefined]);
  });

  it('do not let a stranger follow a run, or learn whether it exists', async () => {
    const { uuid, runId } = await belongingsOf(api, alice);
    const own = await belongingsOf(api, stranger);
    const socket = await connect('/terminal', stranger);
    for (const attach of [
      { sessionUuid: uuid, runId },
      { sessionUuid: own.uuid, runId },
    ]) {
      expect(await socket.emitWithAck('attachRun', attach)).toMatchObject({ ok: false, code: 'NOT_FOUND' });
    }
    expect(await socket.emitWithAck('detachRun', { sessionUuid: uuid, runId })).toMatchObject({ ok: true });
    const owners = await connect('/terminal', alice);
    const answer = await owners.emitWithAck('attachRun', { sessionUuid: uuid, runId });
    expect(answer).toEqual({ ok: true, value: { status: 'queued' } });
  });

  it('end for a review when its follower is no reviewer any more', async () => {
    const things = await belongingsOf(api, alice);
    const reviewer = await api.person({ reviewerLevel: 1 });
    const socket = await connect('/events', reviewer);
    const to = { subject: 'review', id: things.reviewId };
    expect(await socket.emitWithAck('subscribe', { to, afterSeq: 0 })).toMatchObject({ ok: true });
    await api.send('POST', '/api/v1/users/me/step-down', { as: reviewer });
    await waitFor(async () => !(await socket.emitWithAck('subscribe', { to, afterSeq: 0 })).ok, {
      deadlineMs: 5_000,
      what: 'the socket to notice',
    });
    const heard: unknown[] = [];
    socket.on('event', (event) => heard.push(event));
    const owners = await connect('/events', alice);
    await owners.emitWithAck('subscribe', { to, afterSeq: null });
    const told: unknown[] = [];
    owners.on('event', (event) => told.push(event));
    await api.database.query(`SELECT publish_review_event($1, 'review', '{}')`, [things.reviewId]);
    await waitFor(() => told.length > 0, { what: "the owner's event" });
    expect(heard).toEqual([]);
  });
});
