import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, totalmem } from 'node:os';
import { takeFigures, type Figure } from '#tests/bench/figures.ts';

const PAGE = 'docs/performance.md';
const RUNS = 3;
/** Above it a time says more of the other programs than of Berth. */
const BUSY_PER_CORE = 2;

/**
 * Runs those parts of a bench that the command line names, or all, three times each, and writes the run in the middle of
 * each figure into the part's section of docs/performance.md. With `once` each runs once, and nothing is written. A figure
 * over its budget makes the process fail at its end.
 */
export async function runBench(bench: string, parts: Record<string, () => Promise<void>>): Promise<void> {
  const named = process.argv.slice(2).filter((name) => name in parts);
  const isTrial = process.argv.includes('once');
  const load = loadavg()[0] ?? 0;
  const isBusy = load > BUSY_PER_CORE * cpus().length;
  for (const [name, part] of Object.entries(parts)) {
    if (named.length > 0 && !named.includes(name)) continue;
    const runs: Figure[][] = [];
    for (let run = 0; run < (isTrial ? 1 : RUNS); run += 1) {
      console.log(`\n${bench} ${name}, run ${String(run + 1)}, load average ${loadavg()[0]?.toFixed(1) ?? '?'}`);
      await part();
      runs.push(takeFigures());
    }
    const figures = middleOfRuns(runs);
    const text = `${describeMachine(load)}\n\n${toTable(figures, isBusy)}`;
    console.log(`\n${text}`);
    if (!isTrial) writeFileSync(PAGE, replaceSection(readFileSync(PAGE, 'utf8'), `${bench} ${name}`, text));
    if (figures.some((one) => isOver(one) && !(isBusy && isOfTime(one)))) process.exitCode = 1;
  }
}

/** Of each figure the run whose judged number is in the middle, in the order of the first run. */
export function middleOfRuns(runs: Figure[][]): Figure[] {
  return (runs[0] ?? []).map((first) => {
    const same = runs.flatMap((run) => run.filter(({ what }) => what === first.what));
    const sorted = same.sort((left, right) => left.judged - right.judged);
    return sorted[Math.floor(sorted.length / 2)] ?? first;
  });
}

/** The page with another text between the marks of a section. Throws when it has no such marks. */
export function replaceSection(page: string, section: string, text: string): string {
  const [begin, end] = [`<!-- begin ${section} -->`, `<!-- end ${section} -->`];
  const [from, to] = [page.indexOf(begin), page.indexOf(end)];
  if (from === -1 || to < from) throw new Error(`${PAGE} has no section "${section}".`);
  return `${page.slice(0, from + begin.length)}\n\n${text}\n\n${page.slice(to)}`;
}

/** The figures as a table of Markdown. On a busy machine no time is judged. */
export function toTable(figures: Figure[], isBusy: boolean): string {
  const rows = figures.map((one) => {
    const ratio = one.unit === '×' ? `${one.judged.toFixed(2)} ×` : '';
    const budget = one.budget === null ? '' : `≤ ${String(one.budget)} ${one.unit}`;
    return `| ${[one.what, one.figure, one.reference, ratio, budget, verdictOf(one, isBusy)].join(' | ')} |`;
  });
  return [
    '| what | figure | reference | ratio | budget | verdict |',
    '| --- | --- | --- | --- | --- | --- |',
    ...rows,
  ].join('\n');
}

function verdictOf(figure: Figure, isBusy: boolean): string {
  if (figure.budget === null) return '';
  if (isBusy && isOfTime(figure)) return 'not judged: busy machine';
  return isOver(figure) ? '**over**' : 'within';
}

/** What other programs on the machine make worse. */
function isOfTime({ unit }: Figure): boolean {
  return unit === 'ms' || unit === '×';
}

/** A figure that is no number is over too: nothing was measured. */
function isOver({ judged, budget }: Figure): boolean {
  return budget !== null && !(judged <= budget);
}

function describeMachine(load: number): string {
  const git = (...args: string[]): string => execFileSync('git', args, { encoding: 'utf8' }).trim();
  const changes = git('status', '--porcelain', '--', ':!docs') === '' ? '' : ' with changes';
  const gibibytes = Math.round(totalmem() / 1_024 ** 3);
  const machine = `${String(cpus().length)} × ${cpus()[0]?.model.trim() ?? '?'}, ${String(gibibytes)} GiB, Node ${process.version}`;
  const date = new Date().toISOString().slice(0, 10);
  return `${date}, commit ${git('rev-parse', '--short', 'HEAD')}${changes}, ${machine}, load average ${load.toFixed(1)} at the start.`;
}
