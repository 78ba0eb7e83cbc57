import { ChannelError } from '#shared/domain/channel.ts';
import type { Multiplexer } from '#shared/domain/multiplexer.ts';

/** What is needed of a Node stream to carry a multiplexer. */
export interface ByteStream {
  on(event: 'data', listener: (chunk: Uint8Array) => void): unknown;
  on(event: 'close', listener: () => void): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
  destroy(): unknown;
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
