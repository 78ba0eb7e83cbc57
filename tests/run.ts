import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { hasCluster, prepareMachine } from '#tests/machine.ts';
import { writeReliability } from '#tests/reliability.ts';
import { whyNoWorkspaceImage } from '#tests/support/images.ts';

/** What one check or one jest project came to. */
export interface Outcome {
  name: string;
  passed: number;
  failed: number;
  skipped: string[];
  seconds: number;
}

/** The longest first: it runs beside the others. */
const CHECKS: [string, string[]][] = [
  ['lint', ['node_modules/eslint/bin/eslint.js', '.', '--max-warnings', '0']],
  ['types', ['node_modules/typescript/bin/tsc', '-p', '.']],
  ['types of workflows', ['node_modules/typescript/bin/tsc', '-p', 'workflows']],
  ['types of web', ['node_modules/vue-tsc/bin/vue-tsc.js', '-p', 'web']],
  ['format', ['node_modules/prettier/bin/prettier.cjs', '--check', '--log-level', 'warn', '.']],
  ['unused code', ['node_modules/knip/bin/knip.js', '--no-progress']],
];

const LONG_ON_CLUSTER =
  'the long tests on the cluster (images, admission, deployment, contract, causes, limits, orphans, warm pool): npm run proofs, or npm test -- --only kubernetes';
/** Milliseconds from jest's report to its end; its global teardown stops the servers meanwhile. */
const ENDS_WITHIN_MS = 60_000;

/** Bytes; a check that says more has failed already. */
const MAX_CHECK_OUTPUT = 16 * 1024 * 1024;

type Project = 'unit' | 'integration' | 'e2e' | 'kubernetes';
/** What `nice` gives to work that is to give way. */
const LOW_PRIORITY = '10';
/**
 * How many files of a project run at once; unit tests take what the machine has. Integration tests mostly wait for real
 * servers, so two are no slower than one; browsers need the machine for themselves.
 */
const AT_ONCE: Partial<Record<Project, string>> = { integration: '2', e2e: '1', kubernetes: '1' };
/** All files on a cluster take a quarter of an hour; these hold its essence in five minutes. */
const CORE_ON_CLUSTER = 'kubernetes/(life|reaper|isolation|sessionObjects|strangers|proxy|blindness)\\.k8s';

const JestReportSchema = z.object({
  numPassedTests: z.number(),
  numFailedTests: z.number(),
  numRuntimeErrorTestSuites: z.number(),
  testResults: z.array(z.object({ assertionResults: z.array(z.object({ status: z.string(), fullName: z.string() })) })),
});

/** `npm test`: every check and test that this machine permits; `--full` is `npm run proofs`, `--only lint,unit` does a part. */
async function main(): Promise<void> {
  const { values } = parseArgs({ options: { full: { type: 'boolean', default: false }, only: { type: 'string' } } });
  // The long files on a cluster run with the proofs, and when they are asked for.
  const coreOnly = !values.full && values.only === undefined;
  const missing = prepareMachine();
  const wanted = (name: string): boolean => values.only === undefined || values.only.split(',').includes(name);
  // Who asks for the tests on the cluster is told by their failure.
  const noImage = hasCluster() && coreOnly ? await whyNoWorkspaceImage() : null;
  if (noImage !== null) missing.push(`the tests on the cluster: ${noImage}`);
  else if (hasCluster() && coreOnly) missing.push(LONG_ON_CLUSTER);
  const run = async (name: Project): Promise<Outcome[]> => {
    if (!wanted(name) || (name === 'kubernetes' && (!hasCluster() || noImage !== null))) return [];
    const files = name === 'kubernetes' && coreOnly ? [`--testPathPatterns=${CORE_ON_CLUSTER}`] : [];
    return [await runProject(name, values.full, files)];
  };
  // Tests on a cluster mostly wait for it: what only needs a processor runs beside them, and gives way to them.
  const checksAndUnit = async (): Promise<[Outcome[], Outcome[]]> => [
    await runChecks(CHECKS.filter(([name]) => wanted(name))),
    await run('unit'),
  ];
  const [[checks, unit], kubernetes] = await Promise.all([checksAndUnit(), run('kubernetes')]);
  const projects = [...unit, ...(await run('integration')), ...(await run('e2e')), ...kubernetes];
  const outcomes = [...checks, ...projects];
  if (values.full) writeReliability(projects, missing);
  report(outcomes, missing);
  const sum = (count: (outcome: Outcome) => number): number => outcomes.reduce((total, one) => total + count(one), 0);
  const failed = sum((one) => one.failed);
  console.log(
    `${String(sum((one) => one.passed))} passed, ${String(failed)} failed, ${String(sum((one) => one.skipped.length))} skipped`,
  );
  process.exitCode = failed > 0 ? 1 : 0;
}

