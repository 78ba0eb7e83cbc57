import { readFileSync, renameSync, rmSync, writeFileSync, linkSync } from 'node:fs';
import { randomUUID } from 'node:crypto';
import { AppError } from '#shared/domain/errors.ts';
import { identifyProcess, isAlive, type ProcessIdentity } from '#platform/runtime/local/processes.ts';

const LOOK_EVERY_MS = 20;
const DEADLINE_MS = 15_000;

/**
 * Runs the work while no other process or task of this machine works under the same lock file. A lock whose holder has
 * died is taken over. Rejects with AGENT_UNREACHABLE when it cannot be had in time.
 */
export async function withLock<T>(file: string, work: () => Promise<T>): Promise<T> {
  await acquire(file);
  try {
    return await work();
  } finally {
    rmSync(file, { force: true });
  }
}

async function acquire(file: string): Promise<void> {
  const deadline = Date.now() + DEADLINE_MS;
  while (!tryAcquire(file)) {
    if (Date.now() > deadline) throw new AppError('AGENT_UNREACHABLE', { detail: 'The session is busy.' });
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}

function tryAcquire(file: string): boolean {
  const own = `${file}.${randomUUID()}`;
  writeFileSync(own, JSON.stringify(identifyProcess(process.pid)));
  try {
    // The lock appears with its content or not at all.
    linkSync(own, file);
    return true;
  } catch {
    breakIfStale(file);
    return false;
  } finally {
    rmSync(own, { force: true });
  }
}

function breakIfStale(file: string): void {
  try {
    const holder = JSON.parse(readFileSync(file, 'utf8')) as ProcessIdentity;
    if (isAlive(holder)) return;
    // Of two who find it stale one moves it away; the other one's rename fails, or moves what it then puts back.
    const moved = `${file}.${randomUUID()}`;
    renameSync(file, moved);
    const content = JSON.parse(readFileSync(moved, 'utf8')) as ProcessIdentity;
    if (isAlive(content)) linkSync(moved, file);
    rmSync(moved, { force: true });
  } catch {
    // Released in this very moment; the next try finds out.
  }
}
