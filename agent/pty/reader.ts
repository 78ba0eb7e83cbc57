import type { PtyAnswer } from '#shared/contracts/agentProtocol.ts';
import { HIGH_WATER, type TerminalSize } from '#shared/contracts/terminal.ts';
import { DATA_PIECE_BYTES } from '#shared/domain/channel.ts';
import type { ReaderProgress } from '#agent/pty/flow.ts';
import type { Ring } from '#agent/pty/ring.ts';

/** Output that follows closely on other output waits so long for more of it. */
const COALESCE_MS = 8;
/** No longer once so many bytes have come together. */
const COALESCE_BYTES = 16 * 1024;

/** Where a reader's output goes. */
export interface ReaderSink {
  output(bytes: Uint8Array): void;
  tell(answer: PtyAnswer): void;
  /** Whether it knows the answer `taken`. */
  takesInputTaken: boolean;
}

/** One attachment to a terminal: sends what the ring holds, at most a window beyond what was acknowledged. */
export class Reader implements ReaderProgress {
  readonly clientId: string;
  size: TerminalSize;
  counts: boolean;
  acked: number;
  heardAt: number;
  #sent: number;
  #ring: Ring;
  #sink: ReaderSink;
  #lastSent = 0;
  #expectsEcho = false;
  #timer: NodeJS.Timeout | null = null;
  #exit: { code: number | null } | null = null;

  constructor(
    ring: Ring,
    options: { clientId: string; size: TerminalSize; counts: boolean; offset: number; sink: ReaderSink },
  ) {
    this.clientId = options.clientId;
    this.size = options.size;
    this.counts = options.counts;
    this.acked = options.offset;
    this.#sent = options.offset;
    this.heardAt = performance.now();
    this.#ring = ring;
    this.#sink = options.sink;
  }

  /** This reader has typed: what comes next is its echo, which a fast typist must not wait for. */
  expectEcho(): void {
    this.#expectsEcho = true;
  }

  /** Tells of new output: sent at once after a quiet moment or a key, else together with what comes next. */
  advance(owedNothing: boolean): void {
    const now = performance.now();
    if (owedNothing) this.heardAt = now;
    const isQuiet = now - this.#lastSent >= COALESCE_MS;
    if (isQuiet || this.#expectsEcho || this.#ring.end - this.#sent >= COALESCE_BYTES) this.flush();
    else this.#timer ??= setTimeout(() => this.flush(), COALESCE_MS);
    this.#expectsEcho = false;
  }

  /** Takes an acknowledgement. One that lies behind the last, or beyond what was sent, changes nothing. */
  acknowledge(offset: number): void {
    if (offset <= this.acked || offset > this.#sent) return;
    this.acked = offset;
    this.heardAt = performance.now();
    this.flush();
  }

  /** Sends all that the window allows. */
  flush(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (this.#sent < this.#ring.start) this.#reset();
    const limit = Math.min(this.#ring.end, this.acked + HIGH_WATER);
    while (this.#sent < limit) {
      const to = Math.min(limit, this.#sent + DATA_PIECE_BYTES);
      this.#sink.output(this.#ring.slice(this.#sent, to));
      this.#sent = to;
      this.#lastSent = performance.now();
    }
    if (this.#exit !== null && this.#sent === this.#ring.end) {
      this.#sink.tell({ exit: this.#exit.code });
      this.#exit = null;
    }
  }

  /** The program has ended; the reader hears of it after the last byte. */
  exit(code: number | null): void {
    this.#exit = { code };
    this.flush();
  }

  /** The terminal has all of this reader's input up to a number. */
  taken(seq: number): void {
    if (this.#sink.takesInputTaken) this.#sink.tell({ taken: seq });
  }

  /** Stops sending. */
  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  #reset(): void {
    this.#sent = this.#ring.start;
    this.acked = this.#ring.start;
    this.#sink.tell({ reset: this.#ring.start });
  }
}