/** Each check uses one core, so two of them run at a time. */
async function runChecks(checks: typeof CHECKS): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  const left = checks.entries();
  const work = async (): Promise<void> => {
    for (const [index, [name, args]] of left) outcomes[index] = await runCheck(name, args);
  };
  await Promise.all([work(), work()]);
  return outcomes;
}

function runCheck(name: string, args: string[]): Promise<Outcome> {
  const started = Date.now();
  return new Promise((resolve) => {
    execFile(
      'nice',
      ['-n', LOW_PRIORITY, process.execPath, ...args],
      { maxBuffer: MAX_CHECK_OUTPUT },
      (error, stdout, stderr) => {
        console.log(`\n== ${name}\n${stdout}${stderr}`.trimEnd());
        const failed = error === null ? 0 : 1;
        resolve({ name, passed: 1 - failed, failed, skipped: [], seconds: secondsSince(started) });
      },
    );
  });
}

async function runProject(name: Project, full: boolean, files: string[]): Promise<Outcome> {
  console.log(`\n== ${name} tests`);
  const started = Date.now();
  const folder = mkdtempSync(path.join(tmpdir(), 'berth-report-'));
  const file = path.join(folder, 'report.json');
  const jest = spawn(
    'nice',
    [
      ...['-n', name === 'unit' ? LOW_PRIORITY : '0', process.execPath],
      ...['--experimental-vm-modules', '--disable-warning=ExperimentalWarning', 'node_modules/jest/bin/jest.js'],
      ...[`--selectProjects=${name}`, '--json', `--outputFile=${file}`, '--silent=false'],
      ...(AT_ONCE[name] === undefined ? [] : [`--maxWorkers=${AT_ONCE[name]}`]),
      ...files,
    ],
    { stdio: ['ignore', 'ignore', 'inherit'], env: { ...process.env, ...(full && { BERTH_PROOFS: 'full' }) } },
  );
  const left = await awaitEnd(jest, file);
  const outcome = { name: `${name} tests`, ...readReport(file), seconds: secondsSince(started) };
  if (left) outcome.failed += 1;
  rmSync(folder, { recursive: true, force: true });
  return outcome;
}

/** Resolves once jest has ended; true when it had to be killed, because a test left something open behind its report. */
function awaitEnd(jest: ChildProcess, report: string): Promise<boolean> {
  return new Promise((resolve) => {
    let reportedAt = 0;
    const look = setInterval(() => {
      if (reportedAt === 0 && existsSync(report)) reportedAt = Date.now();
      if (reportedAt === 0 || Date.now() - reportedAt < ENDS_WITHIN_MS) return;
      console.error('A test left something open: jest does not end. It counts as a failure.');
      jest.kill('SIGKILL');
    }, 1_000);
    jest.once('exit', (_code, signal) => {
      clearInterval(look);
      resolve(signal !== null);
    });
  });
}

function readReport(file: string): Pick<Outcome, 'passed' | 'failed' | 'skipped'> {
  try {
    const report = JestReportSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
    const tests = report.testResults.flatMap((suite) => suite.assertionResults);
    return {
      passed: report.numPassedTests,
      // A file that cannot be loaded holds tests that nobody counts; it is one failure at least.
      failed: report.numFailedTests + report.numRuntimeErrorTestSuites,
      skipped: tests
        .filter((test) => ['pending', 'skipped', 'todo'].includes(test.status))
        .map((test) => test.fullName),
    };
  } catch (error) {
    console.error(`jest left no report: ${String(error)}`);
    return { passed: 0, failed: 1, skipped: [] };
  }
}

function report(outcomes: Outcome[], missing: string[]): void {
  console.log('\n== summary');
  for (const { name, passed, failed, skipped, seconds } of outcomes) {
    const counts = `${String(passed)} passed, ${String(failed)} failed, ${String(skipped.length)} skipped`;
    console.log(`${failed > 0 ? 'FAIL' : 'ok  '}  ${name}: ${counts} (${String(seconds)} s)`);
  }
  const skipped = outcomes.flatMap((one) => one.skipped);
  if (missing.length + skipped.length > 0) console.log('\nNot run on this machine:');
  for (const line of [...missing, ...skipped]) console.log(`  ${line}`);
}

function secondsSince(started: number): number {
  return Math.round((Date.now() - started) / 1000);
}

await main();
