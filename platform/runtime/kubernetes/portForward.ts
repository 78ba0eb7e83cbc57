import { Duplex } from 'node:stream';
import type { RawData, WebSocket } from 'ws';
import { AppError } from '#shared/domain/errors.ts';

const DATA = 0;
const ERROR = 1;

/**
 * The bytes of one forwarded port over its WebSocket (`v4.channel.k8s.io`). Each message begins with its channel, and the
 * first of each channel names the port. Both directions wait for a slow side, which the library's own class does not.
 * What the kubelet reports, and a socket that breaks, destroys the stream with AGENT_UNREACHABLE.
 */
export class PortForwardStream extends Duplex {
  #socket: WebSocket;
  #greeted = new Set<number>();

  constructor(socket: WebSocket) {
    super();
    this.#socket = socket;
    socket.on('message', (data) => this.#receive(data));
    socket.on('error', (cause) => this.destroy(unreachable(cause.message, cause)));
    socket.on('close', () => {
      // There is no half-close on this wire: both directions have ended.
      this.push(null);
      this.end();
    });
  }

  override _read(): void {
    this.#socket.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#send(chunk, done);
  }

  override _writev(chunks: { chunk: Buffer }[], done: (error?: Error | null) => void): void {
    this.#send(Buffer.concat(chunks.map(({ chunk }) => chunk)), done);
  }

  override _final(done: () => void): void {
    this.#socket.close();
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#socket.terminate();
    done(error);
  }

  /** The callback comes when the kernel has taken the bytes, which holds back a writer that is too fast. */
  #send(bytes: Buffer, done: (error?: Error | null) => void): void {
    if (this.#socket.readyState !== this.#socket.OPEN) {
      done(unreachable('the forwarded port is closed'));
      return;
    }
    this.#socket.send(Buffer.concat([Buffer.from([DATA]), bytes]), (error) => done(error ?? null));
  }

  #receive(data: RawData): void {
    const message = Buffer.isBuffer(data) ? data : Buffer.concat(Array.isArray(data) ? data : [Buffer.from(data)]);
    const channel = message[0];
    if (channel !== DATA && channel !== ERROR) return;
    const body = message.subarray(1);
    const payload = this.#greeted.has(channel) ? body : body.subarray(2);
    this.#greeted.add(channel);
    if (payload.length === 0) return;
    if (channel === ERROR) this.destroy(unreachable(payload.toString('utf8').trim()));
    else if (!this.push(payload)) this.#socket.pause();
  }
}

function unreachable(reason: string, cause?: Error): AppError {
  return new AppError('AGENT_UNREACHABLE', { detail: `The session's agent cannot be reached: ${reason}.`, cause });
}
