import { readFileSync } from 'node:fs';
import path from 'node:path';
import { readPod } from '#platform/runtime/local/podRecord.ts';
import type { Config } from '#platform/config/config.ts';
import { waitFor } from '#tests/support/waitFor.ts';

/** Kills the session's agent with everything below it, as a crash of its node would, and resolves once it is gone. */
export async function killAgent(config: Pick<Config, 'BERTH_DATA_DIR'>, uuid: string): Promise<void> {
  const record = readPod(path.join(config.BERTH_DATA_DIR, 'pods'), uuid);
  if (record === null) throw new Error(`session ${uuid} has no pod`);
  process.kill(record.process.pid, 'SIGKILL');
  await waitFor(() => !isAlive(record.process.pid), { what: `the end of process ${record.process.pid}` });
}

/** Stops the session's agent with everything below it without ending it: its stream stays, and nobody answers. */
export function freezeAgent(config: Pick<Config, 'BERTH_DATA_DIR'>, uuid: string): void {
  const record = readPod(path.join(config.BERTH_DATA_DIR, 'pods'), uuid);
  if (record === null) throw new Error(`session ${uuid} has no pod`);
  // In a sandbox the agent is a child of the recorded process.
  const stop = (pid: number): void => {
    process.kill(pid, 'SIGSTOP');
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
    for (const child of children === '' ? [] : children.split(' ')) stop(Number(child));
  };
  stop(record.process.pid);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false; // There is no such process any more.
  }
}
