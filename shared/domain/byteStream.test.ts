import { EventEmitter } from 'node:events';
import { Writable } from 'node:stream';
import { feedMultiplexer, writeTogether } from '#shared/domain/byteStream.ts';
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

describe('writing together', () => {
  /** A stream that notes what reaches its other end, one entry for each chunk or group of chunks. */
  function noting(): { stream: Writable; groups: number[][] } {
    const groups: number[][] = [];
    const stream = new Writable({
      highWaterMark: 1024 * 1024,
      write: (chunk: Buffer, _encoding, done) => {
        groups.push([chunk.byteLength]);
        done();
      },
      writev: (chunks, done) => {
        groups.push(chunks.map(({ chunk }) => (chunk as Buffer).byteLength));
        done();
      },
    });
    return { stream, groups };
  }

  it('sends what was written in one turn as one piece, in order, and nothing later than that turn', async () => {
    const { stream, groups } = noting();
    const write = writeTogether(stream, process.nextTick);
    for (const length of [1, 2, 3]) write(new Uint8Array(length));
    await Promise.resolve();
    await new Promise((resolve) => process.nextTick(resolve));
    write(new Uint8Array(4));
    await new Promise((resolve) => process.nextTick(resolve));
    expect(groups).toEqual([[1, 2, 3], [4]]);
  });

  it('makes one write of what lies one behind the other in memory, and of nothing else', async () => {
    const { stream, groups } = noting();
    const write = writeTogether(stream, process.nextTick);
    const memory = new Uint8Array(100);
    write(memory.subarray(0, 10));
    write(memory.subarray(10, 30));
    write(memory.subarray(40, 50));
    write(new Uint8Array(5));
    await new Promise((resolve) => process.nextTick(resolve));
    expect(groups).toEqual([[30, 10, 5]]);
  });

  it('does not hold back a long turn: at 64 KiB the other side gets its first piece', () => {
    const { stream, groups } = noting();
    const write = writeTogether(stream, process.nextTick);
    for (let count = 0; count < 5; count += 1) write(new Uint8Array(20 * 1024));
    expect(groups).toEqual([[20_480, 20_480, 20_480, 20_480]]);
  });
});
