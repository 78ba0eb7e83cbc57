import { RING_BYTES } from '#shared/contracts/agentProtocol.ts';
import type { TerminalSize } from '#shared/contracts/terminal.ts';
import { isTerminalAnswer } from '#shared/domain/terminalAnswer.ts';
import { decideFlow, pinAfterDrop, type Pin } from '#agent/pty/flow.ts';
import type { PtyProcess, PtySpec, PtyStarter } from '#agent/pty/nativePty.ts';
import { Reader, type ReaderSink } from '#agent/pty/reader.ts';
import { Ring } from '#agent/pty/ring.ts';
import { TitleParser } from '#agent/pty/title.ts';
import { Typists } from '#agent/pty/typists.ts';

/** After its program ended a terminal is read for so long; a background job may hold it open for ever. */
const DRAIN_MS = 500;
const ESCAPE = 0x1b;

/** What joining a terminal gives. */
export interface Joined {
  reader: Reader;
  offset: number;
  reset: boolean;
  end: number;
  lastInputSeq: number;
}

/** Who hears of what goes on: output (the end of the program too), and what a person types. */
export interface TerminalHears {
  output(): void;
  typed(): void;
}

/** Somebody who hears everything that goes through a terminal, without holding it back. */
export interface TerminalTap {
  output(bytes: Uint8Array): void;
  /** What a person typed; no answers of screens. */
  input(bytes: Uint8Array): void;
  resized(size: TerminalSize): void;
  /** The terminal has ended, after its last output. */
  ended(): void;
}

/** A shell on a pseudo-terminal that outlives all who look at it. */
export class Terminal {
  readonly id: string;
  name: string;
  title = '';
  running = true;
  exitCode: number | null = null;
  /** The size that its programs see. */
  size: TerminalSize;
  readonly #ring = new Ring(RING_BYTES);
  readonly #process: PtyProcess;
  readonly #titles = new TitleParser();
  readonly #readers = new Set<Reader>();
  readonly #pins = new Map<string, Pin>();
  readonly #taps = new Set<TerminalTap>();
  readonly #typists = new Typists();
  #lastTypist: string | null = null;
  #paused = false;
  #isDrained = false;
  #askAgain: NodeJS.Timeout | null = null;
  #hears: TerminalHears;

