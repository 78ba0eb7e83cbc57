import { jest } from '@jest/globals';
import { ACK_WITHIN_MS } from '#shared/domain/terminalFlow.ts';
import { TerminalStream } from './terminalStream.ts';

const bytes = (length: number, from = 0) => Uint8Array.from({ length }, (_, index) => (from + index) % 251);
const text = (value: string) => new TextEncoder().encode(value);
const attached = (change: Partial<Parameters<TerminalStream['attached']>[0]> = {}) => ({
  lastInputSeq: 0,
  offset: 0,
  reset: false,
  end: 0,
  ...change,
});
/** Plays chunks through and returns every byte that reached the screen. */
function play(stream: TerminalStream, chunks: [number, Uint8Array][]): number[] {
  const screen: number[] = [];
  for (const [offset, data] of chunks) {
    for (const piece of stream.output(offset, data) ?? []) {
      screen.push(...piece.data);
      stream.wrote(piece.end);
    }
  }
  return screen;
}

describe('output', () => {
  it('reaches the screen once and in order, whatever overlaps after a reconnect', () => {
    const stream = new TerminalStream(() => undefined);
    stream.attached(attached());
    const screen = play(stream, [
      [0, bytes(100)],
      [50, bytes(100, 50)],
      [0, bytes(20)],
      [150, bytes(10, 150)],
    ]);
    expect(screen).toEqual([...bytes(160)]);
    expect(stream.attachOffset).toBe(160);
  });

  it('with a gap is refused, so that the terminal is attached again', () => {
    const stream = new TerminalStream(() => undefined);
    stream.attached(attached());
    stream.output(0, bytes(10));
    expect(stream.output(11, bytes(5))).toBeNull();
    expect(stream.attachOffset).toBe(10);
  });

  it('is asked for from the start at first, then from the last byte', () => {
    const stream = new TerminalStream(() => undefined);
    expect(stream.attachOffset).toBeNull();
    expect(stream.attached(attached({ offset: 500 })).clear).toBe(true);
    stream.output(500, bytes(7));
    expect(stream.attachOffset).toBe(507);
    expect(stream.attached(attached({ offset: 507 })).clear).toBe(false);
  });

  it('starts again on a cleared screen when the ring has wrapped', () => {
    const stream = new TerminalStream(() => undefined);
    stream.attached(attached());
    stream.output(0, bytes(10));
    expect(stream.attached(attached({ offset: 9_000, reset: true })).clear).toBe(true);
    expect(stream.output(9_000, bytes(3))).toEqual([{ data: bytes(3), end: 9_003 }]);
  });
});

describe('replay', () => {
  it('is muted until its last byte is written, and no longer', () => {
    const stream = new TerminalStream(() => undefined);
    stream.attached(attached({ end: 30 }));
    const pieces = stream.output(0, bytes(50)) ?? [];
    expect(pieces.map((piece) => piece.end)).toEqual([30, 50]);
    expect(stream.replaying).toBe(true);
    stream.wrote(30);
    expect(stream.replaying).toBe(false);
  });

  it('of nothing mutes nothing', () => {
    const stream = new TerminalStream(() => undefined);
    stream.attached(attached({ offset: 30, end: 30 }));
    expect(stream.replaying).toBe(false);
  });
});

