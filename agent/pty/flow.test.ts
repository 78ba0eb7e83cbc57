import { PIN_MS, RING_BYTES, SILENT_AFTER_MS } from '#shared/contracts/agentProtocol.ts';
import { HIGH_WATER } from '#shared/contracts/terminal.ts';
import { decideFlow, pinAfterDrop, READ_BYTES, type ReaderProgress } from '#agent/pty/flow.ts';

const NOW = 1_000_000;

function reader(changes: Partial<ReaderProgress> = {}): ReaderProgress {
  return { acked: 0, counts: true, heardAt: NOW, ...changes };
}

function decide(end: number, readers: ReaderProgress[], pins: { offset: number; until: number }[] = []) {
  return decideFlow({ end, readers, pins }, NOW);
}

describe('flow control', () => {
  it('lets a program run free while nobody looks', () => {
    expect(decide(10 * RING_BYTES, []).read).toBe(true);
  });

  it('blocks the program when its only reader is a window behind', () => {
    expect(decide(HIGH_WATER - 1, [reader()]).read).toBe(true);
    expect(decide(HIGH_WATER, [reader()]).read).toBe(false);
  });

  it('goes on with the fastest reader, whatever the others do', () => {
    const end = 5 * HIGH_WATER;
    expect(decide(end, [reader(), reader({ acked: end - 10 })]).read).toBe(true);
  });

  it('does not wait for a hidden reader', () => {
    expect(decide(HIGH_WATER, [reader({ counts: false })]).read).toBe(true);
    expect(decide(HIGH_WATER, [reader({ counts: false }), reader()]).read).toBe(false);
  });

  it('does not wait for a reader that was silent for 2 s, and says when that will be', () => {
    const fresh = decide(HIGH_WATER, [reader({ heardAt: NOW - 500 })]);
    expect(fresh).toEqual({ read: false, askAgainAt: NOW - 500 + SILENT_AFTER_MS });
    expect(decide(HIGH_WATER, [reader({ heardAt: NOW - SILENT_AFTER_MS })]).read).toBe(true);
  });

  it('never overwrites a pinned tail before its time is up', () => {
    const pin = { offset: 100, until: NOW + 5_000 };
    const last = 100 + RING_BYTES - READ_BYTES;
    expect(decide(last, [], [pin]).read).toBe(true);
    expect(decide(last + 1, [], [pin])).toEqual({ read: false, askAgainAt: NOW + 5_000 });
    expect(decide(last + 1, [], [{ offset: 100, until: NOW }]).read).toBe(true);
  });

  it('pins what a reader that counted had not acknowledged when it was lost', () => {
    const at = { end: 500, now: NOW };
    expect(pinAfterDrop(reader({ acked: 200 }), at)).toEqual({ offset: 200, until: NOW + PIN_MS });
  });

  it('pins the place of a reader that had taken everything, for what comes while it is away', () => {
    expect(pinAfterDrop(reader({ acked: 500, heardAt: 0 }), { end: 500, now: NOW })).toEqual({
      offset: 500,
      until: NOW + PIN_MS,
    });
  });

  it('pins nothing for a reader that was hidden or silent', () => {
    const at = { end: 500, now: NOW };
    expect(pinAfterDrop(reader({ counts: false }), at)).toBeNull();
    expect(pinAfterDrop(reader({ acked: 500, counts: false }), at)).toBeNull();
    expect(pinAfterDrop(reader({ heardAt: NOW - SILENT_AFTER_MS }), at)).toBeNull();
  });
});
