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

  it('is cut into messages that the contract accepts', () => {
    const stream = new TerminalStream(() => undefined);
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
