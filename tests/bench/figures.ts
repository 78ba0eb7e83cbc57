/** The middle of the times; of an even number the upper one. */
export function middle(times: number[]): number {
  return share(times, 0.5);
}

/** Adds to the times how many milliseconds the work takes, and resolves as it does. */
export async function timed<T>(times: number[], work: () => Promise<T>): Promise<T> {
  const started = performance.now();
  const result = await work();
  times.push(performance.now() - started);
  return result;
}

/** Prints times in milliseconds. */
export function printTimes(what: string, times: number[]): void {
  const shares = [0.5, 0.95, 0.99].map((part) => `p${part * 100} ${share(times, part).toFixed(1)} ms`);
  console.log(`${what}: n ${String(times.length)}, ${shares.join(', ')}`);
}

/** Prints whether a share of the times is within so many milliseconds. */
export function printLimit(
  what: string,
  { times, share: part, budgetMs }: { times: number[]; share: number; budgetMs: number },
): void {
  const value = share(times, part);
  console.log(`${what}: p${part * 100} ${value.toFixed(1)} ms, ${verdictOf(value <= budgetMs)} ${budgetMs} ms`);
}

/**
 * As `printRatio`, of times that were taken in turns: the middle of each turn's own ratio. What the machine does slower
 * for a while, as a disk on which much was deleted, it does slower for both.
 */
export function printPairs(
  what: string,
  { ours, theirs, budget }: { ours: number[]; theirs: number[]; budget: number },
): void {
  const ratio = middle(ours.map((time, turn) => time / (theirs[turn] ?? NaN)));
  const times = `${middle(ours).toFixed(2)} ms to ${middle(theirs).toFixed(2)} ms`;
  console.log(
    `${what}: ${times} = ${ratio.toFixed(2)} × in the middle of the turns, ${verdictOf(ratio <= budget)} ${budget} ×`,
  );
}

/** Prints how ours compares with the reference, and whether that is within the budget. */
export function printRatio(
  what: string,
  { ours, theirs, budget }: { ours: number; theirs: number; budget: number },
): void {
  const ratio = ours / theirs;
  console.log(
    `${what}: ${ours.toFixed(2)} ms to ${theirs.toFixed(2)} ms = ${ratio.toFixed(2)} ×, ${verdictOf(ratio <= budget)} ${budget} ×`,
  );
}

/** What is over its budget makes the whole run a failure. */
function verdictOf(isWithin: boolean): string {
  if (!isWithin) process.exitCode = 1;
  return isWithin ? 'within the budget of' : 'OVER the budget of';
}

/** The time that this part of the times does not exceed: 0.99 gives the slowest but the last hundredth. */
export function share(times: number[], part: number): number {
  const sorted = [...times].sort((left, right) => left - right);
  return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? NaN;
}
