import { ChannelError } from '#shared/domain/channel.ts';
import type { Multiplexer } from '#shared/domain/multiplexer.ts';

/** What is needed of a Node stream to carry a multiplexer. */
export interface ByteStream {
  on(event: 'data', listener: (chunk: Uint8Array) => void): unknown;
  on(event: 'close', listener: () => void): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
  destroy(): unknown;
}

/** What is needed of a Node stream to write several pieces as one. */
export interface CorkableStream {
  readonly writableCorked: number;
  readonly writableLength: number;
  cork(): void;
  uncork(): void;
  write(bytes: Uint8Array): unknown;
}

/** So much is sent even before the turn is over, so that the other side has something to do. */
const TOGETHER_BYTES = 64 * 1024;

/**
 * Gives a function that writes to the stream, and sends what was written in one turn as one piece: a TLS record and a
 * system call for each small frame cost more than the frames. Frames that lie one behind the other in memory become one
 * write. `afterTurn` is Node's `process.nextTick`.
 */
export function writeTogether(
  stream: CorkableStream,
  afterTurn: (work: () => void) => void,
): (bytes: Uint8Array) => void {
  let held: { memory: ArrayBufferLike; start: number; end: number } | null = null;

  function release(): void {
    if (held !== null) stream.write(new Uint8Array(held.memory, held.start, held.end - held.start));
    held = null;
  }
  return (bytes) => {
    if (stream.writableCorked === 0) {
      stream.cork();
      afterTurn(() => {
        release();
        stream.uncork();
      });
    }
    const { buffer: memory, byteOffset: start } = bytes;
    const end = start + bytes.byteLength;
    if (held?.memory === memory && held.end === start) held.end = end;
    else {
      release();
      held = { memory, start, end };
    }
    if (stream.writableLength + held.end - held.start < TOGETHER_BYTES) return;
    release();
    stream.uncork();
  };
}

/** How often to ask for a sign of life, and how long to live without one. */
export interface Heartbeat {
  pingEveryMs: number;
  deadAfterMs: number;
}

/**
 * Feeds a multiplexer from a stream until that ends, breaks the protocol or falls silent; then breaks the multiplexer and
 * calls `ended` once with the reason.
 */
export function feedMultiplexer(
  stream: ByteStream,
  multiplexer: Multiplexer,
  { heartbeat, ended }: { heartbeat: Heartbeat; ended: (reason: string) => void },
): void {
  let lastReceived = Date.now();
  let reason: string | null = null;
  const pinger = setInterval(() => {
    if (Date.now() - lastReceived < heartbeat.deadAfterMs) multiplexer.ping();
    else stop('the other side is silent');
  }, heartbeat.pingEveryMs);

  function stop(why: string): void {
    reason ??= why;
    stream.destroy();
  }
  stream.on('data', (chunk) => {
    lastReceived = Date.now();
    if (reason !== null) return;
    try {
      multiplexer.receive(chunk);
    } catch (error) {
      stop(error instanceof Error ? error.message : String(error));
    }
  });
  stream.on('error', (error) => stop(error.message));
  stream.on('close', () => {
    clearInterval(pinger);
    reason ??= 'the stream ended';
    multiplexer.break(new ChannelError('STREAM_ENDED', `The stream to the session ended: ${reason}.`));
    ended(reason);
  });
}
