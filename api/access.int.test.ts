import { io, type Socket } from 'socket.io-client';
import { allowedOrigin } from '#api/http/origin.ts';
import { routes } from '#api/routes/routes.ts';
import { BATCH_TYPE, PART_TYPE } from '#shared/domain/uploads.ts';
import { build, type BuiltItem } from '#tests/support/factories.ts';
import { startTestApi, type TestApi, type TestPerson } from '#tests/support/testApi.ts';
import { waitFor } from '#tests/support/waitFor.ts';

/** What one person has, fresh for every case. */
interface Belongings {
  uuid: string;
  /** Another session of the person, in the trash. */
  trashedUuid: string;
  itemId: number;
  /** A file in the trash of the session. */
  deletedItemId: number;
  uploadId: string;
  versionId: number;
  reviewId: number;
  snapshotItemId: number;
  commentId: number;
  tokenId: number;
  gitFolderId: number;
  runId: number;
  recordingId: string;
}

const NOBODYS_TERMINAL = 'terminal-1';

/** `own`: can only concern the caller. `open`: for everybody. `grantor`: 403 without the level. `operator`: 403 to everybody else. Otherwise: a body that is valid. */
type Access =
  | 'own'
  | 'open'
  | 'grantor'
  | 'operator'
  | { body?: object | ((things: Belongings) => object); headers?: Record<string, string> };

const PLAIN: Access = {};
const EMPTY: Access = { body: {} };
const VERSION: Record<string, string> = { 'if-match': '"1"' };
const VERDICT = { expectedSnapshotId: 1, summary: 'It does what it says, and the tests prove it.' };

