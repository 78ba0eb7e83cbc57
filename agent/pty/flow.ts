import { PIN_MS, RING_BYTES, SILENT_AFTER_MS } from '#shared/contracts/agentProtocol.ts';
import { HIGH_WATER } from '#shared/contracts/terminal.ts';

/** The most that one read of a pseudo-terminal brings. */
export const READ_BYTES = 64 * 1024;

/** How far a reader is, in offsets of the output; times are milliseconds of one clock. */
export interface ReaderProgress {
  acked: number;
  /** What the reader says: a hidden page counts for nothing. */
  counts: boolean;
  /** When it last acknowledged, or when it began to owe something, whichever is later. */
  heardAt: number;
}

/** Where a lost reader stood: what follows is kept for it. */
export interface Pin {
  offset: number;
  until: number;
}

/** Whether to take more of the program's output, and when to ask again if nothing happens before. */
export interface FlowDecision {
  read: boolean;
  askAgainAt: number | null;
}

/** True when the reader holds the program back or lets it go on: it is seen, and it answers. */
function isCounting(reader: ReaderProgress, { end, now }: { end: number; now: number }): boolean {
  return reader.counts && (reader.acked >= end || now - reader.heardAt < SILENT_AFTER_MS);
}

/**
 * The fastest counting reader drives: while one of them is within its window, the program goes on; when all are beyond,
 * it blocks as on a real terminal. Without any it runs free. A pinned tail is never overwritten before its time is up.
 */
export function decideFlow(
  state: { end: number; readers: Iterable<ReaderProgress>; pins: Iterable<Pin> },
  now: number,
): FlowDecision {
  const { end } = state;
  const pins = [...state.pins].filter(({ until }) => until > now);
  const blocking = pins.filter(({ offset }) => end + READ_BYTES - offset > RING_BYTES);
  if (blocking.length > 0) return { read: false, askAgainAt: Math.min(...blocking.map(({ until }) => until)) };
  const counting = [...state.readers].filter((reader) => isCounting(reader, { end, now }));
  if (counting.length === 0 || counting.some(({ acked }) => end - acked < HIGH_WATER)) {
    return { read: true, askAgainAt: null };
  }
  return { read: false, askAgainAt: Math.max(...counting.map(({ heardAt }) => heardAt)) + SILENT_AFTER_MS };
}

/**
 * The pin that a reader leaves behind when its stream breaks; null when it did not count. One that had taken everything
 * leaves its place: what is printed while it is away is as good as what was under way.
 */
export function pinAfterDrop(reader: ReaderProgress, { end, now }: { end: number; now: number }): Pin | null {
  return isCounting(reader, { end, now }) ? { offset: reader.acked, until: now + PIN_MS } : null;
}
