import { createHash } from 'node:crypto';
import { readdirSync, rmSync } from 'node:fs';
import type { AgentChange } from '#platform/agent/AgentClient.ts';

/** SHA-256 in hexadecimal. */
export function digest(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}

/** A write of a text; expects nothing there unless said otherwise. */
export function writing(
  path: string,
  text: string,
  changes: { expected?: string | null; executable?: boolean } = {},
): AgentChange {
  const bytes = Buffer.from(text);
  return {
    op: 'write',
    path,
    type: 'file',
    bytes,
    sha256: digest(text),
    expected: null,
    executable: false,
    ...changes,
  };
}

/** A write of a symlink. */
export function linking(path: string, target: string, expected: string | null = null): AgentChange {
  const bytes = Buffer.from(target);
  return { op: 'write', path, type: 'symlink', bytes, sha256: digest(target), expected, executable: false };
}

/** Removes everything but the sentinel, also names that are no UTF-8. */
export function emptyWorkspace(workspace: string): void {
  for (const name of readdirSync(workspace, 'buffer')) {
    if (name.toString() === '.berth-volume') continue;
    rmSync(Buffer.concat([Buffer.from(`${workspace}/`), name]), { recursive: true, force: true });
  }
}
