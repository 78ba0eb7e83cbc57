import { jest } from '@jest/globals';
import { Reader } from '#agent/pty/reader.ts';
import { Ring } from '#agent/pty/ring.ts';

/** Longer than output waits for more. */
const QUIET_MS = 100;

// With the machine's own clock a busy machine makes quiet moments where there are none.
beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

/** A reader of an empty ring, and what it was sent so far. */
function attached(): { reader: Reader; sent(): string; print(text: string): void; stop(): void } {
  const ring = new Ring(1024);
  let sent = '';
  const reader = new Reader(ring, {
    clientId: 'client-1',
    size: { cols: 80, rows: 24 },
    counts: true,
    offset: 0,
    sink: { output: (bytes) => (sent += Buffer.from(bytes).toString()), tell: () => undefined },
  });
  jest.advanceTimersByTime(QUIET_MS);
  return {
    reader,
    sent: () => sent,
    print: (text) => {
      ring.append(Buffer.from(text));
      reader.advance(false);
    },
    stop: () => reader.stop(),
  };
}

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
