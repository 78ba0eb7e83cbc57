import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { WebSocket, WebSocketServer } from 'ws';
import { connectAgent } from '#platform/agent/connectAgent.ts';
import { PortForwardStream } from '#platform/runtime/kubernetes/portForward.ts';
import { waitFor } from '#tests/support/waitFor.ts';

/** The two first messages of a forwarded port: each channel names the port. */
const GREETING = [Buffer.from([0, 0x9e, 0x1b]), Buffer.from([1, 0x9e, 0x1b])];

let server: WebSocketServer;
beforeAll(async () => {
  server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false });
  await once(server, 'listening');
});
afterAll(async () => {
  for (const client of server.clients) client.terminate();
  await new Promise((resolve) => server.close(resolve));
});

/** A stream to a forwarded port, and the kubelet's end of it, which has not said anything yet. */
async function open(): Promise<{ stream: PortForwardStream; kubelet: WebSocket }> {
  const arrival = once(server, 'connection') as Promise<[WebSocket]>;
  const socket = new WebSocket(`ws://127.0.0.1:${String((server.address() as AddressInfo).port)}`);
  const stream = new PortForwardStream(socket);
  const [kubelet] = await arrival;
  if (socket.readyState !== WebSocket.OPEN) await once(socket, 'open');
  return { stream, kubelet };
}

function data(bytes: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from([0]), bytes]);
}

describe('a forwarded port', () => {
  it('carries the bytes of its port alone, whatever messages they come in', async () => {
    const { stream, kubelet } = await open();
    for (const message of GREETING) kubelet.send(message);
    const sent = randomBytes(300_000);
    for (let at = 0; at < sent.length; at += 7_777) kubelet.send(data(sent.subarray(at, at + 7_777)));
    kubelet.send(data(Buffer.alloc(0)));
    kubelet.close();
    expect((await buffer(stream)).equals(sent)).toBe(true);
  });

  it('takes the greeting and the first bytes in one message', async () => {
    const { stream, kubelet } = await open();
    kubelet.send(Buffer.concat([GREETING[0]!, Buffer.from('hello')]));
    kubelet.close();
    expect((await buffer(stream)).toString()).toBe('hello');
  });

  it('sends every byte on the channel of data, in order', async () => {
    const { stream, kubelet } = await open();
    const received: Buffer[] = [];
    kubelet.on('message', (message: Buffer) => {
      expect(message[0]).toBe(0);
      received.push(message.subarray(1));
    });
    const sent = randomBytes(500_000);
    for (let at = 0; at < sent.length; at += 9_999) stream.write(sent.subarray(at, at + 9_999));
    stream.end();
    await once(kubelet, 'close');
    expect(Buffer.concat(received).equals(sent)).toBe(true);
  });

  it('stops taking from the socket while nobody reads', async () => {
    const { stream, kubelet } = await open();
    for (const message of GREETING) kubelet.send(message);
    const piece = data(randomBytes(256 * 1024));
    let sent = 0;
    while (sent < 200) {
      kubelet.send(piece);
      sent += 1;
    }
    // The kernel holds a few MiB; the rest stays with the sender, and none of it with us.
    await waitFor(() => stream.readableLength > 0, { what: 'the first bytes' });
    await waitFor(() => stream.isPaused() || kubelet.bufferedAmount > 0, { what: 'bytes that are held back' });
    expect(stream.readableLength).toBeLessThan(2 * 1024 * 1024);
    const all = buffer(stream);
    kubelet.close();
    expect((await all).length).toBe(sent * 256 * 1024);
  });

  it('holds a writer back while the other end does not take', async () => {
    const { stream, kubelet } = await open();
    kubelet.pause();
    const piece = randomBytes(256 * 1024);
    let written = 0;
    while (written < 400 && stream.write(piece)) written += 1;
    while (written < 400 && stream.writableLength < 64 * 1024 * 1024) {
      const drained = await Promise.race([
        once(stream, 'drain').then(() => true),
        new Promise<false>((resolve) => setTimeout(resolve, 500, false)),
      ]);
      if (!drained) break;
      written += 1;
      stream.write(piece);
    }
    expect(written).toBeLessThan(400);
    stream.destroy();
  });

  it('ends with the reason when the kubelet cannot reach the port', async () => {
    const { stream, kubelet } = await open();
    for (const message of GREETING) kubelet.send(message);
    kubelet.send(Buffer.concat([Buffer.from([1]), Buffer.from('error forwarding port 7070: connection refused\n')]));
    const [error] = (await once(stream, 'error')) as [Error];
    expect(error).toMatchObject({ code: 'AGENT_UNREACHABLE' });
    expect(error.message).toContain('connection refused');
    await waitFor(() => kubelet.readyState === WebSocket.CLOSED, { what: 'the end of the socket' });
  });

  it.each<[string, (kubelet: WebSocket) => void]>([
    ['says that it cannot reach the port', (kubelet) => kubelet.send(Buffer.concat([GREETING[1]!, Buffer.from('no')]))],
    ['breaks', (kubelet) => kubelet.terminate()],
    ['ends', (kubelet) => kubelet.close()],
  ])('fails the greeting of an agent at once when it %s', async (_, end) => {
    const { stream, kubelet } = await open();
    kubelet.send(GREETING[0]!);
    const started = performance.now();
    const greeting = connectAgent({ stream, key: randomBytes(32), generation: 1, deadlineMs: 30_000 });
    kubelet.once('message', () => end(kubelet));
    await expect(greeting).rejects.toMatchObject({ code: 'AGENT_UNREACHABLE' });
    expect(performance.now() - started).toBeLessThan(10_000);
  });

  it('cannot be written to once it is closed', async () => {
    const { stream, kubelet } = await open();
    stream.resume();
    kubelet.close();
    await once(stream, 'close');
    expect(stream.writable).toBe(false);
  });
});
