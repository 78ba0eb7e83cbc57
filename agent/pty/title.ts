const ESCAPE = 0x1b;
const BELL = 0x07;
const MAX_TITLE_BYTES = 400;
const MAX_TITLE_LENGTH = 200;

/** Finds the titles that programs set (OSC 0 and OSC 2), wherever the output is cut. */
export class TitleParser {
  #state: 'text' | 'escape' | 'command' | 'escape in command' = 'text';
  #bytes: number[] = [];

  /** The last title set in this output, null when there is none. */
  push(output: Uint8Array): string | null {
    let title: string | null = null;
    for (let at = 0; at < output.byteLength; at += 1) {
      if (this.#state === 'text') {
        // Nearly all output is text: byte by byte it would cost as much as all else that the agent does with it.
        at = output.indexOf(ESCAPE, at);
        if (at === -1) break;
      }
      title = this.#take(output[at] ?? 0) ?? title;
    }
    return title;
  }

  #take(byte: number): string | null {
    if (this.#state === 'text') {
      if (byte === ESCAPE) this.#state = 'escape';
    } else if (this.#state === 'escape') {
      this.#state = byte === 0x5d ? 'command' : byte === ESCAPE ? 'escape' : 'text';
      this.#bytes = [];
    } else if (this.#state === 'command') {
      if (byte === BELL) return this.#finish();
      if (byte === ESCAPE) this.#state = 'escape in command';
      else if (this.#bytes.length < MAX_TITLE_BYTES) this.#bytes.push(byte);
      else this.#state = 'text';
    } else {
      this.#state = 'text';
      if (byte === 0x5c) return this.#finish();
    }
    return null;
  }

  #finish(): string | null {
    this.#state = 'text';
    const command = Buffer.from(this.#bytes).toString('utf8');
    const match = /^[02];(.*)$/s.exec(command);
    // Control characters have no place in a tab's name.
    return match === null ? null : [...(match[1] ?? '').replaceAll(/\p{Cc}/gu, '')].slice(0, MAX_TITLE_LENGTH).join('');
  }
}
