import { io, type Socket } from 'socket.io-client';
import { allowedOrigin } from '#api/http/origin.ts';
import type { BerthEvent } from '#shared/contracts/events.ts';
import { publishSessionEvent } from '#platform/db/repositories/events.ts';
import { build } from '#tests/support/factories.ts';
import { startTestApi, type TestApi, type TestPerson } from '#tests/support/testApi.ts';
import { waitFor } from '#tests/support/waitFor.ts';

let api: TestApi;
let alice: TestPerson;
const open: Socket[] = [];

beforeAll(async () => {
  api = await startTestApi();
  alice = await api.person({ username: 'alice' });
});
afterEach(() => {
  for (const socket of open.splice(0)) socket.disconnect();
});
afterAll(() => api.close());

interface Opening {
  as?: TestPerson;
  token?: string;
  origin?: string | null;
  namespace?: string;
  transports?: string[];
}

function connect({ as, token, origin, namespace = '/events', transports = ['websocket'] }: Opening = {}): Socket {
  const headers: Record<string, string> = {};
  if (as) headers['cookie'] = as.cookie;
  if (origin !== null && !token) headers['origin'] = origin ?? allowedOrigin(api.config);
  const socket = io(`${api.url}${namespace}`, {
    transports,
    forceNew: true,
    reconnection: false,
    extraHeaders: headers,
    ...(token ? { auth: { token } } : {}),
  });
  open.push(socket);
  return socket;
}

async function connected(opening: Opening): Promise<Socket> {
  const socket = connect(opening);
  await waitFor(() => socket.connected, { what: 'the socket to connect' });
  return socket;
}

async function refusal(opening: Opening): Promise<{ message: string; code?: string }> {
  const socket = connect(opening);
  return new Promise((resolve, reject) => {
    socket.on('connect', () => reject(new Error('the socket was let in')));
    socket.on('connect_error', (error: Error & { data?: { code: string } }) =>
      resolve({ message: error.message, code: error.data?.code }),
    );
  });
}

const publish = (sessionId: number, count = 1) =>
  Promise.all(
    Array.from({ length: count }, (_, index) =>
      publishSessionEvent(api.database, { sessionId, kind: 'session', payload: { index } }),
    ),
  );

function follow(socket: Socket): { events: BerthEvent[]; resets: number[]; seqs: () => number[] } {
  const events: BerthEvent[] = [];
  const resets: number[] = [];
  socket.on('event', (event: BerthEvent) => events.push(event));
  socket.on('reset', ({ seq }: { seq: number }) => resets.push(seq));
  return { events, resets, seqs: () => events.map((event) => event.seq) };
}

const subscribe = (socket: Socket, uuid: string, afterSeq: number | null) =>
  socket.emitWithAck('subscribe', { to: { subject: 'session', uuid }, afterSeq });

const numbers = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index);

describe('a handshake', () => {
  it.each([
    ['nobody', {}, 'NOT_AUTHENTICATED'],
    ['a token that is none', { token: 'berth_nonsense' }, 'NOT_AUTHENTICATED'],
  ])('of %s is refused', async (_what, opening, code) => {
    expect((await refusal(opening)).code).toBe(code);
    expect((await refusal({ ...opening, namespace: '/terminal' })).code).toBe(code);
  });

  it('from a foreign page, or by cookie without an origin, is refused', async () => {
    expect((await refusal({ as: alice, origin: 'https://evil.example' })).message).toBe('websocket error');
    expect((await refusal({ as: alice, origin: null })).code).toBe('ORIGIN_REFUSED');
  });

  it('by polling is refused', async () => {
    expect((await refusal({ as: alice, transports: ['polling'] })).message).toBe('xhr poll error');
  });

  it('with a token needs the scope', async () => {
    const body = { name: 'ci', scopes: ['read'] };
    const { secret } = (await api.send('POST', '/api/v1/tokens', { as: alice, body })).body;
    await connected({ token: secret });
    expect((await refusal({ token: secret, namespace: '/terminal' })).code).toBe('SCOPE_MISSING');
  });
});

