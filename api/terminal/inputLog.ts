import { INPUT_WINDOW } from '#shared/domain/terminalFlow.ts';

/** Input that is remembered until the agent is known to have it; beyond it the oldest is forgotten. A page goes a little beyond the window. */
const REMEMBERED_BYTES = 2 * INPUT_WINDOW;

/** One numbered piece of input. */
export interface NumberedInput {
  seq: number;
  data: Uint8Array;
}

/**
 * Remembers a client's recent input over an interruption: what the terminal did not get is sent again under its number,
 * so that nothing is typed twice and nothing that was typed meanwhile is lost.
 */
export interface InputLog {
  /** Adds input; false when its number was seen before. */
  add(input: NumberedInput): boolean;
  /** What the terminal lacks, given the last number that reached it. */
  after(seq: number): NumberedInput[];
}

/** Makes the memory of one client whose last number that reached the terminal is known. */
export function createInputLog(lastSeq: number): InputLog {
  let last = lastSeq;
  let bytes = 0;
  let remembered: NumberedInput[] = [];
  return {
    add(input) {
      if (input.seq <= last) return false;
      last = input.seq;
      remembered.push(input);
      bytes += input.data.byteLength;
      while (bytes > REMEMBERED_BYTES && remembered.length > 1) bytes -= remembered.shift()!.data.byteLength;
      return true;
    },
    after(seq) {
      remembered = remembered.filter((input) => input.seq > seq);
      bytes = remembered.reduce((sum, input) => sum + input.data.byteLength, 0);
      return remembered;
    },
  };
}
