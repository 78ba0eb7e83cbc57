import { readdirSync, readFileSync } from 'node:fs';

/** A process as /proc tells it. */
export interface ProcessEntry {
  pid: number;
  name: string;
  state: string;
  parent: number;
  group: number;
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
    foregroundGroup: Number(fields[5]),
  };
}

/** Every process that can be seen. */
export function listProcesses(): ProcessEntry[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => readProcess(Number(name)) ?? []);
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
