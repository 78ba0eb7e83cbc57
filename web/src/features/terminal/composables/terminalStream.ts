import type { Attached } from '#shared/contracts/terminal.ts';
import { Acknowledger } from '#shared/domain/terminalFlow.ts';

/** The most bytes of one input message; the contract refuses more. */
const MAX_INPUT_BYTES = 65_536;

/** Marks of a paste for programs that want to know of one. */
const PASTE_BEGINS = new TextEncoder().encode('\u001b[200~');
const PASTE_ENDS = new TextEncoder().encode('\u001b[201~');

/** A piece of output to write to the screen, and the offset after its last byte. */
export interface Piece {
  data: Uint8Array;
  end: number;
}
/** A numbered input. */
export interface NumberedInput {
  seq: number;
  data: Uint8Array<ArrayBuffer>;
}

/** What was typed and not sent. `tail`: what must be sent even if it is taken back, for its paste has begun by then. */
interface WaitingInput {
  data: Uint8Array<ArrayBuffer>;
  tail: Uint8Array<ArrayBuffer> | null;
}

/**
 * The bookkeeping of one terminal's stream, without socket or screen. Output: each byte is written once, in order, and
 * acknowledged after it was written. Input: numbered, remembered until it arrived, sent at most once in effect, and no faster
 * than the program reads: what is beyond the terminal's window waits here.
 */
export class TerminalStream {
  /** The offset after the last byte that was taken; null before the first attach. */
  private received: number | null = null;
  private written = 0;
  private readonly acknowledger: Acknowledger;
  private replayEnd = 0;
  private nextSeq = 1;
  /** Sent, and not known to have been taken: what has arrived waits for the program in the terminal's window. */
  private unconfirmed: NumberedInput[] = [];
  /** Typed, and not sent: without a number yet, so that it can be taken back. */
  private waiting: WaitingInput[] = [];
  /** Bytes that may be sent and not taken; nothing is sent before the first attach. */
  private window = 0;

  /** `acknowledge` is told how far the screen has come. */
  constructor(acknowledge: (offset: number) => void) {
    this.acknowledger = new Acknowledger(acknowledge);
  }

  /** What to attach after; null asks for all that is kept. */
  get attachOffset(): number | null {
    return this.received;
  }
  /** While old output is written, answers of the screen to queries in it must not be typed. */
  get replaying(): boolean {
    return this.written < this.replayEnd;
  }

  /** Bytes of input that wait because the program does not read. */
  get waitingBytes(): number {
    return bytesOf(this.waiting.map(({ data }) => data));
  }

  /** The terminal was joined. Returns whether to clear the screen, and the inputs to send, again or for the first time. */
  attached(answer: Attached): { clear: boolean; resend: NumberedInput[] } {
    const clear = answer.reset || this.received === null;
    if (clear) this.startAt(answer.offset);
    this.replayEnd = answer.end ?? this.replayEnd;
    this.window = answer.inputWindow ?? Number.POSITIVE_INFINITY;
    return { clear, resend: this.arrivedUpTo(answer.lastInputSeq) };
  }

  /** The client fell behind: the next output begins at `offset` on a cleared screen. */
  reset(offset: number): void {
    this.startAt(offset);
  }

  /** After an interruption: the inputs after `lastInputSeq`, to be sent in order; all before have arrived. */
  arrivedUpTo(lastInputSeq: number): NumberedInput[] {
    // An older agent never tells what was taken: of it nothing more is to be heard.
    if (!Number.isFinite(this.window)) this.forget(lastInputSeq);
    this.nextSeq = Math.max(this.nextSeq, lastInputSeq + 1);
    const again = this.unconfirmed.filter(({ seq }) => seq > lastInputSeq);
    return [...again, ...this.sendable()];
  }

  /** The program's terminal has all up to `seq`. Returns the inputs for which there is room now. */
  taken(seq: number): NumberedInput[] {
    this.forget(seq);
    return this.sendable();
  }

  /**
   * Takes output at `offset`. Bytes that came before are cut off; a chunk across the end of the replay is split there,
   * so that muting ends exactly where new output begins. Returns null on a gap: attach again.
   */
  output(offset: number, data: Uint8Array): Piece[] | null {
    const from = this.received ?? offset;
    if (offset > from) return null;
    const fresh = data.subarray(Math.min(data.length, from - offset));
    if (fresh.length === 0) return [];
    const end = from + fresh.length;
    this.received = end;
    if (this.replayEnd <= from || this.replayEnd >= end) return [{ data: fresh, end }];
    const old = this.replayEnd - from;
    return [
      { data: fresh.subarray(0, old), end: this.replayEnd },
      { data: fresh.subarray(old), end },
    ];
  }

  /** The screen has written everything before `end`. */
  wrote(end: number): void {
    this.written = Math.max(this.written, end);
    this.acknowledger.took(end);
  }

  /** Nothing is acknowledged any more. */
  stop(): void {
    this.acknowledger.stop();
  }

  /** Takes what was typed or pasted, cut into messages of a size that is accepted. Returns what may be sent of all that waits. */
  input(data: Uint8Array<ArrayBuffer>): NumberedInput[] {
    for (let start = 0; start < data.length; start += MAX_INPUT_BYTES) {
      const hasBegun = start > 0 && isMarkedPaste(data);
      const tail = hasBegun ? data.subarray(Math.max(start, data.length - PASTE_ENDS.length)) : null;
      this.waiting.push({ data: data.subarray(start, start + MAX_INPUT_BYTES), tail });
    }
    return this.sendable();
  }
  /**
   * Takes back what waits: it was never sent. Returns what is to be sent all the same: the end of a paste that has begun, without
   * which the program would take all that is typed for a part of it.
   */
  discardWaiting(): NumberedInput[] {
    const tail = this.waiting[0]?.tail ?? null;
    this.waiting = [];
    return tail === null ? [] : [this.number(tail)];
  }

  private sendable(): NumberedInput[] {
    const sendable: NumberedInput[] = [];
    if (this.window === 0) return sendable;
    // Without a window, which an older agent has none of, nothing is ever told to be taken.
    let underWay = Number.isFinite(this.window) ? bytesOf(this.unconfirmed.map(({ data }) => data)) : 0;
    for (const { data } of this.waiting) {
      // One at least, or a window smaller than a message would be none.
      if (underWay > 0 && underWay + data.length > this.window) break;
      underWay += data.length;
      sendable.push(this.number(data));
    }
    this.waiting.splice(0, sendable.length);
    return sendable;
  }

  private number(data: Uint8Array<ArrayBuffer>): NumberedInput {
    const numbered = { seq: this.nextSeq, data };
    this.nextSeq += 1;
    this.unconfirmed.push(numbered);
    return numbered;
  }

  private forget(seq: number): void {
    this.unconfirmed = this.unconfirmed.filter((input) => input.seq > seq);
  }

  private startAt(offset: number): void {
    this.received = offset;
    this.written = offset;
    this.acknowledger.startAt(offset);
    this.replayEnd = Math.min(this.replayEnd, offset);
  }
}

function bytesOf(chunks: readonly Uint8Array[]): number {
  return chunks.reduce((sum, { length }) => sum + length, 0);
}

function isMarkedPaste(data: Uint8Array): boolean {
  return (
    PASTE_BEGINS.every((byte, index) => data[index] === byte) &&
    PASTE_ENDS.every((byte, index) => data[data.length - PASTE_ENDS.length + index] === byte)
  );
}
