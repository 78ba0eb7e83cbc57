import { readdirSync, readFileSync } from 'node:fs';

/** A process that can be told from a later one with the same id: the id, and its start in clock ticks since the boot. */
export interface ProcessIdentity {
  pid: number;
  startTime: string;
}

/** The identity of a living process, null when there is none; a zombie is dead already. */
export function identifyProcess(pid: number): ProcessIdentity | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name stands in parentheses and may hold any of them: the last one closes it.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    const startTime = fields[19];
    return startTime === undefined || fields[0] === 'Z' || fields[0] === 'X' ? null : { pid, startTime };
  } catch {
    // No such process.
    return null;
  }
}

/** True while that very process lives. */
export function isAlive(identity: ProcessIdentity): boolean {
  return identifyProcess(identity.pid)?.startTime === identity.startTime;
}

/** Kills that very process; nothing happens when it is gone. */
export function killProcess(identity: ProcessIdentity): void {
  if (!isAlive(identity)) return;
  try {
    process.kill(identity.pid, 'SIGKILL');
  } catch {
    // It ended in this very moment.
  }
}

/** Resolves once the process is gone. Rejects when it is still there after `deadlineMs`. */
export async function awaitEnd(identity: ProcessIdentity, deadlineMs: number): Promise<void> {
  const deadline = Date.now() + deadlineMs;
  while (isAlive(identity)) {
    if (Date.now() > deadline) throw new Error(`Process ${identity.pid} does not end.`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** The living processes that carry this value of BERTH_POD: what a pod without a sandbox has started. */
export function findMarkedProcesses(mark: string): ProcessIdentity[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => environmentOf(pid).includes(`BERTH_POD=${mark}`))
    .flatMap((pid) => identifyProcess(Number(pid)) ?? []);
}

function environmentOf(pid: string): string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0');
  } catch {
    // Another user's process, or gone: not one of ours.
    return [];
  }
}
