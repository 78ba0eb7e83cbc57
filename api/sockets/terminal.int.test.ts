import { io, type Socket } from 'socket.io-client';
import { allowedOrigin } from '#api/http/origin.ts';
import { createApi, type Api } from '#api/createApi.ts';
import { createTestDeps, startTestApi, type TestApi, type TestPerson } from '#tests/support/testApi.ts';
import { buildRunningSession, type RunningSession } from '#tests/support/runningSession.ts';
import { waitFor } from '#tests/support/waitFor.ts';

const SIZE = { cols: 80, rows: 24 };

let api: TestApi;
let alice: TestPerson;
let running: RunningSession;
let uuid: string;
const screens: Screen[] = [];

beforeAll(async () => {
  api = await startTestApi();
  alice = await api.person({ username: 'alice' });
  running = await buildRunningSession(api, alice.id);
  uuid = running.session.uuid;
});
afterEach(() => {
  for (const screen of screens.splice(0)) screen.socket.disconnect();
});
afterAll(async () => {
  await running.destroy();
  await api.close();
});

/** What one browser shows of one terminal; acknowledges what it shows unless told not to. */
interface Screen {
  socket: Socket;
  text: string;
  end: number;
  said: string[];
  acknowledges: boolean;
  clientId: string;
  seq: number;
}

const newTerminal = async () =>
  (await api.send('POST', `/api/v1/sessions/${uuid}/terminals`, { as: alice, body: { name: 'shell' } })).body
    .id as string;

async function openScreen(terminalId: string, { url = api.url, clientId = 'client-one' } = {}): Promise<Screen> {
  const socket = io(`${url}/terminal`, {
    transports: ['websocket'],
    forceNew: true,
    reconnection: false,
    extraHeaders: { cookie: alice.cookie, origin: allowedOrigin(api.config) },
  });
  const screen: Screen = { socket, text: '', end: 0, said: [], acknowledges: true, clientId, seq: 0 };
  screens.push(screen);
  const name = { sessionUuid: uuid, terminalId };
  socket.on('output', ({ offset, data }: { offset: number; data: Buffer }) => {
    if (offset !== screen.end) screen.said.push(`gap ${screen.end}..${offset}`);
    screen.end = offset + data.byteLength;
    screen.text += data.toString('latin1');
    if (screen.acknowledges) socket.emit('ack', { ...name, offset: screen.end });
  });
  for (const event of ['reset', 'exit', 'interrupted', 'resumed', 'gone']) {
    socket.on(event, (message: { code?: string; offset?: number }) => {
      if (event === 'reset') screen.end = message.offset!;
      screen.said.push(message.code ? `${event} ${message.code}` : event);
    });
  }
  await waitFor(() => socket.connected, { what: 'the socket to connect' });
  return screen;
}

function attach(screen: Screen, terminalId: string, offset: number | null): Promise<{ ok: boolean; code?: string }> {
  const { socket, clientId } = screen;
  const message = { sessionUuid: uuid, terminalId, clientId, offset, size: SIZE, visible: true };
  return new Promise((resolve) => {
    // Not a promise of the answer: output that comes in the same chunk would be seen before it.
    socket.emit('attach', message, (answer: { ok: boolean; value: { offset: number; lastInputSeq: number } }) => {
      if (answer.ok) {
        screen.end = answer.value.offset;
        screen.seq = answer.value.lastInputSeq;
      }
      resolve(answer);
    });
  });
}

function type(screen: Screen, terminalId: string, text: string): void {
  screen.seq += 1;
  screen.socket.emit('input', { sessionUuid: uuid, terminalId, seq: screen.seq, data: Buffer.from(text) });
}

const shows = (screen: Screen, text: string) =>
  waitFor(() => screen.text.includes(text), { deadlineMs: 30_000, what: `${text} on the screen` });