describe('input', () => {
  it('is numbered from 1 and sent again only if it did not arrive', () => {
    const stream = new TerminalStream(() => undefined);
    stream.attached(attached());
    for (const key of ['a', 'b', 'c']) stream.input(text(key));
    const { resend } = stream.attached(attached({ lastInputSeq: 2 }));
    expect(resend.map(({ seq, data }) => [seq, new TextDecoder().decode(data)])).toEqual([[3, 'c']]);
    expect(stream.attached(attached({ lastInputSeq: 3 })).resend).toEqual([]);
  });

  it('goes on after the last number when the page was loaded again', () => {
    const stream = new TerminalStream(() => undefined);
    stream.attached(attached({ lastInputSeq: 41 }));
    expect(stream.input(text('x'))[0]?.seq).toBe(42);
  });

  const window = 200_000;
  const sizes = (inputs: readonly { seq: number; data: Uint8Array }[]) =>
    inputs.map(({ seq, data }) => [seq, data.length]);

  it('beyond the window waits until the program reads, and then goes on in order without a byte lost', () => {
    const stream = new TerminalStream(() => undefined);
    stream.attached(attached({ inputWindow: window }));
    const pasted = bytes(1_000_000);
    const sent = stream.input(pasted);
    expect(sizes(sent)).toEqual([
      [1, 65_536],
      [2, 65_536],
      [3, 65_536],
    ]);
    expect(stream.waitingBytes).toBe(1_000_000 - 3 * 65_536);
    expect(stream.taken(0)).toEqual([]);
    for (let seq = 1; stream.waitingBytes > 0; seq += 1) sent.push(...stream.taken(seq));
    expect(sent.map(({ seq }) => seq)).toEqual(sent.map((_, index) => index + 1));
    expect(Buffer.concat(sent.map(({ data }) => data)).equals(pasted)).toBe(true);
  });

  it('that waits is taken back whole, and what is typed next takes its number', () => {
    const stream = new TerminalStream(() => undefined);
    stream.attached(attached({ inputWindow: window }));
    stream.input(bytes(500_000));
    stream.discardWaiting();
    expect(stream.waitingBytes).toBe(0);
    expect(sizes(stream.input(text('\u0003')))).toEqual([[4, 1]]);
  });

  it('that is a paste which has begun is ended where it is taken back, or the program would take every key for a part of it', () => {
    const end = '\u001b[201~';
    // Lengths at which the mark of the end lies whole in a message, across two, and in the last one alone.
    for (const [length, upTo] of [
      [400_000, 65_536],
      [7 * 65_536 + 3, 100_000],
      [7 * 65_536 + 3, 65_536],
    ] as const) {
      const stream = new TerminalStream(() => undefined);
      stream.attached(attached({ inputWindow: window }));
      const sent = stream.input(text(`\u001b[200~${'x'.repeat(length - 12)}${end}`));
      while (stream.waitingBytes > upTo) sent.push(...stream.taken(sent.length));
      sent.push(...stream.discardWaiting());
      expect(stream.waitingBytes).toBe(0);
      expect(sent.map(({ seq }) => seq)).toEqual(sent.map((_, index) => index + 1));
      const program = Buffer.concat(sent.map(({ data }) => data)).toString();
      expect(program.indexOf(end)).toBe(program.length - end.length);
      expect(program.length).toBeLessThanOrEqual(length);
    }
  });

  it('that is a paste which has not begun is taken back whole', () => {
    const stream = new TerminalStream(() => undefined);
    stream.attached(attached({ inputWindow: window }));
    stream.input(bytes(300_000));
    stream.taken(0);
    stream.input(text(`\u001b[200~${'x'.repeat(200_000)}\u001b[201~`));
    expect(stream.discardWaiting()).toEqual([]);
  });

  it('goes on after an interruption with what did not arrive, and what there is room for then', () => {
    const stream = new TerminalStream(() => undefined);
    stream.attached(attached({ inputWindow: window }));
    stream.input(bytes(400_000));
    const { resend } = stream.attached(attached({ inputWindow: window, lastInputSeq: 2 }));
    expect(resend.map(({ seq }) => seq)).toEqual([3]);
    expect(stream.taken(2).map(({ seq }) => seq)).toEqual([4, 5]);
  });

  it('that arrived and was not taken keeps its place in the window, however often the connection is lost', () => {
    const stream = new TerminalStream(() => undefined);
    stream.attached(attached({ inputWindow: window }));
    const arrived = stream.input(bytes(1_000_000));
    for (let count = 0; count < 20; count += 1) {
      arrived.push(...stream.attached(attached({ inputWindow: window, lastInputSeq: arrived.length })).resend);
      arrived.push(...stream.arrivedUpTo(arrived.length));
    }
    expect(sizes(arrived)).toHaveLength(3);
    expect(stream.taken(2).map(({ seq }) => seq)).toEqual([4, 5]);
  });

  it('that was typed before the terminal was joined is sent with the joining', () => {
    const stream = new TerminalStream(() => undefined);
    expect(stream.input(text('early'))).toEqual([]);
    const { resend } = stream.attached(attached({ lastInputSeq: 7, inputWindow: window }));
    expect(sizes(resend)).toEqual([[8, 5]]);
  });

  it('is sent at once to a session of an older release, which tells nobody what it took', () => {
    const stream = new TerminalStream(() => undefined);
    stream.attached(attached());
    expect(stream.input(bytes(3_000_000))).toHaveLength(46);
    expect(stream.waitingBytes).toBe(0);
  });

  it('is cut into messages that the contract accepts', () => {
    const stream = new TerminalStream(() => undefined);
    stream.attached(attached());
    const parts = stream.input(bytes(150_000));
    expect(parts.map(({ seq, data }) => [seq, data.length])).toEqual([
      [1, 65_536],
      [2, 65_536],
      [3, 18_928],
    ]);
  });
});

describe('an acknowledgement', () => {
  it('never follows a callback for old output after a reset', () => {
    jest.useFakeTimers();
    const said: number[] = [];
    const stream = new TerminalStream((offset) => said.push(offset));
    stream.attached(attached());
    stream.output(0, bytes(10));
    stream.reset(1_000);
    stream.wrote(10);
    stream.output(1_000, bytes(5));
    stream.wrote(1_005);
    jest.advanceTimersByTime(ACK_WITHIN_MS);
    jest.useRealTimers();
    expect(said).toEqual([1_005]);
  });
});
