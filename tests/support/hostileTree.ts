import {
  chmodSync,
  closeSync,
  constants,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';

/** Something to be made on a volume, at a path whose names are bytes: a name need not be text. */
export type HostileEntry =
  | { kind: 'file'; names: Buffer[]; bytes: Buffer; executable: boolean }
  | { kind: 'folder'; names: Buffer[] }
  | { kind: 'link'; names: Buffer[]; target: Buffer };

/** Something found on a volume. `bytes` are a file's, or a link's target; null for a folder. */
export interface FoundEntry {
  names: Buffer[];
  kind: HostileEntry['kind'];
  bytes: Buffer | null;
  executable: boolean;
}

/** What a file system may refuse: such an entry is simply not there. */
const REFUSED = new Set(['EEXIST', 'ENOTDIR', 'EISDIR', 'ENAMETOOLONG', 'ELOOP', 'EINVAL', 'ENOENT', 'EILSEQ']);

/**
 * Makes an entry below `root` with the folders above it, from folder to folder: a path may be longer than one system call
 * takes. What the file system refuses is left out.
 */
export function makeEntry(root: string, entry: HostileEntry): void {
  const opened = [openFolder(Buffer.from(root))];
  try {
    for (const name of entry.names.slice(0, -1)) opened.push(enterFolder(opened.at(-1)!, name));
    const at = inFolder(opened.at(-1)!, entry.names.at(-1)!);
    if (entry.kind === 'folder') mkdirSync(at);
    else if (entry.kind === 'link') symlinkSync(entry.target, at);
    else {
      writeFileSync(at, entry.bytes, { flag: 'wx' });
      chmodSync(at, entry.executable ? 0o755 : 0o644);
    }
  } catch (error) {
    if (!REFUSED.has((error as NodeJS.ErrnoException).code ?? '')) throw error;
  } finally {
    for (const folder of opened) closeSync(folder);
  }
}

/** Everything below `root` but the reserved names that Berth itself uses there, without following a link. */
export function readEntries(root: string): FoundEntry[] {
  const found: FoundEntry[] = [];
  const enter = (folder: number, above: Buffer[]): void => {
    const directory = readdirSync(`/proc/self/fd/${String(folder)}`, { encoding: 'buffer' });
    for (const name of directory.sort((left, right) => Buffer.compare(left, right))) {
      const at = inFolder(folder, name);
      const names = [...above, name];
      const stat = lstatSync(at);
      if (stat.isDirectory()) {
        found.push({ names, kind: 'folder', bytes: null, executable: false });
        const inner = openFolder(at);
        enter(inner, names);
        closeSync(inner);
      } else if (stat.isSymbolicLink()) {
        found.push({ names, kind: 'link', bytes: readlinkSync(at, 'buffer'), executable: false });
      } else {
        found.push({ names, kind: 'file', bytes: readFileSync(at), executable: (stat.mode & 0o100) !== 0 });
      }
    }
  };
  const folder = openFolder(Buffer.from(root));
  try {
    enter(folder, []);
  } finally {
    closeSync(folder);
  }
  return found;
}

function enterFolder(folder: number, name: Buffer): number {
  const at = inFolder(folder, name);
  try {
    mkdirSync(at);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  return openFolder(at);
}

function openFolder(at: Buffer): number {
  return openSync(at, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
}

function inFolder(folder: number, name: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`/proc/self/fd/${String(folder)}/`), name]);
}
