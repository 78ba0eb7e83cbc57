/** One line of docs/performance.md. */
export interface Figure {
  what: string;
  /** What was measured, with its unit. */
  figure: string;
  /** What the same took without Berth in the same run; empty where the budget is an absolute one. */
  reference: string;
  /** What is judged, and what runs are compared by: the ratio to the reference, or the figure itself. Smaller is better. */
  judged: number;
  unit: '×' | 'ms' | 'MiB' | 'KiB';
  /** The most that `judged` may be; null for a figure that only orients. */
  budget: number | null;
}

let kept: Figure[] = [];

/** Prints a figure and keeps it for the table. */
export function keepFigure(figure: Figure): void {
  kept.push(figure);
  const { what, reference, judged, unit, budget } = figure;
  const beside = reference === '' ? '' : ` to ${reference}${unit === '×' ? ` = ${judged.toFixed(2)} ×` : ''}`;
  console.log(`${what}: ${figure.figure}${beside}${budget === null ? '' : ` (budget ${String(budget)} ${unit})`}`);
}

/** The figures since the last call. */
export function takeFigures(): Figure[] {
  const taken = kept;
  kept = [];
  return taken;
}

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

/** Prints and keeps times in milliseconds; they orient, and are not judged. */
export function printTimes(what: string, times: number[]): void {
  const shares = [0.5, 0.95, 0.99].map((part) => `p${part * 100} ${share(times, part).toFixed(1)}`);
  const figure = `${shares.join(', ')} ms (n ${String(times.length)})`;
  keepFigure({ what, figure, reference: '', judged: middle(times), unit: 'ms', budget: null });
}

/** Prints and keeps whether a share of the times is within so many milliseconds. */
export function printLimit(
  what: string,
  { times, share: part, budgetMs }: { times: number[]; share: number; budgetMs: number },
): void {
  const judged = share(times, part);
  const figure = `p${part * 100} ${judged.toFixed(1)} ms`;
  keepFigure({ what, figure, reference: '', judged, unit: 'ms', budget: budgetMs });
}

/** Prints and keeps an amount of memory, beside that of a program without Berth where one is given. */
export function printMemory(
  what: string,
  {
    amount,
    unit,
    budget,
    reference,
  }: { amount: number; unit: 'MiB' | 'KiB'; budget: number | null; reference?: number },
): void {
  const shown = (value: number): string => `${value.toFixed(1)} ${unit}`;
  const beside = reference === undefined ? '' : shown(reference);
  keepFigure({ what, figure: shown(amount), reference: beside, judged: amount, unit, budget });
}

/**
 * As `printRatio`, of times that were taken in turns: the middle of each turn's own ratio. What the machine does slower
 * for a while, as a disk on which much was deleted, it does slower for both.
 */
export function printPairs(
  what: string,
  { ours, theirs, budget }: { ours: number[]; theirs: number[]; budget: number | null },
): void {
  const judged = middle(ours.map((time, turn) => time / (theirs[turn] ?? NaN)));
  keepRatio(what, { ours: middle(ours), theirs: middle(theirs), judged, budget });
}

/** Prints and keeps how ours compares with the reference, both in milliseconds. */
export function printRatio(
  what: string,
  { ours, theirs, budget }: { ours: number; theirs: number; budget: number | null },
): void {
  keepRatio(what, { ours, theirs, judged: ours / theirs, budget });
}

function keepRatio(
  what: string,
  { ours, theirs, ...rest }: { ours: number; theirs: number; judged: number; budget: number | null },
): void {
  keepFigure({ what, figure: `${ours.toFixed(2)} ms`, reference: `${theirs.toFixed(2)} ms`, unit: '×', ...rest });
}

/** The time that this part of the times does not exceed: 0.99 gives the slowest but the last hundredth. */
export function share(times: number[], part: number): number {
  const sorted = [...times].sort((left, right) => left - right);
  return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? NaN;
}
