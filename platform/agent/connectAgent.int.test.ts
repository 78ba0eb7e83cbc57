import { spawn, type ChildProcess } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer as createTcpServer, type AddressInfo } from 'node:net';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer, type Server, type TLSSocket } from 'node:tls';
import { AGENT_PROTOCOL_VERSION, AGENT_TLS_CIPHERS } from '#shared/contracts/agentProtocol.ts';
import type { Channel } from '#shared/domain/channel.ts';
import { Multiplexer } from '#shared/domain/multiplexer.ts';
import { buildAgent } from '#agent/build.ts';
import type { AgentClient } from '#platform/agent/AgentClient.ts';
import { agentKey } from '#platform/agent/agentKey.ts';
import { connectAgent } from '#platform/agent/connectAgent.ts';
import { waitFor } from '#tests/support/waitFor.ts';

const key = agentKey('s'.repeat(40), { uuid: 'a-session', generation: 4 });

function dial(port: number, options: { key?: Buffer; generation?: number } = {}): Promise<AgentClient> {
  const stream = connect({ port, host: '127.0.0.1' });
  return connectAgent({ stream, key, generation: 4, deadlineMs: 20_000, ...options });
}

describe('an agent reached by TCP', () => {
  let folder: string;
  let agent: ChildProcess;
  let port: number;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'berth-tcp-'));
    // Below the ports that the system hands out by itself, so that nobody gets this one before the agent does.
    const probe = createTcpServer().listen(randomInt(15_000, 30_000), '127.0.0.1');
    await once(probe, 'listening');
    port = (probe.address() as AddressInfo).port;
    probe.close();
    await once(probe, 'close');
    const wrapper = createRequire(createRequire(import.meta.url).resolve('@lydell/node-pty'));
    agent = spawn(process.execPath, [await buildAgent()], {
      stdio: ['pipe', 'ignore', 'inherit'],
      env: {
        PATH: process.env['PATH'],
        BERTH_AGENT_PORT: String(port),
        BERTH_AGENT_KEY_FILE: '-',
        BERTH_AGENT_ROOT: folder,
        BERTH_AGENT_HOME: folder,
        BERTH_AGENT_GENERATION: '4',
        BERTH_AGENT_PTY: wrapper.resolve(`@lydell/node-pty-${process.platform}-${process.arch}/pty.node`),
        BERTH_AGENT_MARK: 'a-test-of-tcp',
        MAX_FILE_BYTES: '100000',
        MAX_SESSION_BYTES: '1000000',
        MAX_SESSION_ITEMS: '100',
      },
    });
    agent.stdin?.end(key.toString('hex'));
    await waitFor(async () => (await dial(port)).close() ?? true, { what: 'the agent to listen' });
  });

  afterAll(async () => {
    agent.kill('SIGKILL');
    await once(agent, 'close');
    rmSync(folder, { recursive: true, force: true });
  });

  it('answers whoever proves its key', async () => {
    const client = await dial(port);
    expect((await client.manifest({ syncEpoch: 1, keep: [] })).complete).toBe(true);
    client.close();
  });

  it('answers nobody with the key of another generation', async () => {
    const other = agentKey('s'.repeat(40), { uuid: 'a-session', generation: 5 });
    await expect(dial(port, { key: other })).rejects.toMatchObject({ code: 'AGENT_UNREACHABLE' });
  });

  it('refuses a caller who believes in another generation', async () => {
    await expect(dial(port, { generation: 3 })).rejects.toMatchObject({ code: 'STALE_GENERATION' });
  });

  it('survives strangers who talk nonsense, or nothing', async () => {
    for (const words of ['GET / HTTP/1.1\r\n\r\n', '\0'.repeat(100_000), '']) {
      const stranger = connect({ port, host: '127.0.0.1' });
      stranger.on('error', () => undefined);
      stranger.end(words);
      await new Promise((resolve) => stranger.on('close', resolve));
    }
    const client = await dial(port);
    await client.activity();
    client.close();
  });

  it('answers its caller whoever else holds connections open without a word', async () => {
    const strangers = Array.from({ length: 100 }, () => connect({ port, host: '127.0.0.1' }));
    for (const stranger of strangers) stranger.on('error', () => undefined);
    await Promise.all(strangers.map((stranger) => once(stranger, 'connect')));
    const client = await dial(port);
    await client.activity();
    client.close();
    for (const stranger of strangers) stranger.destroy();
  });

  it('serves many callers at once', async () => {
    const clients = await Promise.all(Array.from({ length: 20 }, () => dial(port)));
    const boots = await Promise.all(clients.map(async (client) => (await client.activity()).bootId));
    expect(new Set(boots).size).toBe(1);
    for (const client of clients) client.close();
  });
});