/** Every route of the api and what a stranger may find there. A route that is not here fails the first test. */
const ACCESS: Record<string, Access> = {
  'POST /auth/register': 'open',
  'POST /auth/login': 'open',
  'POST /auth/logout': 'own',
  'GET /users/me': 'own',
  'POST /users/me/promote': 'own',
  'POST /users/me/step-down': 'own',
  'GET /users': 'grantor',
  'PUT /users/{id}/reviewer-level': 'grantor',
  'GET /tokens': 'own',
  'POST /tokens': 'own',
  'DELETE /tokens/{id}': PLAIN,
  'GET /system': 'open',
  'GET /warm-pool': 'operator',
  'POST /warm-pool/pause': 'operator',
  'POST /warm-pool/resume': 'operator',
  'GET /trashed-sessions': 'own',
  'POST /trashed-sessions/{uuid}/restore': PLAIN,
  'DELETE /trashed-sessions/{uuid}': PLAIN,
  'GET /sessions': 'own',
  'POST /sessions': 'own',
  'GET /sessions/{uuid}': PLAIN,
  'PATCH /sessions/{uuid}': { body: { name: 'mine now' } },
  'DELETE /sessions/{uuid}': PLAIN,
  'POST /sessions/{uuid}/open': EMPTY,
  'POST /sessions/{uuid}/close': EMPTY,
  'POST /sessions/{uuid}/sync': EMPTY,
  'POST /sessions/{uuid}/extend': EMPTY,
  'POST /sessions/{uuid}/discard-and-reopen': { body: { confirm: 'discard' } },
  'POST /sessions/{uuid}/discard': { body: { confirm: 'discard' } },
  'POST /sessions/{uuid}/retry-save': EMPTY,
  'GET /sessions/{uuid}/events': PLAIN,
  'GET /sessions/{uuid}/git-folders': PLAIN,
  'POST /sessions/{uuid}/git-folders/{gitFolderId}/restore': EMPTY,
  'GET /sessions/{uuid}/terminals': PLAIN,
  'POST /sessions/{uuid}/terminals': EMPTY,
  'PATCH /sessions/{uuid}/terminals/{terminalId}': { body: { name: 'mine now' } },
  'DELETE /sessions/{uuid}/terminals/{terminalId}': PLAIN,
  'GET /sessions/{uuid}/runs': PLAIN,
  'POST /sessions/{uuid}/runs': { body: { command: 'true' } },
  'GET /sessions/{uuid}/runs/{runId}': PLAIN,
  'POST /sessions/{uuid}/runs/{runId}/cancel': EMPTY,
  'POST /sessions/{uuid}/terminals/{terminalId}/recordings': EMPTY,
  'GET /sessions/{uuid}/recordings': PLAIN,
  'POST /sessions/{uuid}/recordings/{recordingId}/stop': PLAIN,
  'GET /sessions/{uuid}/recordings/{recordingId}/content': PLAIN,
  'DELETE /sessions/{uuid}/recordings/{recordingId}': PLAIN,
  'GET /sessions/{uuid}/items': PLAIN,
  'POST /sessions/{uuid}/items': { body: { name: 'planted.py', type: 'file' } },
  'GET /sessions/{uuid}/items/{itemId}': PLAIN,
  'PUT /sessions/{uuid}/items/{itemId}/content': { body: { content: 'changed' }, headers: VERSION },
  'PATCH /sessions/{uuid}/items/{itemId}': { body: { name: 'moved.py' }, headers: VERSION },
  'DELETE /sessions/{uuid}/items/{itemId}': { headers: VERSION },
  'GET /sessions/{uuid}/items/{itemId}/versions': PLAIN,
  'GET /sessions/{uuid}/items/{itemId}/versions/{versionId}': PLAIN,
  'GET /sessions/{uuid}/items/{itemId}/raw': PLAIN,
  'POST /sessions/{uuid}/items/{itemId}/versions/{versionId}/restore': { headers: VERSION },
  'GET /sessions/{uuid}/history': PLAIN,
  'POST /sessions/{uuid}/restore': { body: () => ({ at: new Date().toISOString() }) },
  'GET /sessions/{uuid}/trash': PLAIN,
  'POST /sessions/{uuid}/trash/restore': { body: ({ deletedItemId }) => ({ itemIds: [deletedItemId] }) },
  'DELETE /sessions/{uuid}/trash/{itemId}': PLAIN,
  'GET /sessions/{uuid}/archive': PLAIN,
  'GET /sessions/{uuid}/uploads': PLAIN,
  'POST /sessions/{uuid}/uploads': { body: { path: 'planted.py', size: 1 } },
  'POST /sessions/{uuid}/uploads/batch': { headers: { 'content-type': BATCH_TYPE } },
  'GET /sessions/{uuid}/uploads/{uploadId}': PLAIN,
  'PATCH /sessions/{uuid}/uploads/{uploadId}': { headers: { 'content-type': PART_TYPE, 'upload-offset': '0' } },
  'POST /sessions/{uuid}/uploads/{uploadId}/complete': EMPTY,
  'POST /sessions/{uuid}/uploads/{uploadId}/import': EMPTY,
  'DELETE /sessions/{uuid}/uploads/{uploadId}': PLAIN,
  'POST /sessions/{uuid}/reviews': { body: { title: 'Please look' } },
  'GET /reviews': 'own',
  'GET /reviews/{id}': PLAIN,
  'GET /reviews/{id}/items': PLAIN,
  'GET /reviews/{id}/items/{snapshotItemId}': PLAIN,
  'GET /reviews/{id}/history': PLAIN,
  'GET /reviews/{id}/history/verify': PLAIN,
  'POST /reviews/{id}/claim': EMPTY,
  'POST /reviews/{id}/release': EMPTY,
  'POST /reviews/{id}/withdraw': EMPTY,
  'POST /reviews/{id}/refresh-snapshot': EMPTY,
  'POST /reviews/{id}/approve': { body: VERDICT },
  'POST /reviews/{id}/reject': { body: VERDICT },
  'POST /reviews/{id}/override': { body: { expectedSnapshotId: 1, reason: VERDICT.summary } },
  'GET /reviews/{id}/comments': PLAIN,
  'POST /reviews/{id}/comments': { body: { text: 'planted' } },
  'PATCH /reviews/{id}/comments/{commentId}': { body: { text: 'changed' } },
  'DELETE /reviews/{id}/comments/{commentId}': PLAIN,
  'POST /reviews/{id}/comments/publish': EMPTY,
  'POST /reviews/{id}/comments/{commentId}/resolve': EMPTY,
  'POST /reviews/{id}/comments/{commentId}/unresolve': EMPTY,
};

let api: TestApi;
let alice: TestPerson;
let stranger: TestPerson;
let operator: TestPerson;

beforeAll(async () => {
  api = await startTestApi();
  alice = await api.person({ username: 'alice' });
  stranger = await api.person({ username: 'stranger' });
  operator = await api.person({ username: 'operator', isOperator: true });
});
afterAll(() => api.close());