  constructor(
    start: PtyStarter,
    options: {
      id: string;
      name: string;
      spec: Pick<PtySpec, 'argv' | 'environment' | 'folder' | 'size'>;
      hears: TerminalHears;
    },
  ) {
    this.id = options.id;
    this.name = options.name;
    this.#hears = options.hears;
    this.size = options.spec.size;
    this.#process = start({
      ...options.spec,
      output: (bytes) => this.#take(bytes),
      exited: (exitCode) => this.#exited(exitCode),
      drained: () => this.#drained(),
    });
  }

  get pid(): number {
    return this.#process.pid;
  }

  /** The offsets that the ring holds. */
  get range(): { start: number; end: number } {
    return { start: this.#ring.start, end: this.#ring.end };
  }

  /** Adds a reader that gets everything after `offset`; what the ring does not hold any more is a reset. */
  join(options: {
    clientId: string;
    offset: number | null;
    size: TerminalSize;
    counts: boolean;
    sink: ReaderSink;
  }): Joined {
    const { start, end } = this.range;
    const wanted = options.offset ?? start;
    const held = wanted >= start && wanted <= end;
    const offset = held ? wanted : start;
    const reader = new Reader(this.#ring, { ...options, offset });
    this.#pins.delete(options.clientId);
    this.#readers.add(reader);
    this.#fit(reader);
    return { reader, offset, reset: !held, end, lastInputSeq: this.#typists.lastSeq(options.clientId) };
  }

  /** Begins to send to a reader that has been told where it starts. */
  begin(reader: Reader): void {
    // It was told of some of it, if at all, on a stream that is gone.
    const taken = this.#typists.takenSeq(reader.clientId);
    if (taken > 0) reader.taken(taken);
    reader.flush();
    if (this.#isDrained && !this.running) reader.exit(this.exitCode);
    this.#decide();
  }

  /** Removes a reader. What it has not taken, and what follows, is pinned when its stream broke while it counted. */
  leave(reader: Reader, { clean }: { clean: boolean }): void {
    if (!this.#readers.delete(reader)) return;
    reader.stop();
    const pin = clean ? null : pinAfterDrop(reader, { end: this.#ring.end, now: performance.now() });
    if (pin !== null && this.running) this.#pins.set(reader.clientId, pin);
    this.#decide();
  }

  /** Lets somebody hear everything from now on, until the returned function is called. */
  tap(tap: TerminalTap): () => void {
    this.#taps.add(tap);
    return () => void this.#taps.delete(tap);
  }

  /** Takes input once: a number at or below the client's last one is a repetition. */
  input(reader: Reader, { seq, bytes }: { seq: number; bytes: Uint8Array }): void {
    if (!this.running) return;
    const taken = this.#typists.accept(reader.clientId, { seq, bytes: bytes.byteLength }, (upTo) => {
      // Not the reader of then: the client may have joined again since.
      for (const present of this.#readers) if (present.clientId === reader.clientId) present.taken(upTo);
    });
    if (taken === null) return;
    if (isAnswer(bytes)) {
      // Every screen answers a query; the program asked one terminal.
      if (reader === this.#answering()) this.#process.input.write(bytes, taken);
      else taken();
      return;
    }
    if (this.#lastTypist !== reader.clientId) {
      this.#lastTypist = reader.clientId;
      this.#resize(reader.size);
    }
    this.#hears.typed();
    for (const tap of this.#taps) tap.input(bytes);
    reader.expectEcho();
    // The bytes are a part of the received chunk, which nobody writes to again.
    this.#process.input.write(bytes, taken);
  }

  /** Takes a reader's size; it counts when that reader typed last, or nobody who typed is here. */
  resize(reader: Reader, size: TerminalSize): void {
    reader.size = size;
    this.#fit(reader);
  }

  /** Takes an acknowledgement. */
  acknowledge(reader: Reader, offset: number): void {
    reader.acknowledge(offset);
    this.#decide();
  }

  /** Takes whether the reader is seen. */
  setCounts(reader: Reader, counts: boolean): void {
    reader.counts = counts;
    if (counts) reader.heardAt = performance.now();
    this.#decide();
  }

  /** Ends the program as closing a terminal window does. */
  hangUp(signal: 'SIGHUP' | 'SIGKILL'): void {
    if (!this.running) return;
    try {
      process.kill(this.pid, signal);
    } catch {
      // It ended in this very moment; its exit is on the way.
    }
  }

  /** The reader whose screen speaks for the terminal: of those that are seen the one that typed last. */
  #answering(): Reader | undefined {
    const readers = [...this.#readers];
    const seen = readers.filter(({ counts }) => counts);
    return seen.find(({ clientId }) => clientId === this.#lastTypist) ?? seen[0] ?? readers[0];
  }

  #fit(reader: Reader): void {
    const typistIsHere = [...this.#readers].some(({ clientId }) => clientId === this.#lastTypist);
    if (!typistIsHere || this.#lastTypist === reader.clientId) this.#resize(reader.size);
  }

  #resize(size: TerminalSize): void {
    this.#process.resize(size);
    if (size.cols === this.size.cols && size.rows === this.size.rows) return;
    this.size = size;
    for (const tap of this.#taps) tap.resized(size);
  }

  #take(bytes: Uint8Array): void {
    const before = this.#ring.end;
    this.#ring.append(bytes);
    for (const tap of this.#taps) tap.output(bytes);
    this.title = this.#titles.push(bytes) ?? this.title;
    this.#hears.output();
    for (const reader of this.#readers) reader.advance(reader.acked >= before);
    this.#decide();
  }

  #decide(): void {
    if (!this.running) return;
    if (this.#askAgain !== null) clearTimeout(this.#askAgain);
    this.#askAgain = null;
    const now = performance.now();
    for (const [clientId, { until }] of this.#pins) if (until <= now) this.#pins.delete(clientId);
    const { read, askAgainAt } = decideFlow(
      { end: this.#ring.end, readers: this.#readers, pins: this.#pins.values() },
      now,
    );
    if (askAgainAt !== null) this.#askAgain = setTimeout(() => this.#decide(), Math.max(1, askAgainAt - now));
    if (read !== this.#paused) return;
    this.#paused = !read;
    if (read) this.#process.resume();
    else this.#process.pause();
  }

  #exited(exitCode: number): void {
    this.exitCode = exitCode;
    this.running = false;
    this.#hears.output();
    // Nobody is held back by output that has ended: what the terminal still holds goes into the ring.
    this.#pins.clear();
    this.#process.resume();
    if (this.#isDrained) this.#tellExit();
    else setTimeout(() => this.#process.destroy(), DRAIN_MS);
  }

  /** The end of the output and the end of the program come in any order. */
  #drained(): void {
    this.#isDrained = true;
    if (this.#askAgain !== null) clearTimeout(this.#askAgain);
    if (!this.running) this.#tellExit();
  }

  #tellExit(): void {
    for (const tap of this.#taps) tap.ended();
    for (const reader of this.#readers) reader.exit(this.exitCode);
  }
}

function isAnswer(bytes: Uint8Array): boolean {
  return bytes[0] === ESCAPE && isTerminalAnswer(Buffer.from(bytes).toString('latin1'));
}
