import { fstatSync, readdirSync, watch as watchFolder, type FSWatcher } from 'node:fs';
import { createHash } from 'node:crypto';
import { createIgnoreRules } from '#shared/domain/ignore.ts';
import { RESERVED_PREFIX } from '#shared/domain/paths.ts';
import type { Workspace } from '#agent/files/folders.ts';
import { walkWorkspace } from '#agent/files/walk.ts';
import { lookAtAllGit, type GitState } from '#agent/git/gitNews.ts';

/** Hints that come closely together are told as one. */
const GATHER_MS = 50;
/** Paths in one hint; more become "anything". */
const MAX_HINTED = 200;
/** Bytes of paths in one hint, which is one frame. */
const MAX_HINT_BYTES = 128 * 1024;
/** Folders that are watched; a larger tree is looked through instead. */
const MAX_WATCHED = 2_000;
/** How often the tree is looked through while something goes on, for what the kernel dropped or was never asked to tell. */
const LOOK_EVERY_MS = 2_000;
/** How often when nothing has happened for a while. */
const IDLE_LOOK_EVERY_MS = 30_000;
const BUSY_MS = 60_000;
/** A look may take at most this part of the time. */
const LOOK_SHARE = 20;

/** Tells when something in the workspace may have changed. */
export class WorkspaceWatch {
  #workspace: Workspace;
  #lastActiveMs: () => number | null;
  #listeners = new Set<(paths: string[]) => void>();
  #watchers = new Map<string, FSWatcher>();
  #hinted = new Set<string>();
  #gather: NodeJS.Timeout | null = null;
  #look: NodeJS.Timeout | null = null;
  #fingerprint: string | null = null;
  #lastHintAt = 0;
  /** When the kernel last told of a change, in milliseconds since 1970. */
  #lastToldAt = 0;
  /** All `.git` folders at the last look; null where there are none, and while nobody watches. */
  git: GitState | null = null;

  /** `lastActiveMs`: milliseconds since the terminals were last used, null for never. */
  constructor(workspace: Workspace, lastActiveMs: () => number | null) {
    this.#workspace = workspace;
    this.#lastActiveMs = lastActiveMs;
  }