async function belongingsOf(person: TestPerson): Promise<Belongings> {
  const { database } = api;
  const session = await build.session(database, { userId: person.id });
  const file = await build.file(database, { sessionId: session.id, name: 'main.py' });
  const deleted = await build.file(database, { sessionId: session.id, name: 'deleted.py' });
  await database.query('DELETE FROM workspace_items WHERE id = $1', [deleted.id]);
  const trashed = await build.session(database, { userId: person.id });
  await database.query('UPDATE sessions SET deleted_at = now() WHERE id = $1', [trashed.id]);
  const [version] = await database.query<{ id: number }>('SELECT id::int FROM file_versions WHERE item_id = $1', [
    file.id,
  ]);
  const frozen = await freeze(session.id, file, person.id);
  const given = { sessionUuid: session.uuid, submittedBy: person.id, snapshotId: frozen.snapshotId };
  const review = await build.review(database, given);
  const [comment] = await database.query<{ id: number }>(
    `INSERT INTO review_comments (review_request_id, commenter_id, comment_text) VALUES ($1, $2, 'a draft') RETURNING id`,
    [review.id, person.id],
  );
  const [upload] = await database.query<{ id: string }>(
    `INSERT INTO uploads (session_id, user_id, purpose, path, size, conflict)
     VALUES ($1, $2, 'file', 'half.bin', 2, 'fail') RETURNING id`,
    [session.id, person.id],
  );
  const command = {
    line: 'true',
    file: null,
    arguments: [],
    argv: ['true'],
    folder: '',
    environment: [],
    stdinBytes: 0,
  };
  const [run] = await database.query<{ id: number }>(
    `INSERT INTO runs (session_id, requested_by, command, input, time_limit_seconds, output_limit_bytes)
     VALUES ($1, $2, $3, '{}', 60, 1024) RETURNING id`,
    [session.id, person.id, JSON.stringify(command)],
  );
  const body = { name: 'ci', scopes: ['read'] };
  const token = await api.send('POST', '/api/v1/tokens', { as: person, body });
  return {
    uuid: session.uuid,
    trashedUuid: trashed.uuid,
    itemId: file.id,
    deletedItemId: deleted.id,
    uploadId: upload!.id,
    versionId: version!.id,
    reviewId: review.id,
    snapshotItemId: frozen.snapshotItemId,
    commentId: comment!.id,
    tokenId: token.body.id,
    gitFolderId: await build.gitFolder(database, { sessionId: session.id, path: '.git', removed: true }),
    runId: run!.id,
    recordingId: await record(session.id),
  };
}

async function record(sessionId: number): Promise<string> {
  const [recording] = await api.database.query<{ id: string }>(
    `INSERT INTO recordings (id, session_id, terminal_id, terminal_name, with_input, ended_at, end_reason, seconds, content)
     VALUES (gen_random_uuid(), $1, 'terminal-1', 'shell', false, now(), 'stopped', 0, 'x') RETURNING id`,
    [sessionId],
  );
  return recording!.id;
}

/** A snapshot is sealed with the transaction that made it. */
function freeze(
  sessionId: number,
  file: BuiltItem,
  userId: number,
): Promise<{ snapshotId: number; snapshotItemId: number }> {
  return api.database.transaction(async (tx) => {
    const [snapshot] = await api.database.query<{ id: number }>(
      `INSERT INTO snapshots (session_id, manifest_hash, created_by) VALUES ($1, repeat('0', 64), $2) RETURNING id`,
      [sessionId, userId],
      tx,
    );
    const [item] = await api.database.query<{ id: number }>(
      `INSERT INTO snapshot_items (snapshot_id, item_id, path, type, encoding, sha256)
       VALUES ($1, $2, $3, 'file', 'utf8', $4) RETURNING id`,
      [snapshot!.id, file.id, file.fullPath, file.sha256],
      tx,
    );
    return { snapshotId: snapshot!.id, snapshotItemId: item!.id };
  });
}

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
    'is not found by a stranger and an operator, needs a sign-in, and is there for its owner: $name',
    async ({ method, path, body, headers }) => {
      const things = await belongingsOf(alice);
      const address = addressOf(path, things);
      const request = { body: bodyOf(body, things), headers };
      for (const as of path.startsWith('/reviews') ? [stranger] : [stranger, operator]) {
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
    /\{(itemId|versionId|uploadId|snapshotItemId|commentId|gitFolderId|runId|recordingId)\}|trash\/restore$/.test(path),
  );
  it.concurrent.each(inside)(
    'is not reached by a stranger through their own session or review: $name',
    async ({ method, path, body, headers }) => {
      const theirs = await belongingsOf(alice);
      const { uuid, reviewId } = await belongingsOf(stranger);
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
    const things = await belongingsOf(alice);
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
    const { uuid } = await belongingsOf(alice);
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
    const { uuid, runId } = await belongingsOf(alice);
    const own = await belongingsOf(stranger);
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
    const things = await belongingsOf(alice);
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
