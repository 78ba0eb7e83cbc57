import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { timed } from '#tests/bench/figures.ts';
import { rawExec } from '#tests/bench/rawExec.ts';

/*
 * Files into a pod and out of it as `kubectl cp` carries them: a tar stream through the API server's exec.
 */

/** How many files are carried at once. */
export const FILES = 1_000;
const FILE_BYTES = 3_500;
const CHUNK_BYTES = 256 * 1024;

/** Contents by name. */
export type Files = Map<string, Buffer>;

/** Which pod is meant. */
export interface PodName {
  namespace: string;
  name: string;
}

/** Files with bytes that nobody has seen before. */
export function makeFiles(count = FILES): Files {
  return new Map(Array.from({ length: count }, (_, index) => [`file-${index}.txt`, randomBytes(FILE_BYTES)]));
}

/** Unpacks the files in a folder of the pod and flushes them, as the agent does; the time is added to `times`. */
export async function giveByTar(
  pod: PodName,
  { folder, files, times }: { folder: string; files: Files; times: number[] },
): Promise<void> {
  const archive = archiveOf(files);
  const unpack = 'mkdir -p "$0" && tar xf - -C "$0" && sync -f "$0"';
  await timed(times, () => run(pod, ['sh', '-c', unpack, folder], archive));
}

/** Takes all files of a folder of the pod; the time is added to `times`. */
export async function takeByTar(pod: PodName, { folder, times }: { folder: string; times: number[] }): Promise<void> {
  const bytes = await timed(times, () => run(pod, ['tar', 'cf', '-', '-C', folder, '.']));
  if (bytes < FILES * FILE_BYTES) throw new Error(`tar gave ${bytes} bytes, which is not all.`);
}

/** The files as a tar archive. */
export function archiveOf(files: Files): Buffer {
  const folder = mkdtempSync(path.join(tmpdir(), 'berth-bench-'));
  try {
    mkdirSync(path.join(folder, 'files'));
    for (const [name, bytes] of files) writeFileSync(path.join(folder, 'files', name), bytes);
    return execFileSync('tar', ['cf', '-', '-C', path.join(folder, 'files'), '.'], { maxBuffer: 256 * 1024 * 1024 });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Runs a command with that input and resolves with how many bytes it printed, once it has ended. */
async function run(target: PodName, command: string[], input: Buffer = Buffer.alloc(0)): Promise<number> {
  const exec = await rawExec(target, { command, tty: false });
  let bytes = 0;
  exec.onOutput((chunk) => (bytes += chunk.byteLength));
  for (let start = 0; start < input.byteLength; start += CHUNK_BYTES) {
    await exec.write(input.subarray(start, start + CHUNK_BYTES));
  }
  exec.end();
  await exec.ended;
  return bytes;
}
