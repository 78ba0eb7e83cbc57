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

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false; // There is no such process any more.
  }
}
