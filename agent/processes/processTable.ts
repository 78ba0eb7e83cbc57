import { readdirSync, readFileSync } from 'node:fs';

/** A process as /proc tells it. */
export interface ProcessEntry {
  pid: number;
  name: string;
  state: string;
  parent: number;
  group: number;
  session: number;
  /** The process group in the foreground of its terminal, -1 without one. */
  foregroundGroup: number;
}

/** One process, null when it is gone. */
function readProcess(pid: number): ProcessEntry | null {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    // Gone since it was listed.
    return null;
  }
  // The name stands in parentheses and may itself hold any of them: the last one closes it.
  const close = text.lastIndexOf(')');
  const fields = text.slice(close + 2).split(' ');
  return {
    pid,
    name: text.slice(text.indexOf('(') + 1, close),
    state: fields[0] ?? '',
    parent: Number(fields[1]),
    group: Number(fields[2]),
    session: Number(fields[3]),
    foregroundGroup: Number(fields[5]),
  };
}

/** Every process that can be seen. */
export function listProcesses(): ProcessEntry[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => readProcess(Number(name)) ?? []);
}

/** True for a process that has ended and is only listed until its parent has looked. */
export function isOver({ state }: ProcessEntry): boolean {
  return state === 'Z' || state === 'X';
}

/** True when the process was started with that `NAME=value` in its environment: a daemon has left its ancestors, but not that. */
export function carries(pid: number, variable: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0').includes(variable);
  } catch {
    // Another user's process, or gone: not one of ours.
    return false;
  }
}

/** What a terminal is started with; `exec` may put any other program in its place. */
const SHELLS = new Set(['bash', 'sh', 'dash', 'ash', 'busybox']);

/** The name of the job in the foreground of a shell's terminal, null while the shell itself waits for input. */
export function foregroundJob(shell: number): string | null {
  const process = readProcess(shell);
  if (process === null || process.foregroundGroup <= 0) return null;
  if (process.foregroundGroup === process.group) return SHELLS.has(process.name) ? null : process.name;
  return readProcess(process.foregroundGroup)?.name ?? null;
}
