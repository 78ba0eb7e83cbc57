import { connect, type Socket } from 'node:net';
import { MAX_DIALS, MAX_LISTED_PORTS, type ListeningPort } from '#shared/contracts/agentPorts.ts';
import { AgentFailure, systemCode } from '#agent/failure.ts';
import { listListening, socketsOf, type ListeningSocket } from '#agent/ports/socketTable.ts';
import { sessionProcesses, type ProcessScope } from '#agent/processes/quiesce.ts';

const CONNECT_MS = 5_000;

/**
 * The ports that the session's programs listen on, and connections to them: on the loopback of the agent's own network and
 * nowhere else, and never to the agent itself. Where the machine's other programs share that network, a port is the
 * session's only when its own processes, and nobody else, listen on it.
 */
export class Ports {
  #scope: ProcessScope;
  #open = new Set<Socket>();
  #shut = false;

  constructor(scope: ProcessScope) {
    this.#scope = scope;
  }

  /** The session's ports in the order of their numbers. */
  list(): ListeningPort[] {
    const programs = this.#programsBySocket();
    const ports = new Map<number, ListeningPort>();
    for (const { port, inode } of this.#ours(listListening(), programs)) {
      const program = programs.get(inode) ?? ports.get(port)?.program ?? null;
      ports.set(port, { port, program: program?.slice(0, 64) ?? null });
    }
    return [...ports.values()].sort((left, right) => left.port - right.port).slice(0, MAX_LISTED_PORTS);
  }

  /** Connects to a port of the session. Fails with PORT_NOT_LISTENING, DIAL_LIMIT or SESSION_NOT_RUNNING. */
  async dial(port: number): Promise<Socket> {
    if (this.#shut) throw new AgentFailure('SESSION_NOT_RUNNING', 'The session is closing.');
    if (this.#open.size >= MAX_DIALS) {
      throw new AgentFailure('DIAL_LIMIT', `A session has at most ${MAX_DIALS} connections to its programs at once.`);
    }
    const sockets = listListening().filter((one) => one.port === port);
    // Sandboxes and pods have nobody else in them: only there is the look at every process not needed.
    const [target] = this.#ours(sockets, this.#scope.ownsAll ? new Map() : this.#programsBySocket());
    if (target === undefined) throw notListening(port);
    return this.#connect(target);
  }

  /** Ends every connection and takes no more. */
  shut(): void {
    this.#shut = true;
    for (const socket of this.#open) socket.destroy();
  }

  #connect({ host, port }: ListeningSocket): Promise<Socket> {
    const socket = connect({ host, port, allowHalfOpen: true, noDelay: true });
    this.#open.add(socket);
    socket.once('close', () => this.#open.delete(socket));
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => socket.destroy(new Error('no answer')), CONNECT_MS);
      // Before and after the connection: an error without a listener would end the agent.
      socket.on('error', () => undefined);
      socket.once('close', () => {
        clearTimeout(timer);
        reject(notListening(port));
      });
      socket.once('connect', () => {
        clearTimeout(timer);
        resolve(socket);
      });
    });
  }

  /** Those sockets whose port is the session's alone: with a stranger on the same port nobody can tell who would answer. */
  #ours(sockets: ListeningSocket[], programs: Map<string, string>): ListeningSocket[] {
    const own = new Set(socketsOf('self'));
    const isOurs = ({ inode }: ListeningSocket): boolean =>
      !own.has(inode) && (this.#scope.ownsAll || programs.has(inode));
    const strange = new Set(sockets.filter((one) => !isOurs(one)).map(({ port }) => port));
    return sockets.filter(({ port }) => !strange.has(port));
  }

  #programsBySocket(): Map<string, string> {
    const processes = sessionProcesses(this.#scope);
    return new Map(processes.flatMap(({ pid, name }) => socketsOf(pid).map((inode) => [inode, name] as const)));
  }
}

function notListening(port: number): AgentFailure {
  return new AgentFailure('PORT_NOT_LISTENING', `No program of the session listens on port ${port}.`);
}

/** What a broken connection to a program is to the caller. */
export function brokenDial(error: unknown): AgentFailure {
  return new AgentFailure('DIAL_BROKEN', `The program broke the connection: ${systemCode(error) || 'closed'}.`);
}
