/** The first and the longest wait for room, in milliseconds. Node tells of no room to write for what is not a stream to it. */
const FIRST_WAIT_MS = 1;
const LONGEST_WAIT_MS = 64;

/** Input on its way into a pseudo-terminal. */
export interface InputQueue {
  /** Writes after all before; `taken` is called once the kernel has it, which a program that does not read puts off without end. */
  write(bytes: Uint8Array, taken: () => void): void;
  /** Lets go of what the kernel has not taken. */
  close(): void;
}

/**
 * Makes the queue of a descriptor that does not block. `write` returns how many bytes the kernel took, and throws as
 * `fs.writeSync`.
 *
 * Node's own stream of a pseudo-terminal is of no use here: libuv cannot open the master a second time, falls back to
 * blocking writes, and stops the whole process until the program reads (uv_tty_init).
 */
export function createInputQueue(write: (bytes: Uint8Array) => number): InputQueue {
  let queue: { bytes: Uint8Array; taken: () => void }[] = [];
  let timer: NodeJS.Timeout | undefined;

  /** Writes what there is room for. True when that was something. */
  function flush(): boolean {
    let progress = false;
    for (let first = queue[0]; first !== undefined; first = queue[0]) {
      const length = tryWrite(first.bytes);
      if (length === 0) return progress;
      progress = true;
      first.bytes = first.bytes.subarray(length);
      if (first.bytes.byteLength > 0) continue;
      queue.shift();
      first.taken();
    }
    return progress;
  }

  function tryWrite(bytes: Uint8Array): number {
    try {
      return write(bytes);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return 0;
      // Nobody is left who could read it; the stream of the output tells the end.
      queue = [];
      return 0;
    }
  }

  function flushLater(wait: number): void {
    if (queue.length === 0) return;
    timer = setTimeout(() => flushLater(flush() ? FIRST_WAIT_MS : Math.min(2 * wait, LONGEST_WAIT_MS)), wait);
  }

  return {
    write(bytes, taken) {
      if (bytes.byteLength === 0) return taken();
      queue.push({ bytes, taken });
      if (queue.length > 1) return;
      flush();
      flushLater(FIRST_WAIT_MS);
    },
    close() {
      clearTimeout(timer);
      queue = [];
    },
  };
}