describe('events', () => {
  it('come in order and without gaps, from a number on, however they were written', async () => {
    const session = await build.session(api.database, { userId: alice.id });
    await publish(session.id, 5);
    const socket = await connected({ as: alice });
    const seen = follow(socket);
    expect(await subscribe(socket, session.uuid, 2)).toEqual({ ok: true, value: { seq: 5 } });
    await publish(session.id, 50);
    await waitFor(() => seen.events.length >= 53, { what: '53 events' });
    expect(seen.seqs()).toEqual(numbers(3, 55));
  });

  it('that were missed while the connection for events was cut arrive after it is back', async () => {
    const session = await build.session(api.database, { userId: alice.id });
    const socket = await connected({ as: alice });
    const seen = follow(socket);
    await subscribe(socket, session.uuid, null);
    for (let round = 0; round < 3; round += 1) {
      await api.database.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'berth-listen' AND datname = current_database()`,
      );
      await publish(session.id, 10);
      await waitFor(() => seen.events.length >= (round + 1) * 10, { what: 'the missed events' });
    }
    expect(seen.seqs()).toEqual(numbers(1, 30));
  });

  it('that are no longer kept become a reset to the newest number', async () => {
    const session = await build.session(api.database, { userId: alice.id });
    await publish(session.id, 6);
    await api.database.query(`DELETE FROM events WHERE subject = 'session' AND subject_id = $1 AND change_seq <= 4`, [
      session.id,
    ]);
    const socket = await connected({ as: alice });
    const seen = follow(socket);
    await subscribe(socket, session.uuid, 1);
    await waitFor(() => seen.resets.length > 0, { what: 'the reset' });
    await publish(session.id);
    await waitFor(() => seen.events.length > 0, { what: 'the event after the reset' });
    expect([seen.resets, seen.seqs()]).toEqual([[6], [7]]);
    const page = await api.send('GET', `/api/v1/sessions/${session.uuid}/events?afterSeq=1`, { as: alice });
    expect(page.body).toEqual({ items: [], changeSeq: 7, reset: true });
    const tail = await api.send('GET', `/api/v1/sessions/${session.uuid}/events?afterSeq=5`, { as: alice });
    expect(tail.body.items.map((event: BerthEvent) => event.seq)).toEqual([6, 7]);
  });

  it('of a stranger are not found', async () => {
    const session = await build.session(api.database);
    const socket = await connected({ as: alice });
    expect(await subscribe(socket, session.uuid, 0)).toMatchObject({ ok: false, code: 'NOT_FOUND' });
  });

  it('end with unsubscribe', async () => {
    const session = await build.session(api.database, { userId: alice.id });
    const [leaving, staying] = [await connected({ as: alice }), await connected({ as: alice })];
    const left = follow(leaving);
    const stayed = follow(staying);
    await Promise.all([subscribe(leaving, session.uuid, 0), subscribe(staying, session.uuid, 0)]);
    await leaving.emitWithAck('unsubscribe', { to: { subject: 'session', uuid: session.uuid } });
    await publish(session.id);
    await waitFor(() => stayed.events.length === 1, { what: 'the event' });
    expect(left.events).toEqual([]);
  });

  it('tell people that their own lists changed, and nobody else', async () => {
    // Two newcomers: a notice of what an earlier test did to alice's sessions may still be on its way.
    const [bob, carol] = [await api.person(), await api.person()];
    const [mine, theirs] = [await connected({ as: carol }), await connected({ as: bob })];
    const told: string[] = [];
    mine.on('lists', ({ kind }) => told.push(`carol ${kind}`));
    theirs.on('lists', ({ kind }) => told.push(`bob ${kind}`));
    await api.send('POST', '/api/v1/sessions', { as: carol, body: { name: 'listed' } });
    await waitFor(() => told.length > 0, { what: 'the notice' });
    await api.send('POST', '/api/v1/sessions', { as: bob, body: { name: 'listed too' } });
    await waitFor(() => told.length > 1, { what: 'the second notice' });
    expect(told).toEqual(['carol sessions', 'bob sessions']);
  });
});

describe('a hostile client', () => {
  const uuid = '00000000-0000-4000-8000-000000000000';

  it.each([
    ['subscribe', '/events', [undefined]],
    ['subscribe', '/events', [{ to: { subject: 'session', uuid: "'; DROP TABLE users" }, afterSeq: 0 }]],
    ['subscribe', '/events', [{ to: { subject: 'session', uuid }, afterSeq: -1 }]],
    ['subscribe', '/events', [{ to: { __proto__: { subject: 'session' } } }]],
    ['unsubscribe', '/events', [[]]],
    ['attach', '/terminal', ['x'.repeat(1_000)]],
    ['attach', '/terminal', [{ sessionUuid: uuid, terminalId: 't', clientId: 'c'.repeat(65) }]],
    ['input', '/terminal', [{ sessionUuid: uuid, terminalId: 't', seq: 1, data: 'text' }]],
    ['input', '/terminal', [{ sessionUuid: uuid, terminalId: 't', seq: 1.5, data: Buffer.alloc(1) }]],
    ['resize', '/terminal', [{ sessionUuid: uuid, terminalId: 't', size: { cols: 0, rows: 9e9 } }]],
    ['ack', '/terminal', [{ sessionUuid: uuid, terminalId: 't', offset: Number.MAX_VALUE }]],
    ['visible', '/terminal', [null]],
    ['detach', '/terminal', [7]],
  ])('that sends a bad %s on %s is told so and goes on', async (event, namespace, message) => {
    const socket = await connected({ as: alice, namespace });
    expect(await socket.emitWithAck(event, ...message)).toMatchObject({ ok: false, code: 'INVALID_INPUT' });
    socket.emit(event);
    socket.emit(event, 'x', 'y', 'z');
    expect(socket.connected).toBe(true);
    expect((await api.send('GET', '/healthz')).status).toBe(200);
  });

  it('that sends a message beyond the limit is cut, and only that one', async () => {
    const [hostile, other] = [await connected({ as: alice }), await connected({ as: alice })];
    hostile.emit('subscribe', 'x'.repeat(200_000));
    await waitFor(() => !hostile.connected, { what: 'the cut' });
    expect(other.connected).toBe(true);
  });

  it('cannot hold more than 64 sockets', async () => {
    const carol = await api.person();
    await Promise.all(Array.from({ length: 64 }, () => connected({ as: carol })));
    expect((await refusal({ as: carol })).code).toBe('SOCKET_LIMIT');
  });
});

describe('sockets whose rights end are cut within 5 s', () => {
  const within5s = { deadlineMs: 5_000, what: 'the cut' };

  it('at logout, for that sign-in alone', async () => {
    const bob = await api.person();
    const socket = await connected({ as: bob });
    const terminal = await connected({ as: bob, namespace: '/terminal' });
    const other = await connected({ as: alice });
    await api.send('POST', '/api/v1/auth/logout', { as: bob });
    await waitFor(() => !socket.connected && !terminal.connected, within5s);
    expect(other.connected).toBe(true);
  });

  it('when the account is disabled', async () => {
    const bob = await api.person();
    const socket = await connected({ as: bob });
    await api.database.query('UPDATE users SET disabled_at = now() WHERE id = $1', [bob.id]);
    await waitFor(() => !socket.connected, within5s);
  });

  it('when the token is revoked', async () => {
    const body = { name: 'ci', scopes: ['read'] };
    const token = (await api.send('POST', '/api/v1/tokens', { as: alice, body })).body;
    const socket = await connected({ token: token.secret });
    await api.send('DELETE', `/api/v1/tokens/${token.id}`, { as: alice });
    await waitFor(() => !socket.connected, within5s);
  });

  it('and a new sign-in id after a promotion cuts none', async () => {
    const bob = await api.person();
    const socket = await connected({ as: bob });
    const watched = await connected({ as: await api.person() });
    await api.send('POST', '/api/v1/users/me/promote', { as: bob });
    await api.database.query('DELETE FROM web_sessions WHERE user_id <> $1 AND user_id <> $2', [bob.id, alice.id]);
    await waitFor(() => !watched.connected, within5s);
    expect(socket.connected).toBe(true);
  });
});
