import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { printMemory } from '#tests/bench/figures.ts';
import { memoryMib, openSession, openTerminal, register } from '#tests/bench/ground.ts';
import type { Stack } from '#tests/support/stack.ts';

const SESSIONS = 16;
/** An api that has opened none has yet to take memory for its own code. */
const WARM_UP_SESSIONS = 4;
/** The goals of DESIGN section 6 for an agent, and of the api for each open session. */
const AGENT_MIB = 30;
const SESSION_MIB = 2;

/** What an idle session with one terminal that somebody looks at costs the api, and its agent. */
export async function measureMemory(stack: Stack): Promise<void> {
  const person = await register(stack.url, 'memory');
  const open = async (count: number): Promise<void> => {
    for (let index = 0; index < count; index += 1) await openTerminal(stack.url, person, await openSession(person));
  };
  await open(WARM_UP_SESSIONS);
  const before = memoryMib(stack.api.pid());
  await open(SESSIONS);
  const after = memoryMib(stack.api.pid());
  const agents = agentsOf(stack.worker.pid()).map((pid) => memoryMib(pid, 'RssAnon'));
  if (agents.length !== WARM_UP_SESSIONS + SESSIONS) throw new Error(`${agents.length} agents were found.`);
  const amount = (after - before) / SESSIONS;
  printMemory('memory of the api with twenty sessions', { amount: after, unit: 'MiB', budget: null });
  printMemory('memory of the api for each session with a terminal', { amount, unit: 'MiB', budget: SESSION_MIB });
  const reference = await idleNodeMib();
  const largest = Math.max(...agents);
  printMemory('own memory of an agent with a terminal, beside an idle Node', {
    amount: largest,
    unit: 'MiB',
    budget: AGENT_MIB,
    reference,
  });
}

/** The agents below a worker: each a Node, itself or in the sandbox that the worker started. */
function agentsOf(workerPid: number): number[] {
  const parents = new Map(
    readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map((name): [number, number] => [Number(name), parentOf(name)]),
  );
  const descends = (pid: number | undefined): boolean =>
    pid !== undefined && pid > 1 && (pid === workerPid || descends(parents.get(pid)));
  return [...parents.keys()].filter((pid) => descends(parents.get(pid)) && isAgent(pid));
}

function parentOf(pid: string): number {
  // A process may end while the folder is read.
  return Number(/PPid:\s+(\d+)/.exec(readOrNothing(`/proc/${pid}/status`))?.[1] ?? 0);
}

function isAgent(pid: number): boolean {
  const [program = '', ...args] = readOrNothing(`/proc/${String(pid)}/cmdline`).split('\0');
  return program.endsWith('node') && args.some((argument) => argument.endsWith('agent.mjs'));
}

function readOrNothing(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

/** What a Node takes that does nothing, with an agent's limits. */
async function idleNodeMib(): Promise<number> {
  const script = "console.log('idle'); setInterval(() => undefined, 60_000);";
  const idle = spawn(process.execPath, ['--max-semi-space-size=1', '--max-old-space-size=96', '-e', script]);
  try {
    await once(idle.stdout, 'data');
    return memoryMib(idle.pid ?? 0, 'RssAnon');
  } finally {
    idle.kill();
  }
}
