import { EventEmitter } from 'node:events';
import { feedMultiplexer } from '#shared/domain/byteStream.ts';
import { encodeFrame } from '#shared/domain/frames.ts';
import { Multiplexer } from '#shared/domain/multiplexer.ts';
import { waitFor } from '#tests/support/waitFor.ts';

/** One end of a wire whose other end is the test. */
class Wire extends EventEmitter {
  written: Uint8Array[] = [];
  destroyed = false;

  destroy(): void {
    if (this.destroyed) return;
    this.destroyed = true;
    this.emit('close');
  }
}

function feed(heartbeat = { pingEveryMs: 10, deadAfterMs: 60 }) {
  const wire = new Wire();
  const reasons: string[] = [];
  const multiplexer = new Multiplexer({
    write: (bytes) => wire.written.push(bytes),
    hello: () => undefined,
  });
  feedMultiplexer(wire, multiplexer, { heartbeat, ended: (reason) => reasons.push(reason) });
  return { wire, multiplexer, reasons };
}

const PONG = encodeFrame({ type: 'pong', channel: 0, payload: new Uint8Array(0) });

describe('a stream', () => {
  it('ends when the other side is silent, and fails every channel', async () => {
    const { wire, multiplexer, reasons } = feed();
    let failure = '';
    multiplexer.open({}, { failed: (error) => (failure = error.code) });
    await waitFor(() => wire.destroyed);
    expect(reasons).toEqual(['the other side is silent']);
    expect(failure).toBe('STREAM_ENDED');
  });

  it('lives as long as the other side answers', async () => {
    const { wire, reasons } = feed();
    const answering = setInterval(() => wire.emit('data', PONG), 10);
    await waitFor(() => wire.written.length > 12);
    expect(reasons).toEqual([]);
    clearInterval(answering);
    wire.destroy();
  });

  it('ends at the first bytes that break the protocol, with the reason', () => {
    const { wire, reasons } = feed();
    wire.emit('data', Uint8Array.of(0xff, 0xff, 0xff, 0xff, 1, 0, 0, 0, 0));
    expect(wire.destroyed).toBe(true);
    expect(reasons[0]).toContain('too long');
  });

  it('tells its end once, with the error of the stream', () => {
    const { wire, reasons } = feed();
    wire.emit('error', new Error('connection reset'));
    wire.destroy();
    expect(reasons).toEqual(['connection reset']);
  });
});
