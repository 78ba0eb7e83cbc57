import { closeSync, readdirSync } from 'node:fs';
import { SENTINEL_NAME } from '#shared/contracts/agentProtocol.ts';
import { UNPACKING_PREFIX } from '#shared/domain/gitFolders.ts';
import { MAX_PATH_DEPTH, RESERVED_PREFIX } from '#shared/domain/paths.ts';
import { openFolderIn, type Workspace } from '#agent/files/folders.ts';
import { Pace } from '#agent/files/pace.ts';

/** Folders that are looked into at the start; a tree with more is left as it is. */
const MAX_FOLDERS = 20_000;

/** Files and draft folders of the agent itself that an earlier run left behind. */
export async function walkReserved(workspace: Workspace): Promise<{ folders: string[]; name: string }[]> {
  const found: { folders: string[]; name: string }[] = [];
  const pace = new Pace();
  let looked = 0;

  async function enter(folder: number, folders: string[]): Promise<void> {
    looked += 1;
    for (const entry of readdirSync(`/proc/self/fd/${folder}`, { withFileTypes: true })) {
      if (pace.due) await pace.breathe();
      const reserved = entry.name.startsWith(RESERVED_PREFIX);
      const isDraft = entry.name.startsWith(UNPACKING_PREFIX);
      const isOurs = reserved && entry.name !== SENTINEL_NAME && (isDraft || !entry.isDirectory());
      if (isOurs) found.push({ folders, name: entry.name });
      const enters = entry.isDirectory() && !isDraft && entry.name !== 'node_modules' && entry.name !== '.git';
      if (enters && looked < MAX_FOLDERS && folders.length < MAX_PATH_DEPTH)
        await descend(folder, [...folders, entry.name]);
    }
  }

  async function descend(folder: number, folders: string[]): Promise<void> {
    let inner: number;
    try {
      inner = openFolderIn(folder, folders.at(-1) ?? '');
    } catch {
      // Unreadable or gone: nothing of ours can be reached there.
      return;
    }
    try {
      await enter(inner, folders);
    } finally {
      closeSync(inner);
    }
  }

  await enter(workspace.root, []);
  return found;
}
