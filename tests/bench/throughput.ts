import { isPrompt } from '#tests/bench/ground.ts';
import type { TerminalClient } from '#tests/support/terminalClient.ts';

/** How much is printed. */
export const PRINTED_BYTES = 50 * 1024 * 1024;
/** Prints nothing but what a terminal makes of it: no ends of lines that it would translate. */
export const PRINT = `head -c ${PRINTED_BYTES} /dev/zero | tr '\\0' x`;
/** Until the line that was typed has been echoed, and the command has begun. */
const HELD_MS = 200;

/** How long 50 MiB through a terminal take, from the first byte to the last. Throws when bytes are missing or too many. */
export async function printThrough(terminal: TerminalClient): Promise<number> {
  terminal.type('stty -echo\n');
  await terminal.shows(isPrompt);
  terminal.type(`sleep ${HELD_MS / 1_000}; ${PRINT}; stty echo\n`);
  const start = terminal.received();
  const begun = performance.now();
  await terminal.shows((tail) => tail.length > 0 && terminal.received() > start + PRINTED_BYTES, 180_000);
  const took = performance.now() - begun - HELD_MS;
  await terminal.shows(isPrompt);
  const noise = terminal.received() - start - PRINTED_BYTES;
  if (noise < 0 || noise > 1_000) throw new Error(`${noise} bytes beside what was printed`);
  return took;
}
