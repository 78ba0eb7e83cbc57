import { Duplex } from 'node:stream';
import { Dialed, PortList, type ListeningPort } from '#shared/contracts/agentPorts.ts';
import type { Channel, ChannelReceiver } from '#shared/domain/channel.ts';
import { AppError } from '#shared/domain/errors.ts';
import { ProtocolError } from '#shared/domain/frames.ts';
import type { Multiplexer } from '#shared/domain/multiplexer.ts';
import { ask, openChannel, toAppError } from '#platform/agent/agentRequests.ts';

/** The ports of a session. Both reject with PREVIEW_REFUSED when the agent is of a release that knows none. */
export interface AgentPorts {
  /** Those that the session's programs listen on, in the order of their numbers. */
  list(): Promise<ListeningPort[]>;
  /**
   * A connection to one of them, half-open at will. Rejects with PORT_NOT_LISTENING, DIAL_LIMIT or SESSION_NOT_RUNNING. A
   * slow reader of it stalls nothing else.
   */
  dial(port: number): Promise<Duplex>;
}

/** The ports of an agent. `known` false: it is of a release that has none, and everything is refused. */
export function createAgentPorts(multiplexer: Multiplexer, known: boolean): AgentPorts {
  const check = (): void => {
    if (!known) throw new AppError('PREVIEW_REFUSED');
  };
  return {
    async list() {
      check();
      return (await ask(multiplexer, { kind: 'ports.list' }, PortList)).ports;
    },
    async dial(port) {
      check();
      return dial(multiplexer, port);
    },
  };
}

async function dial(multiplexer: Multiplexer, port: number): Promise<Duplex> {
  const dialed = Promise.withResolvers<undefined>();
  const stream = new DialedStream(() => dialed.resolve(undefined));
  // Whoever waits for the connection learns of its failure; what comes later is the stream's own.
  stream.once('error', dialed.reject);
  stream.once('close', () => dialed.reject(new AppError('AGENT_UNREACHABLE')));
  stream.attach(openChannel(multiplexer, { kind: 'dial', port }, stream.receiver));
  await dialed.promise;
  stream.off('error', dialed.reject);
  return stream;
}

/** A connection through the agent as Node knows streams. Credit goes back as its reader takes the bytes. */
class DialedStream extends Duplex {
  #channel: Channel | null = null;
  #dialed: () => void;
  #waiting: Uint8Array[] = [];
  #wanted = false;
  #ended = false;

  constructor(dialed: () => void) {
    super({ allowHalfOpen: true });
    this.#dialed = dialed;
  }

  attach(channel: Channel): void {
    this.#channel = channel;
  }

  get receiver(): ChannelReceiver {
    return {
      message: (value, bytes) => {
        if (!Dialed.safeParse(value).success) throw new ProtocolError('The agent gave an answer that is not valid.');
        this.#channel?.grant(bytes);
        this.#dialed();
      },
      data: (bytes) => {
        this.#waiting.push(bytes);
        this.#pass();
      },
      ended: () => {
        this.#ended = true;
        this.#pass();
      },
      closed: () => this.destroy(new AppError('AGENT_UNREACHABLE')),
      failed: (error) => this.destroy(toAppError(error) as Error),
    };
  }

  override _read(): void {
    this.#wanted = true;
    this.#pass();
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error) => void): void {
    this.#sent(this.#channel?.sendData(chunk), done);
  }

  override _final(done: (error?: Error) => void): void {
    this.#channel?.end();
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#channel?.close();
    this.#waiting = [];
    done(error);
  }

  #sent(sending: Promise<void> | undefined, done: (error?: Error) => void): void {
    if (sending === undefined) done(new AppError('AGENT_UNREACHABLE'));
    else
      sending.then(
        () => done(),
        (error: unknown) => done(toAppError(error) as Error),
      );
  }

  #pass(): void {
    while (this.#wanted) {
      const bytes = this.#waiting.shift();
      if (bytes === undefined) break;
      this.#channel?.grant(bytes.byteLength);
      this.#wanted = this.push(bytes);
    }
    if (this.#ended && this.#waiting.length === 0) this.push(null);
  }
}
