import { closeSync, opendirSync, readlinkSync, type BigIntStats } from 'node:fs';
import type { IgnoreRules } from '#shared/domain/ignore.ts';
import { GIT_REASON, MAX_GIT_FOLDERS } from '#shared/domain/gitFolders.ts';
import {
  findPathProblem,
  isInsideLink,
  MAX_PATH_BYTES,
  MAX_PATH_DEPTH,
  RESERVED_PREFIX,
} from '#shared/domain/paths.ts';
import { systemCode } from '#agent/failure.ts';
import { statIn } from '#agent/files/digest.ts';
import { openFolderIn, within } from '#agent/files/folders.ts';
import { Pace } from '#agent/files/pace.ts';
import { isOwn } from '#agent/files/reserved.ts';
import { LOST_AND_FOUND } from '#agent/files/sentinel.ts';

/** Names that one walk looks at, saved or not; beyond them the walk is not complete. */
const MAX_VISITED = 200_000;
/** Entries not saved that are told when nothing of the database is at their path. */
const MAX_TOLD = 1_000;

/** A name that may be saved, as the walk found it. */
export interface Candidate {
  path: string;
  type: 'file' | 'folder' | 'symlink';
  stat: BigIntStats;
  target: string | null;
}

/** What a walk found. */
export interface Walk {
  candidates: Candidate[];
  notSaved: { path: string; reason: string }[];
  /** The `.git` folders, which are also among what is not saved. */
  git: string[];
  complete: boolean;
}

/** What a walk works with. `keep` are the paths with a row: no ignore rule applies to them. */
export interface WalkOptions {
  root: number;
  rules: IgnoreRules;
  keep: ReadonlySet<string>;
  maxFileBytes: number;
}

/** Goes through the workspace without following a link and without reading a file. */
export async function walkWorkspace(options: WalkOptions): Promise<Walk> {
  return new Walker(options).run();
}

class Walker {
  #options: WalkOptions;
  #keptFolders: Set<string>;
  #pace = new Pace();
  #visited = 0;
  #told = 0;
  #walk: Walk = { candidates: [], notSaved: [], git: [], complete: true };

  constructor(options: WalkOptions) {
    this.#options = options;
    this.#keptFolders = foldersOf(options.keep);
  }

  async run(): Promise<Walk> {
    await this.#enter(this.#options.root, '');
    return this.#walk;
  }

  async #enter(folder: number, prefix: string): Promise<void> {
    for (const raw of await this.#names(folder)) {
      if (this.#pace.due) await this.#pace.breathe();
      this.#visited += 1;
      if (this.#visited > MAX_VISITED) {
        this.#walk.complete = false;
        return;
      }
      await this.#visit({ folder, prefix, raw });
    }
  }

  async #names(folder: number): Promise<Buffer[]> {
    const names: Buffer[] = [];
    // Names as bytes: a name that is no UTF-8 must be told, not confused with another. The types do not know this use.
    const directory = opendirSync(`/proc/self/fd/${folder}`, { encoding: 'buffer' as BufferEncoding, bufferSize: 128 });
    try {
      for (let entry = directory.readSync(); entry !== null; entry = directory.readSync()) {
        names.push(entry.name as unknown as Buffer);
        if (names.length > MAX_VISITED) break;
        if (this.#pace.due) await this.#pace.breathe();
      }
    } finally {
      directory.closeSync();
    }
    return names.sort(Buffer.compare);
  }

  async #visit({ folder, prefix, raw }: { folder: number; prefix: string; raw: Buffer }): Promise<void> {
    const name = raw.toString('utf8');
    const path = prefix + name;
    const problem = nameProblem(path, raw);
    if (problem !== null && !name.startsWith(RESERVED_PREFIX)) return this.#skip(path, problem);
    const stat = statIn(folder, name);
    if (stat === null || this.#isOfFileSystem(path, stat) || isOwn(path, { name, isFolder: stat.isDirectory() }))
      return;
    if (problem !== null) return this.#skip(path, problem);
    if (stat.isDirectory()) return this.#visitFolder({ folder, name, path, stat });
    const reason = this.#reasonAgainst({ folder, name, path, stat });
    if (reason !== null) return this.#skip(path, reason);
    const target = stat.isSymbolicLink() ? readlinkSync(within(folder, name)) : null;
    this.#walk.candidates.push({ path, type: target === null ? 'file' : 'symlink', stat, target });
  }

