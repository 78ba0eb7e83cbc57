import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { freePort } from '#cli/embedded/freePort.ts';
import { isRunning, readProcessRecord, type ProcessRecord } from '#cli/embedded/processRecord.ts';
import { waitFor } from '#tests/support/waitFor.ts';

/** Names of the processes of a start, by their pid files. */
export type Part = 'start' | 'api' | 'worker' | 'temporal' | 'postgres';

/** An `npm start` that a test looks at as a person would: by what it prints and by its address. */
export interface BerthStart {
  output(): string;
  /** Resolves once the address is printed. */
  ready(deadlineMs: number): Promise<ReadyBerth>;
  /** Ctrl-C: the signal reaches the terminal's whole group. Resolves with the exit code. */
  interrupt(): Promise<number | null>;
  hasEnded(): boolean;
  /** Resolves with the exit code when it ends by itself. */
  ended(): Promise<number | null>;
}

/** What the start has printed. */
export interface ReadyBerth {
  url: string;
  temporalUi: string;
  dataFolder: string;
}

/** Runs `npm start`, or the commands that end in it, in the folder. */
export async function npmStart(
  folder: string,
  settings: Record<string, string> = {},
  commands = 'npm start',
): Promise<BerthStart> {
  const child = spawn('bash', ['-ec', commands], {
    cwd: folder,
    // A group of its own, as a terminal gives it, so that Ctrl-C can be sent to all of it.
    detached: true,
    env: { ...outsideEnvironment(), BERTH_PORT: String(await freePort()), ...settings },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const closed = once(child, 'close').then(([code]) => code as number | null);
  return {
    output: () => output,
    ready: (deadlineMs) => waitUntilReady(child, () => output, deadlineMs),
    async interrupt() {
      if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGINT');
      return closed;
    },
    hasEnded: () => child.exitCode !== null || child.signalCode !== null,
    ended: () => closed,
  };
}

/** Jest's own settings and npm's would leak from this run into the other. */
function outsideEnvironment(): Record<string, string | undefined> {
  const ours = /^(npm_|NODE_|JEST_|BERTH_|TEMPORAL_|DATABASE_|INIT_CWD)/i;
  const kept = Object.entries(process.env).filter(([name]) => !ours.test(name) || name === 'NODE_EXTRA_CA_CERTS');
  const folders = (process.env['PATH'] ?? '').split(path.delimiter).filter((entry) => !entry.includes('node_modules'));
  return { ...Object.fromEntries(kept), PATH: folders.join(path.delimiter) };
}

async function waitUntilReady(child: ChildProcess, output: () => string, deadlineMs: number): Promise<ReadyBerth> {
  const printed = (label: string): string | undefined => new RegExp(`${label}:\\s+(\\S+)\\s`).exec(output())?.[1];
  await waitFor(() => printed('Logs') !== undefined || child.exitCode !== null, {
    deadlineMs,
    what: 'the address to be printed',
  }).catch((error: unknown) => {
    throw new Error(`npm start printed no address:\n${output()}`, { cause: error });
  });
  const [url, temporalUi, logs] = [printed('Berth is ready'), printed("Temporal's UI"), printed('Logs')];
  if (url === undefined || logs === undefined) throw new Error(`npm start ended:\n${output()}`);
  return { url, temporalUi: temporalUi ?? '', dataFolder: path.dirname(logs) };
}

/** The process of that name, by its pid file; null when it does not run. */
export function processOf(dataFolder: string, part: Part): ProcessRecord | null {
  const record = readProcessRecord(path.join(dataFolder, 'run', `${part}.pid`));
  return record !== null && isRunning(record) ? record : null;
}

/** kill -9. */
export function killPart(dataFolder: string, part: Part): number {
  const record = processOf(dataFolder, part);
  if (record === null) throw new Error(`${part} does not run`);
  process.kill(record.pid, 'SIGKILL');
  return record.pid;
}

/** Every process of this machine that has the folder in its arguments. */
export function processesNaming(folder: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((pid) => {
      try {
        const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
        return line.includes(folder) ? [`${pid} ${line}`] : [];
      } catch {
        // It ended while we looked.
        return [];
      }
    });
}
