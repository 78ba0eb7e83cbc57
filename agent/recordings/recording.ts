import { write } from 'node:fs';
import { promisify } from 'node:util';
import type { RecordingEnd } from '#shared/domain/recording.ts';
import type { TerminalSize } from '#shared/contracts/terminal.ts';
import type { TerminalTap } from '#agent/pty/terminal.ts';
import { CastLines } from '#agent/recordings/cast.ts';
import { reportFailure } from '#agent/report.ts';

const writeTo = promisify(write);
/** Kept free for the mark that says why a recording was cut off. */
const MARK_BYTES = 200;

const CUT_OFF: Partial<Record<RecordingEnd, string>> = {
  'size-limit': 'The recording was cut off here: it reached its limit of size.',
  'time-limit': 'The recording was cut off here: it reached its limit of time.',
  'session-closed': 'The recording ended here: the session was closed.',
};

/** What a recording may grow to. */
export interface RecordingLimits {
  maxBytes: number;
  maxSeconds: number;
  withInput: boolean;
}

/** Writes what a terminal shows to an open file, until it is ended or reaches a limit. */
export class Recording implements TerminalTap {
  bytes = 0;
  end: RecordingEnd | null = null;
  readonly #file: number;
  readonly #limits: RecordingLimits;
  readonly #lines = new CastLines();
  readonly #timer: NodeJS.Timeout;
  #pending: string[] = [];
  #writing: Promise<void> | null = null;

  constructor(file: number, start: RecordingLimits & { size: TerminalSize; title: string }) {
    this.#file = file;
    this.#limits = start;
    this.#add(this.#lines.header(start.size, { title: start.title, timestamp: Math.floor(Date.now() / 1_000) }));
    this.#timer = setTimeout(() => void this.finish('time-limit'), start.maxSeconds * 1_000);
  }

  output(bytes: Uint8Array): void {
    this.#add(this.#lines.output(bytes));
  }

  input(bytes: Uint8Array): void {
    if (this.#limits.withInput) this.#add(this.#lines.input(bytes));
  }

  resized(size: TerminalSize): void {
    this.#add(this.#lines.resize(size));
  }

  ended(): void {
    void this.finish('terminal-ended');
  }

  /** Ends it; the first reason stays. Resolves once everything is in the file. */
  async finish(reason: RecordingEnd): Promise<void> {
    if (this.end === null) {
      this.end = reason;
      clearTimeout(this.#timer);
      const words = CUT_OFF[reason];
      if (words !== undefined) this.#write(this.#lines.mark(words));
    }
    await this.#writing;
  }

  #add(line: string): void {
    if (line === '' || this.end !== null) return;
    if (this.bytes + Buffer.byteLength(line) + MARK_BYTES > this.#limits.maxBytes) void this.finish('size-limit');
    else this.#write(line);
  }

  #write(line: string): void {
    this.bytes += Buffer.byteLength(line);
    this.#pending.push(line);
    this.#writing ??= this.#writeAll().finally(() => (this.#writing = null));
  }

  async #writeAll(): Promise<void> {
    while (this.#pending.length > 0) {
      const bytes = Buffer.from(this.#pending.splice(0).join(''));
      try {
        for (let done = 0; done < bytes.byteLength;) done += (await writeTo(this.#file, bytes, done)).bytesWritten;
      } catch (error) {
        // A full volume, as a rule: what is in the file stays, and its last line may be a part of one.
        reportFailure(error);
        this.#pending = [];
        this.end = 'write-failed';
        clearTimeout(this.#timer);
      }
    }
  }
}
