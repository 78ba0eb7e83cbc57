import { closeSync, readdirSync } from 'node:fs';
import { SENTINEL_NAME } from '#shared/contracts/agentProtocol.ts';
import { UNPACKING_PREFIX } from '#shared/domain/gitFolders.ts';
import { MAX_PATH_DEPTH, RESERVED_PREFIX } from '#shared/domain/paths.ts';
import { openFolderIn, type Workspace } from '#agent/files/folders.ts';
import { Pace } from '#agent/files/pace.ts';

/** Folders that are looked into at the start; a tree with more is left as it is. */
const MAX_FOLDERS = 20_000;

/** Begins the names of displaced files; the first digits of the expected digest follow. */
export const DISPLACED_PREFIX = `${RESERVED_PREFIX}old-`;
/** Begins the names of files that are being written. */
export const TEMPORARY_PREFIX = `${RESERVED_PREFIX}new-`;
/** A `.git` folder that is being unpacked: the prefix and a random uuid. */
const DRAFT_FOLDER = new RegExp(`^${UNPACKING_PREFIX.replaceAll('.', '\\.')}[0-9a-f-]{36}$`);

const RECORDING = new RegExp(`^${RESERVED_PREFIX.replaceAll('.', '\\.')}recording-([0-9a-f-]{36})\\.cast$`);

/** The name of a recording's file at the top of the volume. */
export function recordingName(id: string): string {
  return `${RESERVED_PREFIX}recording-${id}.cast`;
}

/** The id in the name of a recording's file; null for any other name. */
export function recordingIdOf(name: string): string | null {
  return RECORDING.exec(name)?.[1] ?? null;
}

/** True of what the agent itself puts onto the volume. Anything else with a reserved name is somebody's, and is not saved. */
export function isOwn(path: string, { name, isFolder }: { name: string; isFolder: boolean }): boolean {
  if (isFolder) return DRAFT_FOLDER.test(name);
  if (path === SENTINEL_NAME || recordingIdOf(path) !== null) return true;
  return name.startsWith(DISPLACED_PREFIX) || name.startsWith(TEMPORARY_PREFIX);
}

/** Files and draft folders of the agent itself that an earlier run left behind. */
export async function walkReserved(workspace: Workspace): Promise<{ folders: string[]; name: string }[]> {
  const found: { folders: string[]; name: string }[] = [];
  const pace = new Pace();
  let looked = 0;

  async function enter(folder: number, folders: string[]): Promise<void> {
    looked += 1;
    for (const entry of readdirSync(`/proc/self/fd/${folder}`, { withFileTypes: true })) {
      if (pace.due) await pace.breathe();
      const { name } = entry;
      const path = [...folders, name].join('/');
      const isOurs = isOwn(path, { name, isFolder: entry.isDirectory() });
      if (isOurs && path !== SENTINEL_NAME) found.push({ folders, name });
      const enters = entry.isDirectory() && !isOurs && name !== 'node_modules' && name !== '.git';
      if (enters && looked < MAX_FOLDERS && folders.length < MAX_PATH_DEPTH) await descend(folder, [...folders, name]);
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
