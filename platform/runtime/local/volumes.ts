import { randomUUID } from 'node:crypto';
import { execFile } from 'node:child_process';
import {
  chownSync,
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import { SENTINEL_NAME } from '#shared/contracts/agentProtocol.ts';
import { AppError } from '#shared/domain/errors.ts';
import type { RuntimeObject } from '#platform/runtime/Runtime.ts';

const runFile = promisify(execFile);
const VolumeRecord = z.object({ claimUid: z.string(), volumeId: z.int(), createdAt: z.number() });
const RECORD = 'volume.json';
/** Begins the names of volumes that are being made or removed. */
const UNFINISHED = '.';

/** The folder that a session's programs see as their workspace. */
export function workspaceFolder(volumes: string, uuid: string): string {
  return join(volumes, uuid, 'workspace');
}

/**
 * Makes a session's volume, whole or not at all; `owner` is the user id of its programs, null for our own. One that is
 * there keeps its files. Throws INTERNAL when it is the volume of another row: its files are never guessed about.
 */
export function ensureVolume(
  volumes: string,
  { uuid, volumeId, owner }: { uuid: string; volumeId: number; owner: number | null },
): { claimUid: string } {
  const present = readVolume(volumes, uuid);
  if (present !== null) {
    if (present.volumeId === volumeId) return { claimUid: present.claimUid };
    throw new AppError('INTERNAL', {
      detail: `The volume of session ${uuid} belongs to volume ${present.volumeId}, not ${volumeId}.`,
    });
  }
  const record = { claimUid: randomUUID(), volumeId, createdAt: Date.now() };
  const made = join(volumes, `${UNFINISHED}new-${record.claimUid}`);
  const workspace = join(made, 'workspace');
  mkdirSync(workspace, { recursive: true, mode: 0o700 });
  writeDurably(join(made, RECORD), JSON.stringify(record));
  writeFileSync(join(workspace, SENTINEL_NAME), JSON.stringify({ volumeId }), { mode: 0o644 });
  if (owner !== null) {
    chownSync(workspace, owner, owner);
    chownSync(join(workspace, SENTINEL_NAME), owner, owner);
  }
  try {
    renameSync(made, join(volumes, uuid));
  } catch (error) {
    rmSync(made, { recursive: true, force: true });
    if (readVolume(volumes, uuid) === null) throw error;
    return ensureVolume(volumes, { uuid, volumeId, owner });
  }
  return { claimUid: record.claimUid };
}

/** A volume whose record were lost with the machine's power could not be told from a stranger's. */
function writeDurably(path: string, text: string): void {
  const file = openSync(path, 'wx', 0o600);
  try {
    writeSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** The claim uid of a session's volume, null when there is none. */
export function findClaimUid(volumes: string, uuid: string): string | null {
  return readVolume(volumes, uuid)?.claimUid ?? null;
}

/** Removes the volume with that uid; another one, or none, is left alone. */
export async function destroyVolume(
  volumes: string,
  { uuid, claimUid }: { uuid: string; claimUid: string },
): Promise<void> {
  if (readVolume(volumes, uuid)?.claimUid === claimUid) {
    renameSync(join(volumes, uuid), join(volumes, `${UNFINISHED}removed-${claimUid}`));
  }
  await removeTree(join(volumes, `${UNFINISHED}removed-${claimUid}`));
}

/** Every volume, with its age. */
export function listVolumes(volumes: string): RuntimeObject[] {
  return readdirSync(volumes, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith(UNFINISHED))
    .flatMap(({ name }) => {
      const volume = readVolume(volumes, name);
      if (volume === null) return [];
      return {
        uuid: name,
        uid: volume.claimUid,
        generation: null,
        ageSeconds: (Date.now() - volume.createdAt) / 1_000,
      };
    });
}

function readVolume(volumes: string, uuid: string): z.infer<typeof VolumeRecord> | null {
  let text: string;
  try {
    text = readFileSync(join(volumes, uuid, RECORD), 'utf8');
  } catch {
    // No volume.
    return null;
  }
  return VolumeRecord.parse(JSON.parse(text));
}

/** Asynchronously: a large tree takes seconds, in which this process has other sessions to look after. */
async function removeTree(folder: string): Promise<void> {
  try {
    // Unlike Node's own it knows paths longer than a system call takes, and names that are no UTF-8.
    await runFile('rm', ['-rf', folder]);
  } catch {
    // A program has closed a folder to its own user: open them all, from each one's parent, and try once more.
    const open = ['-type', 'd', '!', '-perm', '-u=rwx', '-execdir', 'chmod', 'u+rwx', '{}', ';'];
    await runFile('find', [folder, ...open]);
    await runFile('rm', ['-rf', folder]);
  }
}

/** Gives the workspace to the user of its programs where it belongs to another: Berth ran without a sandbox before. */
export async function giveWorkspace(workspace: string, owner: number): Promise<void> {
  if (statSync(workspace).uid === owner) return;
  // -h and -R: links themselves are given, and never followed.
  await runFile('chown', ['-hR', `${owner}:${owner}`, workspace]);
}
