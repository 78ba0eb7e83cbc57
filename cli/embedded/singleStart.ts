import { linkSync, rmSync } from 'node:fs';
import path from 'node:path';
import { isRunning, readProcessRecord, writeProcessRecord, type ProcessRecord } from '#cli/embedded/processRecord.ts';

/** A start was refused because another one runs on the same data folder. */
export class AlreadyRunningError extends Error {
  constructor(owner: ProcessRecord, file: string) {
    super(
      `Berth is running already (process ${String(owner.pid)}, ${file}). Stop it with Ctrl-C in its terminal first.`,
    );
    this.name = 'AlreadyRunningError';
  }
}

/** Claims the data folder for this process; throws AlreadyRunningError when a living one holds it. Returns the release. */
export function claimSingleStart(runFolder: string): () => void {
  const file = path.join(runFolder, 'start.pid');
  const own = `${file}.${String(process.pid)}`;
  writeProcessRecord(own, process.pid);
  try {
    // link() fails when the name is taken: of two starts at one moment exactly one wins.
    while (!linked(own, file)) {
      const owner = readProcessRecord(file);
      if (owner !== null && isRunning(owner)) throw new AlreadyRunningError(owner, file);
      rmSync(file, { force: true });
    }
  } finally {
    rmSync(own, { force: true });
  }
  return () => rmSync(file, { force: true });
}

function linked(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}
