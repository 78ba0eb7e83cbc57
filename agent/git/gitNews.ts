import { createHash } from 'node:crypto';
import { closeSync } from 'node:fs';
import { systemCode } from '#agent/failure.ts';
import type { Workspace } from '#agent/files/folders.ts';
import { measureGit, openGit } from '#agent/git/measure.ts';

/** All `.git` folders together, as they were when they were looked at. */
export interface GitState {
  token: string;
  /** When one of them was changed last, in milliseconds since 1970. */
  changedAt: number;
}

/** Looks at the `.git` folders at the paths; null where there are none. */
export async function lookAtAllGit(workspace: Workspace, paths: string[]): Promise<GitState | null> {
  if (paths.length === 0) return null;
  const hash = createHash('sha256');
  let changedAt = 0;
  for (const path of paths) {
    try {
      const folder = openGit(workspace, path);
      try {
        const measure = await measureGit(folder, Infinity);
        hash.update(`${path}\0${measure.fingerprint}\0`);
        changedAt = Math.max(changedAt, measure.changedAt);
      } finally {
        closeSync(folder);
      }
    } catch (error) {
      // Gone or closed to us since it was listed: its path is not in the token, which tells that as well.
      if (systemCode(error) === '') throw error;
    }
  }
  return { token: hash.digest('hex'), changedAt };
}
