import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TLSSocket } from 'node:tls';
import {
  AGENT_PROTOCOL_VERSION,
  AGENT_TLS_CIPHERS,
  type AgentHello,
  CallerHello,
  DEAD_AFTER_MS,
  PING_EVERY_MS,
} from '#shared/contracts/agentProtocol.ts';
import { feedMultiplexer, writeTogether } from '#shared/domain/byteStream.ts';
import { ProtocolError } from '#shared/domain/frames.ts';
import { Multiplexer } from '#shared/domain/multiplexer.ts';
import { answerRequest } from '#agent/protocol/requests.ts';
import { reportFailure } from '#agent/report.ts';
import type { AgentSession } from '#agent/session.ts';

/** Callers at once: api replicas, workers, and some that are just going away. */
const MAX_CALLERS = 64;
const HANDSHAKE_MS = 5_000;

/**
 * Accepts callers who prove the key. The same TLS runs over TCP and over the Unix socket: one way to prove the key on
 * both sides, and none of our own making. `session` may come later than the first caller, who then waits.
 */
export function createCallerServer(key: Buffer, session: Promise<AgentSession>): Server {
  const options = {
    ciphers: AGENT_TLS_CIPHERS,
    minVersion: 'TLSv1.2',
    maxVersion: 'TLSv1.2',
    handshakeTimeout: HANDSHAKE_MS,
    pskCallback: () => key,
  } as const;
  const strangers = new Set<Socket>();
  let open = 0;
  return createServer((connection) => {
    open += 1;
    strangers.add(connection);
    connection.on('close', () => {
      open -= 1;
      strangers.delete(connection);
    });
    if (open > MAX_CALLERS) leaveOldest(strangers);
    if (connection.destroyed) return;
    // A TLS server for each connection: nothing else tells which of them it was that said hello.
    createTlsServer(options, (socket) => {
      void session.then((ready) => serveCaller(socket, ready, () => strangers.delete(connection)));
    })
      // A caller with a wrong key, or none: the handshake is over before anything was said.
      .on('tlsClientError', () => undefined)
      .emit('connection', connection);
  });
}

/** Any program of the session can open connections, and must not keep the control plane out by it. */
function leaveOldest(strangers: Set<Socket>): void {
  const [oldest] = strangers;
  if (oldest === undefined) return;
  // Not only when it has closed: the next one that is too many must not find it again.
  strangers.delete(oldest);
  oldest.destroy();
}

function serveCaller(socket: TLSSocket, session: AgentSession, welcomed: () => void): void {
  socket.setNoDelay(true);
  let caller: CallerHello | null = null;
  const multiplexer = new Multiplexer({
    write: writeTogether(socket, process.nextTick),
    hello: (value) => {
      const hello = CallerHello.safeParse(value);
      if (!hello.success) throw new ProtocolError('The hello is not valid.');
      // The agent's own hello, sent first, tells a caller of another protocol or generation why it is left.
      if (hello.data.protocol !== AGENT_PROTOCOL_VERSION) throw new ProtocolError('The protocol differs.');
      session.epochs.checkGeneration(hello.data.generation);
      caller = hello.data;
      welcomed();
    },
    opened: (channel, request) => {
      if (caller === null) throw new ProtocolError('Nothing may come before the hello.');
      return answerRequest({ session, caller }, channel, request);
    },
  });
  multiplexer.hello({
    protocol: AGENT_PROTOCOL_VERSION,
    generation: session.epochs.generation,
    bootId: session.bootId,
    takesFresh: true,
    packsGit: true,
    takesRuns: true,
    takesDials: true,
  } satisfies AgentHello);
  feedMultiplexer(socket, multiplexer, {
    heartbeat: { pingEveryMs: PING_EVERY_MS, deadAfterMs: DEAD_AFTER_MS },
    ended: (reason) => {
      if (reason !== 'the stream ended') reportFailure(`A caller was left: ${reason}.`);
    },
  });
}
