import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { z } from 'zod';

const ProcessRecordSchema = z.object({ pid: z.number().int().positive(), startedAt: z.string().min(1) });

/** A process on this machine. The start time tells it from a later one that was given the same pid. */
export type ProcessRecord = z.infer<typeof ProcessRecordSchema>;

/** When the process started, in whatever unit the system counts; null when there is no such process. */
export function processStartTime(pid: number): string | null {
  try {
    if (process.platform !== 'linux') {
      return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim() || null;
    }
    const stat = readFileSync(`/proc/${String(pid)}/stat`, 'utf8');
    // The name in parentheses may hold spaces and parentheses, so fields are counted after the last one.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? null : (fields[19] ?? null);
  } catch {
    // No such process: that is the answer.
    return null;
  }
}

/** True when exactly this process still runs. */
export function isRunning(record: ProcessRecord): boolean {
  return processStartTime(record.pid) === record.startedAt;
}

/** Writes who runs, for the next start to find. */
export function writeProcessRecord(file: string, pid: number): ProcessRecord {
  const record = { pid, startedAt: processStartTime(pid) ?? 'gone' };
  writeFileSync(file, JSON.stringify(record), { mode: 0o600 });
  return record;
}

/** Reads what an earlier start wrote; null when there is no readable record. */
export function readProcessRecord(file: string): ProcessRecord | null {
  try {
    return ProcessRecordSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch {
    // Missing, or cut off by a crash while it was written: nothing can be known from it.
    return null;
  }
}

/** Ends a process: first by the signal, after `graceMs` by SIGKILL. Resolves when it is gone. */
export async function endProcess(record: ProcessRecord, signal: NodeJS.Signals, graceMs: number): Promise<void> {
  const deadline = Date.now() + graceMs;
  for (let sent: NodeJS.Signals | null = null; isRunning(record);) {
    const wanted = Date.now() < deadline ? signal : 'SIGKILL';
    if (sent !== wanted) sendSignal(record.pid, wanted);
    sent = wanted;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Ends what an earlier start left behind and forgets it. True when there was something to end. */
export async function endRecorded(file: string, signal: NodeJS.Signals): Promise<boolean> {
  const record = readProcessRecord(file);
  const wasRunning = record !== null && isRunning(record);
  if (wasRunning) await endProcess(record, signal, 10_000);
  rmSync(file, { force: true });
  return wasRunning;
}

function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    // It ended between the look and the signal.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
