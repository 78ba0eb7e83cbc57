import { createHash } from 'node:crypto';
import { closeSync, fstatSync, readdirSync, readlinkSync, type BigIntStats } from 'node:fs';
import { GIT_UNREADABLE_REASON } from '#shared/domain/gitFolders.ts';
import { findPathProblem } from '#shared/domain/paths.ts';
import { systemCode } from '#agent/failure.ts';
import { statIn } from '#agent/files/digest.ts';
import { openFolderIn, splitPath, within, type Workspace } from '#agent/files/folders.ts';
import { Pace } from '#agent/files/pace.ts';
import {
  GitRefusal,
  MAX_GIT_ENTRIES,
  PACK_END,
  packedSize,
  staysInside,
  type GitEntry,
} from '#agent/git/packFormat.ts';

/** A lock that is older was left by a program that died. */
const LOCK_COUNTS_MS = 600_000;

/** A `.git` folder, measured without reading its files. */
export interface GitMeasure {
  entries: GitEntry[];
  /** Bytes of its pack. */
  size: number;
  /** Another one as soon as anything in it was written, made or removed; moving the folder leaves it. */
  fingerprint: string;
  /** Another one when the folder was made anew. */
  identity: string;
  /** When it was changed last, in milliseconds since 1970. */
  changedAt: number;
  /** A program is at work in it. */
  locked: boolean;
  /** Why it cannot be packed, else null; what was measured is then not all. */
  refusal: string | null;
}

/** Opens the `.git` folder at the path, without following a link. Throws what the system says. The caller closes it. */
export function openGit(workspace: Workspace, path: string): number {
  const { folders, name } = splitPath(path);
  const parent = workspace.open(folders, false);
  try {
    return openFolderIn(parent, name);
  } finally {
    if (parent !== workspace.root) closeSync(parent);
  }
}

/** Measures an open `.git` folder; ends early when its pack would be larger than that. */
export async function measureGit(folder: number, maxBytes: number): Promise<GitMeasure> {
  return new Measuring(folder, maxBytes).run();
}

class Measuring {
  readonly #root: number;
  readonly #maxBytes: number;
  readonly #hash = createHash('sha256');
  readonly #pace = new Pace();
  readonly #entries: GitEntry[] = [];
  #size = PACK_END.byteLength;
  #changedNs = 0n;
  #locked = false;

  constructor(root: number, maxBytes: number) {
    this.#root = root;
    this.#maxBytes = maxBytes;
  }

  async run(): Promise<GitMeasure> {
    const { ino, birthtimeNs } = fstatSync(this.#root, { bigint: true });
    const refusal = await this.#refusalOf(() => this.#enter(this.#root, ''));
    return {
      entries: this.#entries,
      size: this.#size,
      fingerprint: this.#hash.digest('hex'),
      identity: `${ino}:${birthtimeNs}`,
      changedAt: Number(this.#changedNs / 1_000_000n),
      locked: this.#locked,
      refusal,
    };
  }

  async #refusalOf(work: () => Promise<void>): Promise<string | null> {
    try {
      await work();
      return null;
    } catch (error) {
      if (error instanceof GitRefusal) return error.message;
      // What goes in this moment shows in the next measure; a part that is closed to us will not open by itself.
      if (['ENOENT', 'ENOTDIR', 'ELOOP'].includes(systemCode(error))) {
        this.#locked = true;
        return null;
      }
      if (systemCode(error) === '') throw error;
      return GIT_UNREADABLE_REASON;
    }
  }

  async #enter(folder: number, prefix: string): Promise<void> {
    this.#noteChange(fstatSync(folder, { bigint: true }));
    // The types do not know names as bytes together with a path of text.
    const names = readdirSync(within(folder, ''), { encoding: 'buffer' }).sort(Buffer.compare);
    for (const raw of names) {
      if (this.#pace.due) await this.#pace.breathe();
      const name = raw.toString('utf8');
      const stat = statIn(folder, name);
      if (stat !== null) await this.#visit({ folder, name, path: prefix + name, stat });
      else if (!Buffer.from(name).equals(raw)) throw new GitRefusal('git-bad-name');
    }
  }

  async #visit(found: { folder: number; name: string; path: string; stat: BigIntStats }): Promise<void> {
    const { folder, name, path, stat } = found;
    // A daemon's socket is of no use to anybody later.
    if (!stat.isDirectory() && !stat.isFile() && !stat.isSymbolicLink()) return;
    if (findPathProblem(path) !== null) throw new GitRefusal('git-bad-name');
    if (stat.isDirectory()) {
      this.#add({ type: 'folder', path }, '');
      const inner = openFolderIn(folder, name);
      try {
        await this.#enter(inner, `${path}/`);
      } finally {
        closeSync(inner);
      }
      return;
    }
    const key = `${stat.mode}:${stat.size}:${stat.mtimeNs}:${stat.ctimeNs}:${stat.ino}`;
    this.#noteChange(stat);
    if (stat.isSymbolicLink()) {
      const target = readlinkSync(within(folder, name));
      if (!staysInside(path, target)) throw new GitRefusal('git-outside-link');
      this.#add({ type: 'link', path, target }, key);
      return;
    }
    const mode = Number(stat.mode & 0o777n);
    if ((mode & 0o400) === 0) throw new GitRefusal(GIT_UNREADABLE_REASON);
    if (name.endsWith('.lock') && Date.now() - Number(stat.mtimeMs) < LOCK_COUNTS_MS) this.#locked = true;
    this.#add({ type: 'file', path, mode, size: Number(stat.size) }, key);
  }

  #add(entry: GitEntry, key: string): void {
    this.#entries.push(entry);
    this.#size += packedSize(entry);
    if (this.#size > this.#maxBytes) throw new GitRefusal('git-too-large');
    if (this.#entries.length > MAX_GIT_ENTRIES) throw new GitRefusal('git-too-many');
    this.#hash.update(`${entry.type} ${entry.path}\0${key}\0`);
  }

  #noteChange({ ctimeNs }: BigIntStats): void {
    if (ctimeNs > this.#changedNs) this.#changedNs = ctimeNs;
  }
}
