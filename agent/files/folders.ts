import { closeSync, constants, mkdirSync, openSync } from 'node:fs';
import { systemCode } from '#agent/failure.ts';

const FOLDER_FLAGS = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;

/**
 * The name inside an open folder, as a path that cannot be led elsewhere: Node has no openat, but the kernel resolves
 * /proc/self/fd/N to the very folder that was opened, whatever has been renamed or linked since.
 */
export function within(folder: number, name: string): string {
  return `/proc/self/fd/${folder}/${name}`;
}

/** Opens a folder inside an open folder without following a link. The caller closes it. */
export function openFolderIn(folder: number, name: string): number {
  return openSync(within(folder, name), FOLDER_FLAGS);
}

/** The workspace, opened once. Every access starts from it, folder by folder. */
export class Workspace {
  readonly root: number;
  readonly path: string;

  constructor(path: string) {
    this.path = path;
    // The root itself may be reached through links; what is below it may not.
    this.root = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
  }

  /** Runs `work` with the opened folder that holds the path. `create` makes missing folders. Null names: the root. */
  async inFolder<T>(
    names: string[],
    work: (folder: number) => T | Promise<T>,
    options: { create?: boolean } = {},
  ): Promise<T> {
    const folder = this.open(names, options.create ?? false);
    try {
      return await work(folder);
    } finally {
      if (folder !== this.root) closeSync(folder);
    }
  }

  /** Opens a folder of the workspace; the caller closes it unless it is the root. */
  open(names: string[], create: boolean): number {
    let folder = this.root;
    for (const name of names) {
      let next: number;
      try {
        next = create ? openOrMakeFolder(folder, name) : openFolderIn(folder, name);
      } finally {
        if (folder !== this.root) closeSync(folder);
      }
      folder = next;
    }
    return folder;
  }
}

function openOrMakeFolder(folder: number, name: string): number {
  try {
    return openFolderIn(folder, name);
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error;
    makeFolder(folder, name);
    return openFolderIn(folder, name);
  }
}

/** Makes a folder unless something is there. */
function makeFolder(folder: number, name: string): void {
  try {
    mkdirSync(within(folder, name), 0o755);
  } catch (error) {
    if (systemCode(error) !== 'EEXIST') throw error;
  }
}

/** The folder that was opened last, held open: in a batch the next file mostly lies beside it. */
export class LastFolder {
  readonly #workspace: Workspace;
  readonly #create: boolean;
  #path: string | null = null;
  #folder = 0;

  /** `create` makes missing folders. */
  constructor(workspace: Workspace, { create }: { create: boolean }) {
    this.#workspace = workspace;
    this.#create = create;
  }

  /** The opened folder of those names. It is good until the next call. */
  open(names: string[]): number {
    const path = names.join('/');
    if (path === this.#path) return this.#folder;
    this.close();
    this.#folder = this.#workspace.open(names, this.#create);
    this.#path = path;
    return this.#folder;
  }

  close(): void {
    if (this.#path !== null && this.#folder !== this.#workspace.root) closeSync(this.#folder);
    this.#path = null;
  }
}

/** The names of the folders above a path, and its last name. */
export function splitPath(path: string): { folders: string[]; name: string } {
  const names = path.split('/');
  const name = names.pop() ?? '';
  return { folders: names, name };
}
