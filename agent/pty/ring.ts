const FIRST_CAPACITY = 16 * 1024;

/** The last bytes of an endless output, addressed by their offset from its very beginning. */
export class Ring {
  readonly #limit: number;
  #bytes: Buffer;
  #start = 0;
  #end = 0;

  /** `limit`: how many bytes are kept. Memory is taken only as output comes. */
  constructor(limit: number) {
    this.#limit = limit;
    this.#bytes = Buffer.allocUnsafe(Math.min(FIRST_CAPACITY, limit));
  }

  /** The offset of the oldest byte that is still held. */
  get start(): number {
    return this.#start;
  }

  /** The offset after the newest byte. */
  get end(): number {
    return this.#end;
  }

  /** Adds output; the oldest bytes go when there is no more room. */
  append(chunk: Uint8Array): void {
    this.#makeRoom(chunk.byteLength);
    const capacity = this.#bytes.byteLength;
    const kept = chunk.byteLength > capacity ? chunk.subarray(chunk.byteLength - capacity) : chunk;
    const position = (this.#end + chunk.byteLength - kept.byteLength) % capacity;
    const first = Math.min(kept.byteLength, capacity - position);
    this.#bytes.set(kept.subarray(0, first), position);
    this.#bytes.set(kept.subarray(first), 0);
    this.#end += chunk.byteLength;
    this.#start = Math.max(this.#start, this.#end - capacity);
  }

  /** A copy of the bytes from one offset up to another; both must be held. */
  slice(from: number, to: number): Buffer {
    if (from < this.#start || to > this.#end || from > to) throw new RangeError(`Bytes ${from} to ${to} are not held.`);
    const capacity = this.#bytes.byteLength;
    const position = from % capacity;
    const copy = Buffer.allocUnsafe(to - from);
    const first = Math.min(copy.byteLength, capacity - position);
    copy.set(this.#bytes.subarray(position, position + first), 0);
    copy.set(this.#bytes.subarray(0, copy.byteLength - first), first);
    return copy;
  }

  #makeRoom(bytes: number): void {
    const wanted = Math.min(this.#limit, this.#end - this.#start + bytes);
    if (wanted <= this.#bytes.byteLength) return;
    let capacity = this.#bytes.byteLength;
    while (capacity < wanted) capacity *= 2;
    const held = this.slice(this.#start, this.#end);
    const larger = Buffer.allocUnsafe(Math.min(capacity, this.#limit));
    const position = this.#start % larger.byteLength;
    const first = Math.min(held.byteLength, larger.byteLength - position);
    larger.set(held.subarray(0, first), position);
    larger.set(held.subarray(first), 0);
    this.#bytes = larger;
  }
}
