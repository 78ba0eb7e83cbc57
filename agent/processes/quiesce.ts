import { systemCode } from '#agent/failure.ts';
import { carries, isOver, listProcesses, type ProcessEntry } from '#agent/processes/processTable.ts';

const LOOK_EVERY_MS = 50;
/** How long to go on killing before saying that it does not work. */
const GIVE_UP_MS = 10_000;

/** How the session's processes are known. */
export interface ProcessScope {
  /** True in a pod or sandbox of its own: all that can be seen, but pid 1 and the agent, belong to the session. */
  ownsAll: boolean;
  /** The value of BERTH_POD in the environment of every process that the agent starts, and of their children; null for none. */
  mark: string | null;
}

/** Ends every process of the session but the agent: SIGHUP first, SIGKILL after the grace. Resolves when all are gone. */
export async function endProcesses(scope: ProcessScope, graceMs: number): Promise<void> {
  const started = performance.now();
  signalAll(scope, 'SIGHUP');
  // A stopped job would never see the SIGHUP.
  signalAll(scope, 'SIGCONT');
  while (sessionProcesses(scope).length > 0) {
    const elapsed = performance.now() - started;
    if (elapsed > graceMs + GIVE_UP_MS) throw new Error('Some processes of the session could not be ended.');
    if (elapsed >= graceMs) killAll(scope);
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}

function killAll(scope: ProcessScope): void {
  // One call reaches all at once, so a fork bomb cannot outrun it. It is only safe where nothing else can be seen.
  if (scope.ownsAll && hasOwnProcessSpace()) signal(-1, 'SIGKILL');
  else signalAll(scope, 'SIGKILL');
}

function hasOwnProcessSpace(): boolean {
  const first = listProcesses().find(({ pid }) => pid === 1);
  return process.ppid === 1 && (first?.name === 'bwrap' || first?.name === 'tini');
}

function signalAll(scope: ProcessScope, name: NodeJS.Signals): void {
  for (const { pid } of sessionProcesses(scope)) signal(pid, name);
}

/** Sends a signal; whoever is gone by itself, or never was ours, is left alone. A negative number is a group. */
export function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if (systemCode(error) !== 'ESRCH' && systemCode(error) !== 'EPERM') throw error;
  }
}

/** The living processes of the session, without the agent. */
export function sessionProcesses(scope: ProcessScope): ProcessEntry[] {
  const living = listProcesses().filter((entry) => !isOver(entry));
  if (scope.ownsAll && hasOwnProcessSpace()) return living.filter(({ pid }) => pid !== 1 && pid !== process.pid);
  const ours = new Set<number>([process.pid]);
  for (let before = 0; before !== ours.size;) {
    before = ours.size;
    for (const { pid, parent } of living) if (ours.has(parent)) ours.add(pid);
  }
  return living.filter(({ pid }) => pid !== process.pid && (ours.has(pid) || carriesMark(pid, scope.mark)));
}

function carriesMark(pid: number, mark: string | null): boolean {
  return mark !== null && carries(pid, `BERTH_POD=${mark}`);
}