describe('a terminal', () => {
  it('runs a shell whose output arrives in order, byte for byte', async () => {
    const terminalId = await newTerminal();
    const screen = await openScreen(terminalId);
    expect(await attach(screen, terminalId, null)).toMatchObject({ ok: true, value: { lastInputSeq: 0 } });
    type(screen, terminalId, 'echo $((6*7))-answer; seq 1 20000 | tail -n +1; echo the-$((1+1))nd-end\n');
    await shows(screen, 'the-2nd-end');
    expect(screen.text).toContain('42-answer');
    expect(screen.text).toContain(Array.from({ length: 20_000 }, (_, index) => index + 1).join('\r\n'));
    expect(screen.said).toEqual([]);
  });

  it('is found again by the next connection where the last one stood', async () => {
    const terminalId = await newTerminal();
    const first = await openScreen(terminalId);
    await attach(first, terminalId, null);
    type(first, terminalId, 'x=kept; echo ready-$x\n');
    await shows(first, 'ready-kept');
    first.socket.disconnect();
    const second = await openScreen(terminalId);
    await attach(second, terminalId, first.end);
    type(second, terminalId, 'echo still-$x\n');
    await shows(second, 'still-kept');
    expect(second.text).not.toContain('ready-kept');
  });

  it('types nothing twice when a client repeats a number', async () => {
    const terminalId = await newTerminal();
    const screen = await openScreen(terminalId);
    await attach(screen, terminalId, null);
    const message = { sessionUuid: uuid, terminalId, seq: 1, data: Buffer.from('echo once-$((1+0))\n') };
    for (let count = 0; count < 3; count += 1) screen.socket.emit('input', message);
    screen.seq = 1;
    type(screen, terminalId, 'echo last-$((2+1))\n');
    await shows(screen, 'last-3');
    expect(screen.text.split('once-1').length - 1).toBe(1);
  });

  it('stops a program whose output nobody takes, and goes on when it is taken', async () => {
    const terminalId = await newTerminal();
    const screen = await openScreen(terminalId);
    await attach(screen, terminalId, null);
    screen.acknowledges = false;
    type(screen, terminalId, 'head -c 900000 /dev/zero | tr "\\0" a; echo; echo flood-$((4+4))\n');
    await waitFor(() => screen.text.length > 100_000, { what: 'the first of the flood' });
    // A client beyond its window gets no more than 128 KiB: the api holds none of the rest.
    expect(screen.text.length).toBeLessThanOrEqual(140_000);
    screen.acknowledges = true;
    screen.socket.emit('ack', { sessionUuid: uuid, terminalId, offset: screen.end });
    await shows(screen, 'flood-8');
    expect(screen.said).toEqual([]);
  });

  it('keeps for a vanished browser what it had not taken yet, however much the program goes on to print', async () => {
    const terminalId = await newTerminal();
    const first = await openScreen(terminalId);
    await attach(first, terminalId, null);
    type(first, terminalId, 'echo ready-$((3*3))\n');
    await shows(first, 'ready-9');
    const taken = first.end;
    first.acknowledges = false;
    type(first, terminalId, 'seq 1 400000; echo flood-$((4+4))\n');
    await waitFor(
      () => {
        // Nothing is kept for a browser that was silent before it vanished; a slow flood must not make this one so.
        first.socket.emit('visible', { sessionUuid: uuid, terminalId, visible: true });
        return first.end - taken > 100_000;
      },
      { what: 'the first of the flood' },
    );
    first.socket.io.engine.close();
    // Until it prints no more: because its ring holds the lost browser's tail, or, were that rule gone, because it is done.
    let before = 0;
    await waitFor(
      async () => {
        const last = before;
        const terminals = await (await api.deps.agentPool.get(uuid, 1)).listTerminals();
        before = terminals.find(({ id }) => id === terminalId)!.end;
        return before === last && before - taken > 900_000;
      },
      { what: 'the program to stop' },
    );
    const second = await openScreen(terminalId);
    await attach(second, terminalId, taken);
    await shows(second, 'flood-8');
    expect(second.said).toEqual([]);
    expect(second.text).toContain(Array.from({ length: 400_000 }, (_, index) => index + 1).join('\r\n'));
  });

  it('tells its exit, and is gone afterwards', async () => {
    const terminalId = await newTerminal();
    const screen = await openScreen(terminalId);
    await attach(screen, terminalId, null);
    type(screen, terminalId, 'exit 3\n');
    await waitFor(() => screen.said.includes('exit'), { what: 'the exit' });
    await api.send('DELETE', `/api/v1/sessions/${uuid}/terminals/${terminalId}`, { as: alice });
    expect(await attach(screen, terminalId, null)).toMatchObject({ ok: false, code: 'TERMINAL_NOT_FOUND' });
  });

  it('outlives the api: another process shows the same shell with its scrollback', async () => {
    const terminalId = await newTerminal();
    const first = await openScreen(terminalId);
    await attach(first, terminalId, null);
    type(first, terminalId, 'x=survivor; echo before-$x\n');
    await shows(first, 'before-survivor');
    const parts = await createTestDeps(api);
    const other: Api = createApi(parts.deps);
    const { port } = await other.listen();
    try {
      const second = await openScreen(terminalId, { url: `http://127.0.0.1:${port}`, clientId: 'client-two' });
      await attach(second, terminalId, null);
      await shows(second, 'before-survivor');
      type(second, terminalId, 'echo after-$x\n');
      await Promise.all([shows(second, 'after-survivor'), shows(first, 'after-survivor')]);
    } finally {
      await other.close();
      await parts.close();
    }
  });

  it('comes back by itself after the stream to its agent was cut, with what was typed meanwhile', async () => {
    const terminalId = await newTerminal();
    const screen = await openScreen(terminalId);
    await attach(screen, terminalId, null);
    type(screen, terminalId, 'x=back; echo ready-$x\n');
    await shows(screen, 'ready-back');
    for (let round = 1; round <= 3; round += 1) {
      (await api.deps.agentPool.get(uuid, 1)).close();
      type(screen, terminalId, `echo round-${round}-$x\n`);
      await shows(screen, `round-${round}-back`);
    }
    expect(screen.said).toEqual(['interrupted', 'resumed', 'interrupted', 'resumed', 'interrupted', 'resumed']);
    for (let round = 1; round <= 3; round += 1) expect(screen.text.split(`round-${round}-back`).length).toBe(2);
  });

  it('is gone for its browser once its session is closed and opened anew', async () => {
    const terminalId = await newTerminal();
    const screen = await openScreen(terminalId);
    await attach(screen, terminalId, null);
    await api.database.query(`UPDATE sessions SET phase = 'closed' WHERE uuid = $1`, [uuid]);
    (await api.deps.agentPool.get(uuid, 1)).close();
    await waitFor(() => screen.said.length >= 2, { what: 'the end' });
    await api.database.query(`UPDATE sessions SET phase = 'running' WHERE uuid = $1`, [uuid]);
    expect(screen.said).toEqual(['interrupted', 'gone SESSION_NOT_OPEN']);
  });
});

