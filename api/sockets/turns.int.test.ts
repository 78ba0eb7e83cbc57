import { randomUUID } from 'node:crypto';
import { io, type Socket } from 'socket.io-client';
import { allowedOrigin } from '#api/http/origin.ts';
import { startTestApi, type TestApi, type TestPerson } from '#tests/support/testApi.ts';
import { waitFor } from '#tests/support/waitFor.ts';

let api: TestApi;
let mallory: TestPerson;
let sockets: Socket[] = [];

beforeAll(async () => {
  api = await startTestApi();
  mallory = await api.person({ username: 'mallory' });
});
afterEach(() => {
  for (const socket of sockets) socket.disconnect();
  sockets = [];
});
afterAll(() => api.close());

async function connect(namespace: string): Promise<Socket> {
  const socket = io(`${api.url}${namespace}`, {
    transports: ['websocket'],
    forceNew: true,
    reconnection: false,
    extraHeaders: { cookie: mallory.cookie, origin: allowedOrigin(api.config) },
  });
  sockets.push(socket);
  await waitFor(() => socket.connected, { what: 'the socket to connect' });
  return socket;
}

const QUESTIONS: [string, string, () => object][] = [
  ['/events', 'subscribe', () => ({ to: { subject: 'session', uuid: randomUUID() }, afterSeq: null })],
  ['/terminal', 'attachRun', () => ({ sessionUuid: randomUUID(), runId: 1 })],
  [
    '/terminal',
    'attach',
    () => ({
      sessionUuid: randomUUID(),
      terminalId: 'one',
      clientId: 'a-client-id',
      offset: null,
      size: { cols: 80, rows: 24 },
      visible: true,
    }),
  ],
];

describe('a socket that asks without waiting for answers', () => {
  it.each(QUESTIONS)('on %s by %s is cut, and whoever asks many things at once is not', async (place, event, ask) => {
    const honest = await connect(place);
    const codes = await Promise.all(
      Array.from({ length: 200 }, async () => ((await honest.emitWithAck(event, ask())) as { code: string }).code),
    );
    expect(new Set(codes)).toEqual(new Set(['NOT_FOUND']));
    const flooding = await connect(place);
    for (let count = 0; count < 10_000; count += 1) flooding.emit(event, ask(), () => undefined);
    await waitFor(() => flooding.disconnected, { what: 'the socket to be cut' });
    expect(await honest.emitWithAck(event, ask())).toMatchObject({ ok: false, code: 'NOT_FOUND' });
  });
});
