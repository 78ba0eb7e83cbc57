/** After this long without output the next byte is sent at once; within it, output is gathered. */
export const GATHER_MS = 8;
/** So much gathered output is sent without waiting. */
export const GATHER_BYTES = 16 * 1_024;

/** Gathers a terminal's output: a keystroke's echo goes out at once, a flood in few large pieces. */
export interface OutputBatcher {
  push(offset: number, data: Uint8Array): void;
  /** Sends what is gathered now. */
  flush(): void;
  /** Forgets what is gathered and stops. */
  close(): void;
}

/** Makes a batcher. Pieces that are gathered are contiguous; a jump of the offset sends what came before it. */
export function createOutputBatcher(send: (offset: number, data: Uint8Array) => void): OutputBatcher {
  let pieces: Uint8Array[] = [];
  let bytes = 0;
  let start = 0;
  let timer: NodeJS.Timeout | undefined;

  function flush(): void {
    if (bytes === 0) return;
    const data = pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces, bytes);
    pieces = [];
    bytes = 0;
    send(start, data);
  }

  function gatherOn(): void {
    timer = setTimeout(() => {
      timer = undefined;
      if (bytes === 0) return;
      flush();
      gatherOn();
    }, GATHER_MS);
  }

  return {
    push(offset, data) {
      if (data.byteLength === 0) return;
      if (bytes > 0 && offset !== start + bytes) flush();
      if (bytes === 0) start = offset;
      pieces.push(data);
      bytes += data.byteLength;
      if (timer === undefined) {
        flush();
        gatherOn();
      } else if (bytes >= GATHER_BYTES) flush();
    },
    flush,
    close() {
      clearTimeout(timer);
      timer = undefined;
      pieces = [];
      bytes = 0;
    },
  };
}
