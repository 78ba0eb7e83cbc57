import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync, rmSync } from 'node:fs';
import { endProcess, writeProcessRecord } from '#cli/embedded/processRecord.ts';

const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 15_000;
/** A process that ran this long was well; the next pause is the first again. */
const STEADY_MS = 30_000;
/** Longer than the deadline of Berth's own ordered shutdown. */
const STOP_GRACE_MS = 25_000;

/** A process that is to run all the time. */
export interface Supervised {
  name: string;
  /** Arguments of this very Node. */
  args: string[];
  environment: Record<string, string | undefined>;
  logFile: string;
  pidFile: string;
  log(message: string): void;
}

/** The keeper of one process. */
export interface Supervisor {
  /** Ends the process in order and starts it no more. */
  stop(): Promise<void>;
}

/** Starts the process and starts it again whenever it ends, after a pause that doubles from 0.25 s to 15 s. */
export function supervise(options: Supervised): Supervisor {
  let stopping = false;
  let timer: NodeJS.Timeout | null = null;
  let pause = FIRST_PAUSE_MS;
  let child: ChildProcess | null = null;

  const start = (): void => {
    timer = null;
    const startedAt = Date.now();
    child = launch(options);
    child.once('error', (error) => options.log(`${options.name} cannot be started: ${error.message}`));
    child.once('close', (code, signal) => {
      child = null;
      if (stopping) return;
      if (Date.now() - startedAt > STEADY_MS) pause = FIRST_PAUSE_MS;
      options.log(
        `${options.name} ended (${signal ?? `code ${String(code)}`}); it starts again in ${String(pause / 1000)} s. Its log: ${options.logFile}`,
      );
      timer = setTimeout(start, pause);
      pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
    });
  };
  start();

  return {
    async stop() {
      stopping = true;
      if (timer) clearTimeout(timer);
      if (child?.pid !== undefined) {
        await endProcess(writeProcessRecord(options.pidFile, child.pid), 'SIGTERM', STOP_GRACE_MS);
      }
      rmSync(options.pidFile, { force: true });
    },
  };
}

function launch(options: Supervised): ChildProcess {
  const log = openSync(options.logFile, 'a', 0o600);
  const child = spawn(process.execPath, options.args, {
    env: options.environment,
    // Detached: Ctrl-C reaches the terminal's whole group, and the order of stopping is ours to keep.
    detached: true,
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  if (child.pid !== undefined) writeProcessRecord(options.pidFile, child.pid);
  return child;
}
