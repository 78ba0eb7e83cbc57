import { once } from 'node:events';
import type { Socket } from 'node:net';
import type { Dialed } from '#shared/contracts/agentPorts.ts';
import { ChannelError, type Channel } from '#shared/domain/channel.ts';
import type { FrameQueue } from '#shared/domain/frameQueue.ts';
import { AgentFailure } from '#agent/failure.ts';
import { brokenDial, type Ports } from '#agent/ports/ports.ts';

/**
 * Joins the caller to a program that listens on that port, until both directions have ended or either side has broken off.
 * Credit of the channel goes both ways, so that a slow side stalls this connection alone. Fails as Ports.dial does.
 */
export async function joinPort(
  ports: Ports,
  { channel, incoming, port }: { channel: Channel; incoming: FrameQueue; port: number },
): Promise<void> {
  const socket = await ports.dial(port);
  try {
    await channel.send({ dialed: true } satisfies Dialed);
    await Promise.all([passIn(incoming, socket), passOut(socket, channel)]);
  } catch (error) {
    if (error instanceof AgentFailure || error instanceof ChannelError) throw error;
    throw brokenDial(error);
  } finally {
    socket.destroy();
  }
}

async function passIn(incoming: FrameQueue, socket: Socket): Promise<void> {
  for await (const part of incoming) {
    if (!('data' in part)) throw new AgentFailure('INVALID_INPUT', 'Only data may come on a connection.');
    if (socket.destroyed) throw brokenDial(socket.errored);
    if (!socket.write(part.data)) await drained(socket);
  }
  socket.end();
}

/** Resolves once the socket takes more; rejects when it closes instead. */
async function drained(socket: Socket): Promise<void> {
  const over = new AbortController();
  try {
    await Promise.race([
      once(socket, 'drain', { signal: over.signal }),
      once(socket, 'close', { signal: over.signal }).then(() => Promise.reject(brokenDial(socket.errored))),
    ]);
  } finally {
    over.abort();
  }
}

async function passOut(socket: Socket, channel: Channel): Promise<void> {
  for await (const bytes of socket.iterator({ destroyOnReturn: false })) await channel.sendData(bytes as Buffer);
  channel.end();
}