  /** Calls back at each hint, with the paths, or none for "anything". Returns the way to stop. */
  subscribe(listener: (paths: string[]) => void): () => void {
    this.#listeners.add(listener);
    if (this.#listeners.size === 1) this.#begin();
    return () => {
      if (this.#listeners.delete(listener) && this.#listeners.size === 0) this.#end();
    };
  }

  #begin(): void {
    this.#lastHintAt = performance.now();
    this.#watchTree('');
    this.#scheduleLook(0);
  }

  #end(): void {
    for (const watcher of this.#watchers.values()) watcher.close();
    this.#watchers.clear();
    if (this.#gather !== null) clearTimeout(this.#gather);
    if (this.#look !== null) clearTimeout(this.#look);
    this.#gather = null;
    this.#look = null;
    this.#fingerprint = null;
    this.git = null;
    this.#hinted.clear();
  }

  /** Watches a folder and all below it. Links are not followed: withFileTypes tells a link from a folder. */
  #watchTree(path: string): void {
    if (!this.#watchOne(path)) return;
    for (const name of this.#foldersIn(path)) this.#watchTree(path === '' ? name : `${path}/${name}`);
  }

  #foldersIn(path: string): string[] {
    try {
      return readdirSync(`${this.#workspace.path}/${path}`, { withFileTypes: true })
        .filter((entry) => entry.isDirectory() && !this.#isUnwatched(entry.name))
        .map((entry) => entry.name);
    } catch {
      // Gone or unreadable; the next look tells.
      return [];
    }
  }

  #watchOne(path: string): boolean {
    if (this.#watchers.has(path)) return true;
    if (this.#watchers.size >= MAX_WATCHED) return false;
    try {
      const watcher = watchFolder(`${this.#workspace.path}/${path}`, { persistent: false });
      watcher.on('change', (event, name) => this.#noticed(path, { event, name: name?.toString() ?? null }));
      watcher.on('error', () => this.#forget(path));
      this.#watchers.set(path, watcher);
      return true;
    } catch {
      // Out of inotify watches or instances, or the folder is gone: looking through the tree does without.
      return false;
    }
  }

  #forget(path: string): void {
    for (const [watched, watcher] of this.#watchers) {
      if (watched !== path && !watched.startsWith(`${path}/`)) continue;
      watcher.close();
      this.#watchers.delete(watched);
    }
  }

  #noticed(folder: string, { event, name }: { event: string; name: string | null }): void {
    if (name !== null && this.#isUnwatched(name)) return;
    const path = name === null ? folder : folder === '' ? name : `${folder}/${name}`;
    if (event === 'rename' && name !== null) {
      // Made, moved or removed: a watch on the folder of that name would be on the wrong one.
      this.#forget(path);
      if (this.#foldersIn(folder).includes(name)) this.#watchTree(path);
    }
    this.#lastToldAt = Date.now();
    this.#hint(path);
  }

  #isUnwatched(name: string): boolean {
    return name.startsWith(RESERVED_PREFIX) || name === 'node_modules' || name === '.git';
  }

  #hint(path: string): void {
    this.#lastHintAt = performance.now();
    if (this.#hinted.size <= MAX_HINTED) this.#hinted.add(path);
    this.#gather ??= setTimeout(() => this.#tell(), GATHER_MS);
  }

  #tell(): void {
    this.#gather = null;
    const paths = this.#hinted.size > MAX_HINTED || this.#hinted.has('') ? [] : [...this.#hinted];
    // JSON may need six bytes for one of a name's.
    const told = Buffer.byteLength(JSON.stringify(paths)) > MAX_HINT_BYTES ? [] : paths;
    this.#hinted.clear();
    for (const listener of this.#listeners) listener(told);
  }

  #scheduleLook(delay: number): void {
    this.#look = setTimeout(() => {
      void this.#lookThrough().then((tookMs) => {
        if (this.#listeners.size > 0) this.#scheduleLook(Math.max(this.#pauseMs(), tookMs * LOOK_SHARE));
      });
    }, delay);
  }

  #pauseMs(): number {
    const quietMs = Math.min(performance.now() - this.#lastHintAt, this.#lastActiveMs() ?? Infinity);
    return quietMs < BUSY_MS ? LOOK_EVERY_MS : IDLE_LOOK_EVERY_MS;
  }

  async #lookThrough(): Promise<number> {
    const started = performance.now();
    try {
      const { fingerprint, changedAt } = await this.#takeFingerprint();
      const isNews = this.#fingerprint !== null && fingerprint !== this.#fingerprint;
      // Who was told of a change scans everything: what is no newer is known, and a second scan would be for nothing.
      if (isNews && changedAt > this.#lastToldAt) this.#hint('');
      this.#fingerprint = fingerprint;
    } catch {
      // A root that cannot be listed is for the scan to tell, which reports it to its caller.
      this.#hint('');
    }
    return performance.now() - started;
  }

  /** A digest of all that a scan would find changed, and when the newest change was made, in milliseconds since 1970. */
  async #takeFingerprint(): Promise<{ fingerprint: string; changedAt: number }> {
    const { candidates, git } = await walkWorkspace({
      root: this.#workspace.root,
      rules: createIgnoreRules(''),
      keep: new Set(),
      maxFileBytes: Number.MAX_SAFE_INTEGER,
    });
    this.git = await lookAtAllGit(this.#workspace, git);
    const hash = createHash('sha256');
    // A deletion shows in the change time of the folder, which may be the root.
    let changedAt = fstatSync(this.#workspace.root, { bigint: true }).ctimeMs;
    for (const { path, type, stat } of candidates) {
      if (stat.ctimeMs > changedAt) changedAt = stat.ctimeMs;
      // A folder's own times change with everything in it, which is listed anyway.
      hash.update(
        type === 'folder' ? `${path}/\0` : `${path}\0${stat.size}:${stat.mtimeNs}:${stat.mode}:${stat.ino}\0`,
      );
    }
    return { fingerprint: hash.digest('hex'), changedAt: Number(changedAt) };
  }
}
