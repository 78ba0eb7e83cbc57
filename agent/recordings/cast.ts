import { StringDecoder } from 'node:string_decoder';
import type { TerminalSize } from '#shared/contracts/terminal.ts';

/** What a line of an asciicast tells: output, input, a new size, or a mark. */
export type CastCode = 'o' | 'i' | 'r' | 'm';

/** Writes the lines of an asciicast, version 2: https://docs.asciinema.org/manual/asciicast/v2/. */
export class CastLines {
  readonly #startedAt = performance.now();
  /** Reads of a terminal end in the middle of a letter. */
  readonly #output = new StringDecoder('utf8');
  readonly #input = new StringDecoder('utf8');

  /** The first line. `timestamp` in seconds since 1970. */
  header(size: TerminalSize, { title, timestamp }: { title: string; timestamp: number }): string {
    const env = { TERM: 'xterm-256color', SHELL: '/bin/bash' };
    return `${JSON.stringify({ version: 2, width: size.cols, height: size.rows, timestamp, title, env })}\n`;
  }

  /** The line of these bytes of output; empty while they are a part of a letter. */
  output(bytes: Uint8Array): string {
    return this.#line('o', this.#output.write(Buffer.from(bytes)));
  }

  /** The line of these bytes of input; empty while they are a part of a letter. */
  input(bytes: Uint8Array): string {
    return this.#line('i', this.#input.write(Buffer.from(bytes)));
  }

  /** The line of a new size. */
  resize({ cols, rows }: TerminalSize): string {
    return this.#line('r', `${cols}x${rows}`);
  }

  /** The line of a mark, which players show. */
  mark(text: string): string {
    return this.#line('m', text);
  }

  #line(code: CastCode, text: string): string {
    if (text === '') return '';
    return `${JSON.stringify([Number(((performance.now() - this.#startedAt) / 1_000).toFixed(6)), code, text])}\n`;
  }
}
