import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { ROOT } from '#tests/support/importGraph.ts';

/** A program that a test runs, with everything it has printed. */
export interface RunningProgram {
  readonly child: ChildProcess;
  readonly pid: number;
  output(): string;
  /** Sends the signal and resolves when the process has ended. */
  end(signal: NodeJS.Signals): Promise<void>;
  /** Resolves with the exit code once the process ends by itself. */
  ended(): Promise<number | null>;
}

/** How a program is run. */
export interface ProgramOptions {
  args: string[];
  environment: Record<string, string | undefined>;
  folder?: string;
}

/** Starts a program in the project's folder. */
export function runProgram(program: string, options: ProgramOptions): RunningProgram {
  const child = spawn(program, options.args, {
    cwd: options.folder ?? ROOT,
    env: options.environment,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  const keep = (chunk: Buffer): void => void (output += chunk.toString());
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  const closed = once(child, 'close').then(([code]) => code as number | null);
  // A program that cannot be started is noticed by whoever waits for it.
  closed.catch(() => undefined);
  if (child.pid === undefined) throw new Error(`${program} cannot be started`);
  return {
    child,
    pid: child.pid,
    output: () => output,
    async end(signal) {
      if (child.exitCode === null && child.signalCode === null) child.kill(signal);
      await closed;
    },
    ended: () => closed,
  };
}
