import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { MAX_DIALS } from '#shared/contracts/agentPorts.ts';
import { Ports } from '#agent/ports/ports.ts';
import { startLocalSession, type LocalSession } from '#tests/support/localSession.ts';
import { waitFor } from '#tests/support/waitFor.ts';

/** Answers each connection as its first line says. */
const PROGRAM = `
import hashlib, socket, sys, threading
def serve(one):
    order = b''
    while not order.endswith(b'\\n'): order += one.recv(1)
    if order == b'digest\\n':
        seen = hashlib.sha256()
        while piece := one.recv(65536): seen.update(piece)
        one.sendall(seen.hexdigest().encode())
    elif order == b'bytes\\n':
        for index in range(320): one.sendall(bytes([index % 251]) * 65536)
    elif order == b'first\\n':
        one.sendall(b'over'); one.shutdown(socket.SHUT_WR)
        rest = b''
        while piece := one.recv(65536): rest += piece
        open('rest.txt', 'wb').write(rest)
    elif order == b'gone\\n':
        while one.recv(65536): pass
        open('gone.txt', 'w').write('gone')
    elif order == b'hold\\n':
        one.recv(1)
    one.close()
family = socket.AF_INET6 if sys.argv[1] == '::1' else socket.AF_INET
server = socket.socket(family); server.bind((sys.argv[1], int(sys.argv[2]))); server.listen(128)
open('ready-' + sys.argv[2], 'w').close()
while True: threading.Thread(target=serve, args=(server.accept()[0],), daemon=True).start()
`;
const PORT = 18_431;
const PORT_V6 = 18_432;

let session: LocalSession;
let machine: Server;
let machinePort: number;

beforeAll(async () => {
  machine = createServer((socket) => socket.end('the machine')).listen(0, '127.0.0.1');
  session = await startLocalSession();
  writeFileSync(join(session.workspace, 'program.py'), PROGRAM);
  await listen(session, '127.0.0.1', PORT);
  await listen(session, '::1', PORT_V6);
  machinePort = (machine.address() as AddressInfo).port;
});
afterAll(async () => {
  await session.stop();
  machine.close();
});

let lastRun = 0;
async function listen({ client }: LocalSession, host: string, port: number): Promise<void> {
  await client.runs.start({
    id: String(++lastRun),
    argv: ['python3', 'program.py', host, String(port)],
    folder: '',
    environment: {},
    stdin: new Uint8Array(),
    timeLimitMs: 120_000,
    outputLimitBytes: 4_096,
  });
  const listening = async () => (await client.ports.list()).some((one) => one.port === port);
  await waitFor(listening, { deadlineMs: 20_000, what: `port ${port}` });
}

async function ask(order: string, port = PORT): Promise<Duplex> {
  const stream = await session.client.ports.dial(port);
  stream.write(`${order}\n`);
  return stream;
}

/** Reads to the end, and then closes this side too unless it has something to say. */
async function readAll(stream: Duplex, leaveOpen = false): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of stream) pieces.push(piece as Buffer);
  if (stream.writableEnded || !leaveOpen) stream.destroy();
  return Buffer.concat(pieces);
}

const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'worked',
    (error: { code?: string }) => error.code ?? String(error),
  );

describe('a port of the session', () => {
  it('is told with its program, in order, and without those of the agent', async () => {
    expect(await session.client.ports.list()).toEqual([
      { port: PORT, program: 'python3' },
      { port: PORT_V6, program: 'python3' },
    ]);
  });

  it('takes 20 MiB and gives 20 MiB, byte for byte, also on ::1', async () => {
    const sent = Buffer.alloc(20 * 1024 * 1024, 'how it goes');
    const up = await ask('digest', PORT_V6);
    up.end(sent);
    expect((await readAll(up)).toString()).toBe(createHash('sha256').update(sent).digest('hex'));
    const got = await readAll(await ask('bytes'));
    const wanted = Buffer.concat(Array.from({ length: 320 }, (_, index) => Buffer.alloc(65_536, index % 251)));
    expect(got.equals(wanted)).toBe(true);
  });

  it('is half-closed from either side', async () => {
    const stream = await ask('first');
    expect((await readAll(stream, true)).toString()).toBe('over');
    const rest = join(session.workspace, 'rest.txt');
    stream.end('and what comes after');
    await waitFor(() => existsSync(rest) && readFileSync(rest, 'utf8') === 'and what comes after', {
      what: 'the rest',
    });
  });

  it('whose reader stalls holds up nothing else', async () => {
    const stalled = await ask('bytes');
    const other = await readAll(await ask('bytes'));
    expect(other.byteLength).toBe(20 * 1024 * 1024);
    expect((await readAll(stalled)).byteLength).toBe(20 * 1024 * 1024);
  });

  it('sees the end of a caller that breaks off', async () => {
    const stream = await ask('gone');
    stream.destroy();
    await waitFor(() => existsSync(join(session.workspace, 'gone.txt')), { what: 'the end to be seen' });
  });

  it('is not to be had where nothing listens, where the machine listens, or out of range', async () => {
    expect(await codeOf(session.client.ports.dial(1))).toBe('PORT_NOT_LISTENING');
    expect(await codeOf(session.client.ports.dial(machinePort))).toBe('PORT_NOT_LISTENING');
    expect(await codeOf(session.client.ports.dial(0))).toBe('AGENT_UNREACHABLE');
    expect(await codeOf(session.client.ports.dial(65_536))).toBe('AGENT_UNREACHABLE');
  });

  it('has a bounded number of connections, and one that ends makes room', async () => {
    const held = await Promise.all(Array.from({ length: MAX_DIALS }, () => ask('hold')));
    expect(await codeOf(session.client.ports.dial(PORT))).toBe('DIAL_LIMIT');
    held.pop()?.destroy();
    await waitFor(async () => (await codeOf(ask('digest').then((one) => one.destroy()))) === 'worked', {
      what: 'room',
    });
    for (const one of held) one.destroy();
  });
});

describe('without a sandbox', () => {
  it("is a port that the session's own processes listen on, and no other of the machine", async () => {
    const plain = await startLocalSession({ BERTH_SANDBOX: 'none' });
    try {
      writeFileSync(join(plain.workspace, 'program.py'), PROGRAM);
      await listen(plain, '127.0.0.1', PORT + 10);
      expect(await plain.client.ports.list()).toEqual([{ port: PORT + 10, program: 'python3' }]);
      expect(await codeOf(plain.client.ports.dial(machinePort))).toBe('PORT_NOT_LISTENING');
      const stream = await plain.client.ports.dial(PORT + 10);
      stream.end('digest\n');
      expect((await readAll(stream)).byteLength).toBe(64);
    } finally {
      await plain.stop();
    }
  });
});

describe('the process that looks', () => {
  it('has no port of its own in the list, and dials none: an agent in a pod listens there too', async () => {
    const ports = new Ports({ ownsAll: true, mark: null });
    expect(ports.list().map(({ port }) => port)).not.toContain(machinePort);
    expect(await codeOf(ports.dial(machinePort))).toBe('PORT_NOT_LISTENING');
  });
});

describe('a session that ends its programs', () => {
  it('ends their connections and takes no more', async () => {
    const held = await ask('hold');
    const ended = readAll(held).catch(() => 'broken');
    await session.client.quiesce({ graceMs: 0 });
    await ended;
    expect(await codeOf(session.client.ports.dial(PORT))).toBe('SESSION_NOT_RUNNING');
  });
});
