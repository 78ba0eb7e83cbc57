import { writeSync } from 'node:fs';
import { createRequire } from 'node:module';
import { ReadStream } from 'node:tty';
import type { TerminalSize } from '#shared/contracts/terminal.ts';
import { createInputQueue, type InputQueue } from '#agent/pty/inputQueue.ts';

/** The functions of the native module of @lydell/node-pty that are used here. */
interface NativeModule {
  fork(
    file: string,
    args: string[],
    env: string[],
    cwd: string,
    cols: number,
    rows: number,
    uid: number,
    gid: number,
    utf8: boolean,
    helper: string,
    exited: (exitCode: number, signal: number) => void,
  ): { fd: number; pid: number; pty: string };
  resize(fd: number, cols: number, rows: number): void;
}

/** A program on a pseudo-terminal. */
export interface PtyProcess {
  readonly pid: number;
  readonly input: Pick<InputQueue, 'write'>;
  resize(size: TerminalSize): void;
  pause(): void;
  resume(): void;
  /** Stops reading for good. */
  destroy(): void;
}

/** What to run on a pseudo-terminal, and who hears of it. */
export interface PtySpec {
  argv: [string, ...string[]];
  environment: Record<string, string>;
  folder: string;
  size: TerminalSize;
  output(bytes: Uint8Array): void;
  /** The program ended; output may still come until `drained`. A negative code is the signal. */
  exited(exitCode: number): void;
  /** No more output will come. */
  drained(): void;
}

/** Starts programs on pseudo-terminals. */
export type PtyStarter = (spec: PtySpec) => PtyProcess;

/**
 * Loads the native module by its absolute path: the package's own wrapper destroys a paused terminal 200 ms after its
 * program ended, with the output that nobody has read yet.
 */
export function createPtyStarter(modulePath: string): PtyStarter {
  const native = createRequire(import.meta.url)(modulePath) as NativeModule;
  return (spec) => start(native, spec);
}

function start(native: NativeModule, spec: PtySpec): PtyProcess {
  const [file, ...args] = spec.argv;
  const environment = Object.entries(spec.environment).map(([name, value]) => `${name}=${value}`);
  const { cols, rows } = spec.size;
  const exited = (exitCode: number, signal: number): void => spec.exited(signal > 0 ? 128 + signal : exitCode);
  const { fd, pid } = native.fork(file, args, environment, spec.folder, cols, rows, -1, -1, true, '', exited);
  const stream = new ReadStream(fd);
  let open = true;
  // A destroyed stream has closed its descriptor, whose number may be another file's by now.
  const input = createInputQueue((bytes) => (stream.destroyed ? bytes.byteLength : writeSync(fd, bytes)));
  stream.on('data', (bytes: Buffer) => spec.output(bytes));
  // EIO is how Linux says that the last program on the terminal has gone; 'close' follows every error.
  stream.on('error', () => undefined);
  stream.on('close', () => {
    open = false;
    input.close();
    spec.drained();
  });
  return {
    pid,
    input,
    resize: (size) => {
      if (open) native.resize(fd, size.cols, size.rows);
    },
    pause: () => void stream.pause(),
    resume: () => void stream.resume(),
    destroy: () => void stream.destroy(),
  };
}
