import type { Attached } from '#shared/contracts/terminal.ts';
import { Acknowledger } from '#shared/domain/terminalFlow.ts';

/** The most bytes of one input message; the contract refuses more. */
const MAX_INPUT_BYTES = 65_536;
/** Inputs that are remembered until it is known that they arrived. Enough for minutes of typing. */
const MAX_UNCONFIRMED = 512;

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

/**
 * The bookkeeping of one terminal's stream, without socket or screen. Output: each byte is written once, in order, and
 * acknowledged after it was written. Input: numbered, remembered until it arrived, sent at most once in effect.
 */
export class TerminalStream {
  /** The offset after the last byte that was taken; null before the first attach. */
  private received: number | null = null;
  private written = 0;
  private readonly acknowledger: Acknowledger;
  private replayEnd = 0;
  private nextSeq = 1;
  private unconfirmed: NumberedInput[] = [];

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

  /** The terminal was joined. Returns whether to clear the screen, and the inputs that never arrived. */
  attached(answer: Attached): { clear: boolean; resend: NumberedInput[] } {
    const clear = answer.reset || this.received === null;
    if (clear) this.startAt(answer.offset);
    this.replayEnd = answer.end ?? this.replayEnd;
    return { clear, resend: this.arrivedUpTo(answer.lastInputSeq) };
  }

  /** The client fell behind: the next output begins at `offset` on a cleared screen. */
  reset(offset: number): void {
    this.startAt(offset);
  }

  /** The inputs after `lastInputSeq`, to be sent again in order; all before have arrived. */
  arrivedUpTo(lastInputSeq: number): NumberedInput[] {
    this.unconfirmed = this.unconfirmed.filter(({ seq }) => seq > lastInputSeq);
    this.nextSeq = Math.max(this.nextSeq, lastInputSeq + 1);
    return [...this.unconfirmed];
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

  /** Numbers what was typed or pasted, cut into messages of a size that is accepted. */
  input(data: Uint8Array<ArrayBuffer>): NumberedInput[] {
    const numbered: NumberedInput[] = [];
    for (let start = 0; start < data.length; start += MAX_INPUT_BYTES) {
      numbered.push({ seq: this.nextSeq, data: data.subarray(start, start + MAX_INPUT_BYTES) });
      this.nextSeq += 1;
    }
    this.unconfirmed = [...this.unconfirmed, ...numbered].slice(-MAX_UNCONFIRMED);
    return numbered;
  }

  private startAt(offset: number): void {
    this.received = offset;
    this.written = offset;
    this.acknowledger.startAt(offset);
    this.replayEnd = Math.min(this.replayEnd, offset);
  }
}
