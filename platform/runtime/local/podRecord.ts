import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { isAlive } from '#platform/runtime/local/processes.ts';

const PodRecord = z.object({
  podUid: z.string(),
  uuid: z.string(),
  generation: z.int(),
  /** Absent in the record of a pod that an earlier version of Berth made. */
  volumeId: z.int().optional(),
  /** The process whose end is the pod's end: the first one of the sandbox, or the agent itself. */
  process: z.object({ pid: z.int(), startTime: z.string() }),
  socket: z.string(),
  createdAt: z.number(),
});
/** What is written down of a pod, so that any process of this machine finds it again. */
export type PodRecord = z.infer<typeof PodRecord>;

const RECORD = 'pod.json';

/** The folder of a pod. */
export function podFolder(pods: string, uuid: string): string {
  return join(pods, uuid);
}

/** The record of a session's pod, null when there is none. */
export function readPod(pods: string, uuid: string): PodRecord | null {
  try {
    return PodRecord.parse(JSON.parse(readFileSync(join(podFolder(pods, uuid), RECORD), 'utf8')));
  } catch {
    // No pod, or a record that was lost together with the machine's power, and with it the pod.
    return null;
  }
}

/** Writes the record whole or not at all. */
export function writePod(pods: string, record: PodRecord): void {
  const folder = podFolder(pods, record.uuid);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const temporary = join(folder, `${RECORD}.new`);
  writeFileSync(temporary, JSON.stringify(record), { mode: 0o600 });
  renameSync(temporary, join(folder, RECORD));
}

/** Forgets a pod. */
export function removePod(pods: string, uuid: string): void {
  rmSync(podFolder(pods, uuid), { recursive: true, force: true });
}

/** Every pod that is written down, living or not. */
export function listPods(pods: string): PodRecord[] {
  return readdirSync(pods, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .flatMap((entry) => readPod(pods, entry.name) ?? []);
}

/** True while the pod's process lives. */
export function isPodAlive(record: PodRecord): boolean {
  return isAlive(record.process);
}
