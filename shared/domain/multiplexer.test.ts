import fc from 'fast-check';
import { CHANNEL_WINDOW_BYTES, ChannelError, type Channel, type ChannelReceiver } from '#shared/domain/channel.ts';
import { FrameQueue, type Part } from '#shared/domain/frameQueue.ts';
import { encodeFrame, FrameDecoder, ProtocolError, type Frame } from '#shared/domain/frames.ts';
import { Multiplexer } from '#shared/domain/multiplexer.ts';

/** Two ends joined by a wire that delivers in the next microtask, as a socket would. */
function pair(opened: (channel: Channel, request: unknown) => ChannelReceiver) {
  const caller: Multiplexer = new Multiplexer({
    write: (bytes) => queueMicrotask(() => answerer.receive(bytes)),
    hello: () => undefined,
  });
  const answerer: Multiplexer = new Multiplexer({
    write: (bytes) => queueMicrotask(() => caller.receive(bytes)),
    hello: () => undefined,
    opened,
  });
  return { caller, answerer };
}

function queueOn(channel: Channel, queue = new FrameQueue()): FrameQueue {
  queue.attach(channel);
  return queue;
}

async function collect(parts: AsyncIterable<Part>): Promise<Part[]> {
  const all: Part[] = [];
  for await (const part of parts) all.push(part);
  return all;
}

describe('a channel', () => {
  it('carries messages and data in their order, both ways', async () => {
    const { caller } = pair((channel) => {
      const incoming = queueOn(channel);
      void (async () => {
        for await (const part of incoming) {
          if ('message' in part) await channel.send({ echo: part.message });
          else await channel.sendData(part.data);
        }
        channel.end();
      })();
      return incoming;
    });
    const answers = new FrameQueue();
    const channel = caller.open({ kind: 'echo' }, answers);
    answers.attach(channel);
    await channel.send('one');
    await channel.sendData(Uint8Array.of(1, 2));
    await channel.send('two');
    channel.end();
    const parts = await collect(answers);
    expect(parts.map((part) => ('message' in part ? part.message : [...part.data]))).toEqual([
      { echo: 'one' },
      [1, 2],
      { echo: 'two' },
    ]);
  });

  it('stops a sender whose receiver takes nothing after 256 KiB, and no other channel', async () => {
    const queues: FrameQueue[] = [];
    const { caller } = pair((channel) => {
      const queue = queueOn(channel);
      queues.push(queue);
      return queue;
    });
    let sent = 0;
    const slow = caller.open({ kind: 'slow' }, { failed: () => undefined });
    void (async () => {
      for (; sent < 100; sent += 1) await slow.sendData(new Uint8Array(32 * 1024));
    })();
    const quick = caller.open({ kind: 'quick' }, { failed: () => undefined });
    await quick.send('passes');
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(sent * 32 * 1024).toBe(CHANNEL_WINDOW_BYTES);
    const first = await queues[1]?.[Symbol.asyncIterator]().next();
    expect(first?.value).toEqual({ message: 'passes' });

    // Once it takes, everything arrives.
    let received = 0;
    for await (const part of queues[0] ?? []) {
      received += 'data' in part ? part.data.byteLength : 0;
      if (received === 100 * 32 * 1024) break;
    }
    expect(sent).toBe(100);
  });

  it('never loses or reorders a byte, whatever the sizes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 90_000 }), { maxLength: 12 }), async (sizes) => {
        let got: Promise<Part[]> = Promise.resolve([]);
        const { caller } = pair((channel) => {
          const queue = queueOn(channel);
          got = collect(queue);
          return queue;
        });
        const channel = caller.open({}, { failed: () => undefined });
        const blocks = sizes.map((size, index) => new Uint8Array(size).map((_, at) => (at * 31 + index) & 0xff));
        for (const block of blocks) await channel.sendData(block);
        channel.end();
        await new Promise((resolve) => setTimeout(resolve, 0));
        const parts = await got;
        const received = Buffer.concat(parts.map((part) => ('data' in part ? part.data : new Uint8Array(0))));
        expect(received.equals(Buffer.concat(blocks))).toBe(true);
      }),
      { numRuns: 40 },
    );
  });

  it('fails on both sides with code and sentence', async () => {
    const { caller } = pair((channel) => {
      channel.fail('TERMINAL_NOT_FOUND', 'It has ended.');
      return { failed: () => undefined };
    });
    const answers = new FrameQueue();
    caller.open({ kind: 'pty' }, answers);
    await expect(collect(answers)).rejects.toMatchObject({ code: 'TERMINAL_NOT_FOUND', message: 'It has ended.' });
  });

  it('wakes a waiting sender with the reason when the stream breaks', async () => {
    const { caller } = pair((channel) => queueOn(channel));
    const channel = caller.open({}, { failed: () => undefined });
    const sending = channel.sendData(new Uint8Array(2 * CHANNEL_WINDOW_BYTES));
    setTimeout(() => caller.break(new ChannelError('STREAM_ENDED', 'gone')), 5);
    await expect(sending).rejects.toMatchObject({ code: 'STREAM_ENDED' });
    expect(() => caller.open({}, { failed: () => undefined })).toThrow('gone');
  });
});

describe('credit', () => {
  it('goes back in quarters of the window, not part by part', async () => {
    const frames: Frame[] = [];
    const answerer = new Multiplexer({
      write: (bytes) => frames.push(...new FrameDecoder().push(bytes)),
      hello: () => undefined,
      opened: (channel) => queueOn(channel, taken),
    });
    const taken = new FrameQueue();
    answerer.receive(encodeFrame({ type: 'open', channel: 1, payload: new TextEncoder().encode('{}') }));
    const piece = encodeFrame({ type: 'data', channel: 1, payload: new Uint8Array(1_024) });
    const quarter = CHANNEL_WINDOW_BYTES / 4;
    for (let sent = 0; sent < 2.5 * quarter; sent += 1_024) answerer.receive(piece);
    let used = 0;
    for await (const part of taken) {
      used += 'data' in part ? part.data.byteLength : 0;
      if (used === 2.5 * quarter) break;
    }
    const credits = frames.filter(({ type }) => type === 'credit');
    expect(credits.map(({ payload }) => Buffer.from(payload).readUInt32BE())).toEqual([quarter, quarter]);
  });
});

describe('a stream', () => {
  it('refuses a peer that sends far beyond its credit', () => {
    const multiplexer = new Multiplexer({
      write: () => undefined,
      hello: () => undefined,
      opened: () => ({ failed: () => undefined }),
    });
    const encoder = new TextEncoder();
    multiplexer.receive(encodeFrame({ type: 'open', channel: 1, payload: encoder.encode('{}') }));
    const data = encodeFrame({ type: 'data', channel: 1, payload: new Uint8Array(256 * 1024) });
    expect(() => {
      for (let count = 0; count < 4; count += 1) multiplexer.receive(data);
    }).toThrow('more under way');
  });

  it('refuses a channel number that was used before, and requests where none are taken', () => {
    const open = encodeFrame({ type: 'open', channel: 1, payload: new TextEncoder().encode('{}') });
    const taking = new Multiplexer({
      write: () => undefined,
      hello: () => undefined,
      opened: () => ({ failed: () => undefined }),
    });
    taking.receive(open);
    expect(() => taking.receive(open)).toThrow('used before');
    const refusing = new Multiplexer({ write: () => undefined, hello: () => undefined });
    expect(() => refusing.receive(open)).toThrow(ProtocolError);
  });
});
