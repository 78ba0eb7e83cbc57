import { closeSync, constants, fsyncSync, linkSync, openSync, readdirSync, unlinkSync, writeSync } from 'node:fs';
import { SENTINEL_NAME, type Sentinel } from '#shared/contracts/agentProtocol.ts';
import { temporaryName } from '#agent/files/displaced.ts';
import { within, type Workspace } from '#agent/files/folders.ts';
import type { z } from 'zod';

/** What a file system puts onto every volume by itself. */
export const LOST_AND_FOUND = 'lost+found';

/**
 * Writes down on an empty volume which one it is. A volume with anything on it is left as it is: with another's sentinel
 * or with none it is for the control plane to decide what it is, and files of unknown origin must never pass for ours.
 */
export function writeSentinel(workspace: Workspace, volumeId: number): void {
  const names = readdirSync(within(workspace.root, '')).filter((name) => name !== LOST_AND_FOUND);
  if (names.length > 0) return;
  const draft = temporaryName();
  const flags = constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY | constants.O_NOFOLLOW;
  const file = openSync(within(workspace.root, draft), flags, 0o644);
  try {
    writeSync(file, JSON.stringify({ volumeId } satisfies z.infer<typeof Sentinel>));
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  // Under its name it is whole or not there; a draft that a crash leaves is removed at the next start.
  linkSync(within(workspace.root, draft), within(workspace.root, SENTINEL_NAME));
  unlinkSync(within(workspace.root, draft));
  fsyncSync(workspace.root);
}
