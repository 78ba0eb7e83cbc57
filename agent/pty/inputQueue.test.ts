import { jest } from '@jest/globals';
import { createInputQueue } from '#agent/pty/inputQueue.ts';

/** A terminal of the kernel: takes as many bytes as there is room for. */
function kernel() {
  let room = 0;
  let text = '';
  let tries = 0;
  let broken = false;
  return {
    text: () => text,
    tries: () => tries,
    makeRoom: (bytes: number) => (room = bytes),
    breakDown: () => (broken = true),
    write(bytes: Uint8Array): number {
      tries += 1;
      if (broken) throw Object.assign(new Error('write EIO'), { code: 'EIO' });
      if (room === 0) throw Object.assign(new Error('write EAGAIN'), { code: 'EAGAIN' });
      const taken = bytes.subarray(0, room);
      room -= taken.byteLength;
      text += Buffer.from(taken).toString();
      return taken.byteLength;
    },
  };
}

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

describe('input for a pseudo-terminal', () => {
  it('is written at once where there is room, and told to be taken', () => {
    const terminal = kernel();
    const queue = createInputQueue(terminal.write);
    const taken = jest.fn();
    terminal.makeRoom(10);
    queue.write(Buffer.from('key'), taken);
    queue.write(Buffer.alloc(0), taken);
    expect(terminal.text()).toBe('key');
    expect(taken).toHaveBeenCalledTimes(2);
  });

  it('waits for room, in order and byte for byte, and is told to be taken with its last byte', () => {
    const terminal = kernel();
    const queue = createInputQueue(terminal.write);
    const taken: string[] = [];
    for (const word of ['first ', 'second ', 'third']) queue.write(Buffer.from(word), () => taken.push(word));
    terminal.makeRoom(8);
    jest.advanceTimersByTime(100);
    expect(terminal.text()).toBe('first se');
    expect(taken).toEqual(['first ']);
    terminal.makeRoom(100);
    jest.advanceTimersByTime(100);
    expect(terminal.text()).toBe('first second third');
    expect(taken).toEqual(['first ', 'second ', 'third']);
  });

  it('looks for room ever more rarely while a program does not read', () => {
    const terminal = kernel();
    const queue = createInputQueue(terminal.write);
    queue.write(Buffer.from('x'), () => undefined);
    jest.advanceTimersByTime(10_000);
    expect(terminal.tries()).toBeLessThan(200);
    queue.close();
    jest.advanceTimersByTime(10_000);
    expect(terminal.tries()).toBeLessThan(200);
  });

  it('is let go of when nobody can read it any more', () => {
    const terminal = kernel();
    const queue = createInputQueue(terminal.write);
    const taken = jest.fn();
    queue.write(Buffer.from('lost'), taken);
    terminal.breakDown();
    jest.advanceTimersByTime(1_000);
    expect(jest.getTimerCount()).toBe(0);
    expect(taken).not.toHaveBeenCalled();
  });
});
