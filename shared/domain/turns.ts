/** Lets so many pieces of work be done at once; the others wait for their turn, in the order in which they came. */
export class Turns {
  #free: number;
  readonly #waiting: Array<() => void> = [];

  constructor(atOnce: number) {
    this.#free = atOnce;
  }

  /** How many pieces of work wait for their turn. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** Does the work once it is its turn. Rejects with the signal's reason when that aborts before. */
  async take<T>(signal: AbortSignal, work: () => T | Promise<T>): Promise<T> {
    await this.#begin(signal);
    try {
      return await work();
    } finally {
      this.#end();
    }
  }

  async #begin(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#free > 0) {
      this.#free -= 1;
      return;
    }
    await new Promise<void>((resolve, reject) => {
      const leave = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(begin), 1);
        reject(signal.reason as Error);
      };
      const begin = (): void => {
        signal.removeEventListener('abort', leave);
        resolve();
      };
      signal.addEventListener('abort', leave, { once: true });
      this.#waiting.push(begin);
    });
  }

  #end(): void {
    const next = this.#waiting.shift();
    if (next) next();
    else this.#free += 1;
  }
}
