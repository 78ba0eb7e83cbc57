import { jest } from '@jest/globals';
import { Reader } from '#agent/pty/reader.ts';
import { Ring } from '#agent/pty/ring.ts';

/** Longer than output waits for more. */
const QUIET_MS = 100;

// With the machine's own clock a busy machine makes quiet moments where there are none.
beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

/** A reader of an empty ring, and what it was sent so far. */
function attached(takesInputTaken = true) {
  const ring = new Ring(1024);
  const told: unknown[] = [];
  let sent = '';
  const reader = new Reader(ring, {
    clientId: 'client-1',
    size: { cols: 80, rows: 24 },
    counts: true,
    offset: 0,
    sink: {
      output: (bytes) => (sent += Buffer.from(bytes).toString()),
      tell: (answer) => void told.push(answer),
      takesInputTaken,
    },
  });
  jest.advanceTimersByTime(QUIET_MS);
  return {
    reader,
    told,
    sent: () => sent,
    print: (text: string) => {
      ring.append(Buffer.from(text));
      reader.advance(false);
    },
    stop: () => reader.stop(),
  };
}

describe('what was taken of the input', () => {
  it('is told to whoever knows the word, and to nobody of an older release', () => {
    const [newer, older] = [attached(), attached(false)];
    for (const { reader } of [newer, older]) reader.taken(7);
    expect(newer.told).toEqual([{ taken: 7 }]);
    expect(older.told).toEqual([]);
  });
});

describe('output', () => {
  it('is sent at once after a quiet moment, and what follows closely waits for more', () => {
    const { sent, print, stop } = attached();
    print('a');
    expect(sent()).toBe('a');
    print('b');
    expect(sent()).toBe('a');
    jest.advanceTimersByTime(QUIET_MS);
    expect(sent()).toBe('ab');
    stop();
  });

  it('is sent at once when it follows a key, once', () => {
    const { reader, sent, print, stop } = attached();
    print('a');
    reader.expectEcho();
    print('b');
    expect(sent()).toBe('ab');
    print('c');
    expect(sent()).toBe('ab');
    stop();
  });
});
