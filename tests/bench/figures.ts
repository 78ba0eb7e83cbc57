/** The middle of the times; of an even number the upper one. */
export function middle(times: number[]): number {
  return at(times, 0.5);
}

/** Prints times in milliseconds. */
export function printTimes(what: string, times: number[]): void {
  const shares = [0.5, 0.95].map((share) => `p${share * 100} ${at(times, share).toFixed(1)} ms`);
  console.log(`${what}: n ${String(times.length)}, ${shares.join(', ')}`);
}

/** Prints how ours compares with the reference, and whether that is within the budget. */
export function printRatio(
  what: string,
  { ours, theirs, budget }: { ours: number; theirs: number; budget: number },
): void {
  const ratio = ours / theirs;
  const verdict = ratio <= budget ? 'within' : 'OVER';
  console.log(
    `${what}: ${ours.toFixed(2)} ms to ${theirs.toFixed(2)} ms = ${ratio.toFixed(2)} ×, ${verdict} the budget of ${budget} ×`,
  );
}

function at(times: number[], share: number): number {
  const sorted = [...times].sort((left, right) => left - right);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? NaN;
}
