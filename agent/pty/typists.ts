import { INPUT_TAKEN_EVERY, INPUT_WINDOW } from '#shared/domain/terminalFlow.ts';

/** Clients whose last input number is remembered. */
const MAX_CLIENTS = 256;
/** A client is told of single keys after so many. */
const TAKEN_EVERY_INPUTS = 256;
/**
 * What is held of one client's input, in bytes. A client that knows the window stays far below; what an older one sends beyond is
 * lost, as on a real terminal whose program does not read.
 */
const MAX_UNTAKEN = 4 * INPUT_WINDOW;

interface Typist {
  lastSeq: number;
  /** All up to this number was taken. */
  takenSeq: number;
  /** Bytes that were accepted and that the program's terminal has not taken. */
  untaken: number;
  /** What was taken since the client was told, in bytes and in inputs. */
  owed: { bytes: number; inputs: number };
}

/** Who has typed into a terminal: each input is accepted once, and its client hears when there is room for more. */
export class Typists {
  readonly #typists = new Map<string, Typist>();

  /** The last number that was accepted of a client; 0 for one that never typed. */
  lastSeq(clientId: string): number {
    return this.#typists.get(clientId)?.lastSeq ?? 0;
  }

  /** The number up to which all of a client's input was taken; 0 while none was. */
  takenSeq(clientId: string): number {
    return this.#typists.get(clientId)?.takenSeq ?? 0;
  }

  /**
   * Accepts an input. Returns what to call when it was taken, or null where it is a repetition or too much. `tell` is called with
   * the number up to which all was taken, at times.
   */
  accept(
    clientId: string,
    { seq, bytes }: { seq: number; bytes: number },
    tell: (seq: number) => void,
  ): (() => void) | null {
    const typist = this.#typists.get(clientId) ?? newTypist();
    if (seq <= typist.lastSeq || typist.untaken > MAX_UNTAKEN) return null;
    typist.lastSeq = seq;
    typist.untaken += bytes;
    this.#remember(clientId, typist);
    return () => {
      typist.takenSeq = seq;
      typist.untaken -= bytes;
      typist.owed.bytes += bytes;
      typist.owed.inputs += 1;
      if (typist.owed.bytes < INPUT_TAKEN_EVERY && typist.owed.inputs < TAKEN_EVERY_INPUTS) return;
      typist.owed = { bytes: 0, inputs: 0 };
      tell(seq);
    };
  }

  #remember(clientId: string, typist: Typist): void {
    this.#typists.delete(clientId);
    this.#typists.set(clientId, typist);
    const oldest = this.#typists.keys().next().value;
    if (this.#typists.size > MAX_CLIENTS && oldest !== undefined) this.#typists.delete(oldest);
  }
}

function newTypist(): Typist {
  return { lastSeq: 0, takenSeq: 0, untaken: 0, owed: { bytes: 0, inputs: 0 } };
}
