const FIRST_CAPACITY = 16 * 1024;

/** The first bytes of an output, up to a limit. What comes beyond is counted and dropped, so its writer never waits. */
export class Capture {
  readonly #limit: number;
  #bytes: Buffer;
  #kept = 0;
  #total = 0;

  /** `limit`: how many bytes are kept. Memory is taken only as output comes. */
  constructor(limit: number) {
    this.#limit = limit;
    this.#bytes = Buffer.allocUnsafe(Math.min(FIRST_CAPACITY, limit));
  }

  /** Bytes that are held, from the first one on. */
  get kept(): number {
    return this.#kept;
  }

  /** Bytes that came, held or not. */
  get total(): number {
    return this.#total;
  }

  /** Takes output. True when some of it is held. */
  append(chunk: Uint8Array): boolean {
    this.#total += chunk.byteLength;
    const room = this.#limit - this.#kept;
    if (room === 0) return false;
    const held = chunk.subarray(0, room);
    this.#makeRoom(this.#kept + held.byteLength);
    this.#bytes.set(held, this.#kept);
    this.#kept += held.byteLength;
    return true;
  }

  /** A copy of the held bytes from one offset up to another. */
  slice(from: number, to: number): Buffer {
    return Buffer.from(this.#bytes.subarray(from, Math.min(to, this.#kept)));
  }

  #makeRoom(wanted: number): void {
    let capacity = this.#bytes.byteLength;
    if (wanted <= capacity) return;
    while (capacity < wanted) capacity *= 2;
    const larger = Buffer.allocUnsafe(Math.min(capacity, this.#limit));
    larger.set(this.#bytes.subarray(0, this.#kept));
    this.#bytes = larger;
  }
}
