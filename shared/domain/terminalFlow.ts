/** Bytes that a client may have unacknowledged before the api stops taking from its terminal. */
export const HIGH_WATER = 128 * 1024;
/** A client acknowledges at least every so many bytes; must stay far below HIGH_WATER or the terminal stops and starts. */
export const ACK_EVERY = 16 * 1024;
/** Whatever less it owes a client acknowledges within so long; must stay far below the time after which it counts as silent. */
export const ACK_WITHIN_MS = 50;

/**
 * Bytes of input that a client may have under way to a program that does not read; what more was typed or pasted waits with the
 * client. The agent holds so much for each.
 */
export const INPUT_WINDOW = 256 * 1024;
/** The agent tells a client how much of its input was taken every so many bytes; must stay far below INPUT_WINDOW. */
export const INPUT_TAKEN_EVERY = 32 * 1024;

/**
 * Tells the other side how much of a terminal's output was taken: at once after ACK_EVERY bytes, else within ACK_WITHIN_MS.
 * An acknowledgement of every echo would stand before the next key on each hop of its way.
 */
export class Acknowledger {
  #tell: (offset: number) => void;
  #told = 0;
  #taken = 0;
  #timer: ReturnType<typeof setTimeout> | null = null;

  constructor(tell: (offset: number) => void) {
    this.#tell = tell;
  }

  /** The output goes on at this offset: nothing before it is owed any more. */
  startAt(offset: number): void {
    this.stop();
    this.#told = offset;
    this.#taken = offset;
  }

  /** Everything before `offset` was taken. An offset that lies behind changes nothing. */
  took(offset: number): void {
    if (offset <= this.#taken) return;
    this.#taken = offset;
    if (offset - this.#told >= ACK_EVERY) this.#settle();
    else this.#timer ??= setTimeout(() => this.#settle(), ACK_WITHIN_MS);
  }

  /** Tells no more of what was taken so far. */
  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #settle(): void {
    this.stop();
    this.#told = this.#taken;
    this.#tell(this.#taken);
  }
}