  async #visitFolder(found: { folder: number; name: string; path: string; stat: BigIntStats }): Promise<void> {
    const { path, name } = found;
    if (name === '.git') return this.#skipGit(path);
    if (this.#ignored(path, 'folder') && !this.#keptFolders.has(path)) return this.#skip(path, 'ignored');
    let inner: number;
    try {
      inner = openFolderIn(found.folder, name);
    } catch (error) {
      if (systemCode(error) === 'ENOENT' || systemCode(error) === 'ENOTDIR' || systemCode(error) === 'ELOOP') return;
      this.#walk.complete = false;
      return this.#skip(path, 'unreadable');
    }
    try {
      this.#walk.candidates.push({ path, type: 'folder', stat: found.stat, target: null });
      await this.#enter(inner, `${path}/`);
    } catch (error) {
      // Anything that keeps a folder from being listed makes the whole walk no evidence of a deletion.
      this.#walk.complete = false;
      this.#skip(path, `unreadable ${systemCode(error)}`.trim());
    } finally {
      closeSync(inner);
    }
  }

  /** Every new ext4 volume has it: it must not count as something that could not be saved. */
  #isOfFileSystem(path: string, stat: BigIntStats): boolean {
    if (path !== LOST_AND_FOUND || !stat.isDirectory() || stat.uid === BigInt(process.getuid?.() ?? 0)) return false;
    return !this.#options.keep.has(path) && !this.#keptFolders.has(path);
  }

  #reasonAgainst(found: { folder: number; name: string; path: string; stat: BigIntStats }): string | null {
    const { path, stat } = found;
    if (stat.isSymbolicLink()) {
      if (this.#ignored(path, 'symlink')) return 'ignored';
      return isInsideLink(path, readTarget(found.folder, found.name)) ? null : 'outside-link';
    }
    if (!stat.isFile()) return 'special';
    if (this.#ignored(path, 'file')) return 'ignored';
    return stat.size > BigInt(this.#options.maxFileBytes) ? 'too-large' : null;
  }

  #ignored(path: string, type: 'file' | 'folder' | 'symlink'): boolean {
    return !this.#options.keep.has(path) && this.#options.rules.ignores(path, type);
  }

  /** A repository's own folder is never saved file by file, but packed: half of it would be worse than none. */
  #skipGit(path: string): void {
    if (this.#ignored(path, 'folder')) return this.#skip(path, 'ignored');
    // Told whatever else is not saved: where one is not named it counts as gone.
    if (this.#walk.git.length < MAX_GIT_FOLDERS) this.#walk.notSaved.push({ path, reason: GIT_REASON });
    else this.#walk.complete = false;
    this.#walk.git.push(path);
  }

  #skip(path: string, reason: string): void {
    const kept = this.#options.keep.has(path);
    if (!kept && this.#told >= MAX_TOLD) return;
    if (!kept) this.#told += 1;
    this.#walk.notSaved.push({ path: path.slice(0, 8_000), reason });
  }
}

function readTarget(folder: number, name: string): string {
  const target = readlinkSync(within(folder, name), 'buffer');
  const text = target.toString('utf8');
  // An empty target counts as outside: a link whose target is no UTF-8 could not be made again.
  return Buffer.from(text, 'utf8').equals(target) ? text : '';
}

function nameProblem(path: string, raw: Buffer): string | null {
  if (findPathProblem(path) === null) return null;
  const tooDeep = Buffer.byteLength(path) > MAX_PATH_BYTES || path.split('/').length > MAX_PATH_DEPTH;
  return tooDeep && raw.toString('utf8').isWellFormed() ? 'too-deep' : 'bad-name';
}

function foldersOf(paths: ReadonlySet<string>): Set<string> {
  const folders = new Set<string>();
  for (const path of paths) {
    for (let slash = path.lastIndexOf('/'); slash > 0; slash = path.lastIndexOf('/', slash - 1)) {
      const folder = path.slice(0, slash);
      if (folders.has(folder)) break;
      folders.add(folder);
    }
  }
  return folders;
}