describe('an agent that lies', () => {
  let server: Server;
  let lie: (channel: Channel, request: { kind: string }, socket: TLSSocket) => void;
  let closings = 0;

  beforeAll(async () => {
    server = createServer(
      { ciphers: AGENT_TLS_CIPHERS, minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2', pskCallback: () => key },
      (socket) => {
        const multiplexer = new Multiplexer({
          write: (bytes) => void socket.write(bytes),
          hello: () => undefined,
          opened: (channel, request) => {
            setImmediate(() => lie(channel, request as { kind: string }, socket));
            return { failed: () => undefined, closed: () => (closings += 1) };
          },
        });
        socket.on('data', (chunk) => multiplexer.receive(chunk));
        socket.on('error', () => undefined);
        multiplexer.hello({ protocol: AGENT_PROTOCOL_VERSION, generation: 4, bootId: 'a-lying-agent' });
      },
    ).listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  afterAll(() => void server.close());

  async function meet(): Promise<AgentClient> {
    return dial((server.address() as AddressInfo).port);
  }

  const entry = { path: 'x', type: 'file', sha256: 'a'.repeat(64), size: 1, executable: false };
  const summary = { complete: true, volumeId: 1, bootId: 'a-lying-agent', count: 1 };

  it.each([
    ['a path that leaves the session', [{ entries: [{ ...entry, path: '../x' }] }, summary]],
    ['a reserved name', [{ entries: [{ ...entry, path: '.berth-volume' }] }, summary]],
    ['a negative size', [{ entries: [{ ...entry, size: -1 }] }, summary]],
    ['a digest that is none', [{ entries: [{ ...entry, sha256: 'x' }] }, summary]],
    ['a path named twice', [{ entries: [entry, entry] }, { ...summary, count: 2 }]],
    ['fewer entries than it counted', [{ entries: [entry] }, { ...summary, count: 2 }]],
    ['an end without a summary', [{ entries: [entry] }]],
    ['something else altogether', ['nonsense']],
  ])('is not believed: %s', async (_, messages) => {
    lie = (channel) => {
      for (const message of messages) channel.post(message);
      channel.end();
    };
    const client = await meet();
    await expect(client.manifest({ syncEpoch: 1, keep: [] })).rejects.toMatchObject({ code: 'AGENT_UNREACHABLE' });
    client.close();
  });

  it.each([
    ['a file nobody asked for', [{ file: 'other', type: 'file', executable: false }]],
    [
      'bytes that do not match their digest',
      [{ file: 'x', type: 'file', executable: false }, 'data', { sha256: 'a'.repeat(64), size: 4 }],
    ],
    ['an end before all was read', []],
  ])('is not believed when it reads: %s', async (_, parts) => {
    lie = (channel) => {
      void (async () => {
        for (const part of parts) {
          if (part === 'data') await channel.sendData(Buffer.from('data'));
          else channel.post(part);
        }
        channel.end();
      })();
    };
    const client = await meet();
    const reading = (async () => {
      for await (const file of client.read(['x'])) throw new Error(`It was believed: ${file.path}`);
    })();
    await expect(reading).rejects.toMatchObject({ code: 'AGENT_UNREACHABLE' });
    client.close();
  });

  it.each<[string, (client: AgentClient) => Promise<unknown>]>([
    ['a scan', (client) => client.manifest({ syncEpoch: 1, keep: [] })],
    ['changes', (client) => client.apply([], { syncEpoch: 1, bulk: false })],
  ])('is told that nobody listens any more to its answer to %s', async (_, ask) => {
    lie = (channel) => channel.post('nonsense');
    const client = await meet();
    closings = 0;
    await expect(ask(client)).rejects.toMatchObject({ code: 'AGENT_UNREACHABLE' });
    await waitFor(() => closings === 1, { what: 'the channel to be closed' });
    client.close();
  });

  const nothing = (): void => undefined;
  const joined = { joined: { offset: 0, reset: false, end: 0, lastInputSeq: 0 } };
  const join = (client: AgentClient, closed: () => void = nothing) =>
    client.attach(
      'a-terminal',
      { clientId: 'a-client-id', offset: null, size: { cols: 80, rows: 24 }, counts: true },
      { output: nothing, reset: nothing, exit: nothing, closed },
    );

  it('is left when it sends a terminal more than was asked for', async () => {
    lie = (channel) => {
      channel.post(joined);
      for (let count = 0; count < 8; count += 1) channel.sendOutput(Buffer.alloc(32 * 1024));
    };
    const client = await meet();
    let closed = false;
    await join(client, () => (closed = true));
    await client.ended;
    expect(closed).toBe(true);
  });

  it('is left when it does not read what it is sent, though it lives: nothing is held for it without end', async () => {
    lie = (channel, _request, socket) => {
      channel.post(joined);
      socket.pause();
    };
    const client = await meet();
    const attachment = await join(client);
    const before = process.memoryUsage().arrayBuffers;
    let most = 0;
    for (let seq = 1; seq <= 4_000 && !client.closed; seq += 1) {
      attachment.input(seq, Buffer.alloc(65_536));
      await new Promise(setImmediate);
      most = Math.max(most, process.memoryUsage().arrayBuffers - before);
    }
    expect(client.closed).toBe(true);
    expect(most).toBeLessThan(128 * 1024 * 1024);
  });

  it.each<[string, (channel: Channel) => void]>([
    ['wants no more of', (channel) => channel.close()],
    ['ends', (channel) => channel.end()],
  ])('is not waited for when it %s a terminal before it was joined', async (_, act) => {
    lie = act;
    const client = await meet();
    await expect(join(client)).rejects.toMatchObject({ code: 'AGENT_UNREACHABLE' });
    client.close();
  });
});
