import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { systemCode } from '#agent/failure.ts';
import type { Scan } from '#agent/files/scan.ts';
import { reportFailure } from '#agent/report.ts';

/** One flush for many files; `fsync` of each would take as long as the disk turns. */
export async function flushVolume(path: string): Promise<void> {
  await promisify(execFile)('sync', ['-f', path]);
}

/**
 * Flushes what a scan found before anybody relies on it. Programs leave their bytes to the kernel, which writes them up
 * to half a minute later: after a crash of the machine an older file would pass for a program's newest.
 */
export class ScanFlush {
  #path: string;
  #batches = 0;
  #flushed: string | null = null;

  constructor(path: string) {
    this.#path = path;
  }

  /** Says that changes were made: what they wrote is flushed with the next scan even if that finds the same. */
  applied(): void {
    this.#batches += 1;
  }

  /** Resolves when everything that was written until now is on the disk; false where no process can be had for it. */
  async flushAll(): Promise<boolean> {
    try {
      await flushVolume(this.#path);
      return true;
    } catch (error) {
      // The person's programs have taken every process: saving what they wrote is worth more than the flush.
      if (systemCode(error) !== 'EAGAIN') throw error;
      reportFailure(error);
      return false;
    }
  }

  /** Resolves when the scan's files are on the disk; at once when they were at the last scan. */
  async flush({ fingerprint }: Scan): Promise<void> {
    const state = `${this.#batches} ${fingerprint}`;
    if (state === this.#flushed) return;
    if (await this.flushAll()) this.#flushed = state;
  }
}