describe('the terminals of a session', () => {
  it('are listed, named and bounded to 16', async () => {
    const before = (await api.send('GET', `/api/v1/sessions/${uuid}/terminals`, { as: alice })).body.items;
    for (const { id } of before) await api.send('DELETE', `/api/v1/sessions/${uuid}/terminals/${id}`, { as: alice });
    for (let count = 0; count < 16; count += 1) await newTerminal();
    const refused = await api.send('POST', `/api/v1/sessions/${uuid}/terminals`, { as: alice, body: {} });
    expect([refused.status, refused.body.code]).toEqual([409, 'TERMINAL_LIMIT']);
    const [{ id }] = (await api.send('GET', `/api/v1/sessions/${uuid}/terminals`, { as: alice })).body.items;
    const path = `/api/v1/sessions/${uuid}/terminals/${id}`;
    expect((await api.send('PATCH', path, { as: alice, body: { name: 'tests' } })).body).toMatchObject({
      id,
      name: 'tests',
    });
    expect((await api.send('PATCH', `${path}x`, { as: alice, body: { name: 'tests' } })).body.code).toBe(
      'TERMINAL_NOT_FOUND',
    );
    expect((await api.send('DELETE', path, { as: alice })).status).toBe(204);
  });

  it('need a session that runs', async () => {
    const closed = (await api.send('POST', '/api/v1/sessions', { as: alice, body: { name: 'closed' } })).body.uuid;
    const answer = await api.send('POST', `/api/v1/sessions/${closed}/terminals`, { as: alice, body: {} });
    expect([answer.status, answer.body.code]).toEqual([409, 'SESSION_NOT_OPEN']);
  });
});
