import type { Duplex } from 'node:stream';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import {
  AGENT_PROTOCOL_VERSION,
  AGENT_PSK_IDENTITY,
  AGENT_TLS_CIPHERS,
  AgentHello,
  DEAD_AFTER_MS,
  PING_EVERY_MS,
} from '#shared/contracts/agentProtocol.ts';
import { feedMultiplexer, writeTogether } from '#shared/domain/byteStream.ts';
import { AppError } from '#shared/domain/errors.ts';
import { ProtocolError } from '#shared/domain/frames.ts';
import { Multiplexer } from '#shared/domain/multiplexer.ts';
import type { AgentClient } from '#platform/agent/AgentClient.ts';
import { createAgentClient } from '#platform/agent/createAgentClient.ts';

/** The most bytes that wait to be sent to an agent. Credit and windows stay far below, even with every connection to a program busy. */
const MAX_UNSENT_BYTES = 32 * 1024 * 1024;

/** What is needed to talk to an agent over a raw stream. */
export interface ConnectOptions {
  /** The raw stream; ended when the connection fails or is closed. */
  stream: Duplex;
  key: Buffer;
  generation: number;
  /** For handshake and greeting together. */
  deadlineMs: number;
}

/**
 * Greets the agent at the other end of a stream, after both sides have proved the key. Rejects with AGENT_UNREACHABLE
 * when that does not succeed in time, with STALE_GENERATION when the agent serves another generation.
 */
export async function connectAgent(options: ConnectOptions): Promise<AgentClient> {
  const socket = secure(options);
  const write = writeTogether(socket, process.nextTick);
  const greeting = Promise.withResolvers<AgentHello>();
  const ended = Promise.withResolvers<string>();
  const multiplexer = new Multiplexer({
    write: (bytes) => {
      // One that lives and does not read would fill the memory of this process, which serves everybody.
      if (socket.writableLength > MAX_UNSENT_BYTES) socket.destroy(new Error('the other side does not read'));
      else write(bytes);
    },
    hello: (value) => greeting.resolve(readHello(value)),
  });
  feedMultiplexer(socket, multiplexer, {
    heartbeat: { pingEveryMs: PING_EVERY_MS, deadAfterMs: DEAD_AFTER_MS },
    ended: (reason) => {
      ended.resolve(reason);
      greeting.reject(unreachable(reason));
    },
  });
  const { generation } = options;
  const takes = { takesUndigested: true, takesMovedFrom: true, takesUntyped: true, takesInputTaken: true };
  multiplexer.hello({ protocol: AGENT_PROTOCOL_VERSION, generation, ...takes });
  const timer = setTimeout(() => {
    greeting.reject(unreachable(`no greeting within ${options.deadlineMs} ms`));
  }, options.deadlineMs);
  try {
    const hello = checkHello(await greeting.promise, options.generation);
    return createAgentClient({
      multiplexer,
      bootId: hello.bootId,
      takesFresh: hello.takesFresh,
      packsGit: hello.packsGit,
      takesRuns: hello.takesRuns,
      takesDials: hello.takesDials,
      ended: ended.promise,
      close: () => socket.destroy(),
    });
  } catch (error) {
    socket.destroy();
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

function secure({ stream, key }: ConnectOptions): TLSSocket {
  const socket = connectTls({
    socket: stream,
    ciphers: AGENT_TLS_CIPHERS,
    minVersion: 'TLSv1.2',
    maxVersion: 'TLSv1.2',
    pskCallback: () => ({ psk: key, identity: AGENT_PSK_IDENTITY }),
    // There are no certificates: the key proves both sides, or the handshake fails.
    checkServerIdentity: () => undefined,
  });
  socket.setNoDelay(true);
  // Destroying the TLS socket before its handshake leaves the raw stream open.
  socket.on('close', () => stream.destroy());
  return socket;
}

function readHello(value: unknown): AgentHello {
  const hello = AgentHello.safeParse(value);
  if (!hello.success) throw new ProtocolError('The hello of the agent is not valid.');
  return hello.data;
}

function checkHello(hello: AgentHello, generation: number): AgentHello {
  if (hello.protocol !== AGENT_PROTOCOL_VERSION) throw unreachable(`the agent speaks protocol ${hello.protocol}`);
  if (hello.generation !== generation) {
    throw new AppError('STALE_GENERATION', { detail: `The agent serves generation ${hello.generation}.` });
  }
  return hello;
}

function unreachable(reason: string): AppError {
  return new AppError('AGENT_UNREACHABLE', { detail: `The session's agent does not answer: ${reason}.` });
}
