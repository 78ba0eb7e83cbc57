import { createHash } from 'node:crypto';
import { mergeText, decodeText } from '#shared/domain/mergeText.ts';
import {
  contestedPaths,
  planMerge,
  type MergedContent,
  type MergePlan,
  type TreeChanges,
  type TreeEntry,
} from '#shared/domain/merge.ts';
import { sameEntry } from '#shared/domain/mergeEntry.ts';
import { isBelow, joinPath, lastName, parentPath } from '#shared/domain/paths.ts';

/** One edit as a person or a program makes it; impossible ones are left out. */
export type Edit =
  | { kind: 'write'; path: string; content: string; executable: boolean }
  | { kind: 'line'; path: string; line: number; text: string }
  | { kind: 'mkdir'; path: string }
  | { kind: 'link'; path: string; target: string }
  | { kind: 'remove'; path: string }
  | { kind: 'move'; path: string; to: string }
  | { kind: 'chmod'; path: string };

/** Contents by digest: what versions and blobs are in the product. */
export class Contents {
  readonly byDigest = new Map<string, string>();

  keep(content: string): string {
    const sha256 = createHash('sha256').update(content).digest('hex');
    this.byDigest.set(sha256, content);
    return sha256;
  }

  read(sha256: string | null): string {
    const content = this.byDigest.get(sha256 ?? '');
    if (content === undefined) throw new Error('A content was lost.');
    return content;
  }
}

/** A tree in memory that takes edits as a file system does, and refuses what a file system refuses. */
export class SimulatedTree {
  readonly entries = new Map<string, TreeEntry>();
  readonly #contents: Contents;

  constructor(contents: Contents) {
    this.#contents = contents;
  }

  edit(edit: Edit): void {
    if (edit.kind === 'write') this.#put(edit.path, this.#file(edit.content, edit.executable));
    else if (edit.kind === 'line') this.#changeLine(edit);
    else if (edit.kind === 'mkdir') this.#put(edit.path, { type: 'folder', sha256: null, executable: false, size: 0 });
    else if (edit.kind === 'link') this.#put(edit.path, this.#link(edit.target));
    else if (edit.kind === 'remove') this.#removeAll(edit.path);
    else if (edit.kind === 'move') this.#move(edit.path, edit.to);
    else this.#toggleExecutable(edit.path);
  }

  /** Carries planned changes out in their order; throws where a real volume would refuse. */
  apply(changes: TreeChanges): void {
    for (const path of changes.removed) {
      if ([...this.entries.keys()].some((other) => isBelow(other, path))) throw new Error(`${path} is not empty.`);
      if (!this.entries.delete(path)) throw new Error(`${path} is not there.`);
    }
    for (const { path, entry } of changes.put) {
      const parent = parentPath(path);
      if (parent !== null && this.entries.get(parent)?.type !== 'folder') throw new Error(`${path} has no folder.`);
      const present = this.entries.get(path);
      if (present !== undefined && (present.type === 'folder') !== (entry.type === 'folder')) {
        throw new Error(`${path} is of another kind.`);
      }
      this.entries.set(path, entry);
    }
  }

  #file(content: string, executable: boolean): TreeEntry {
    const sha256 = this.#contents.keep(content);
    return { type: 'file', sha256, executable, size: Buffer.byteLength(content) };
  }

  #link(target: string): TreeEntry {
    return { type: 'symlink', sha256: this.#contents.keep(target), executable: false, size: Buffer.byteLength(target) };
  }

  #put(path: string, entry: TreeEntry): void {
    const present = this.entries.get(path);
    if (present !== undefined && (present.type === 'folder' || entry.type === 'folder')) return;
    for (let folder = parentPath(path); folder !== null; folder = parentPath(folder)) {
      const above = this.entries.get(folder);
      if (above !== undefined && above.type !== 'folder') return;
    }
    const missing: string[] = [];
    for (let folder = parentPath(path); folder !== null; folder = parentPath(folder)) missing.unshift(folder);
    for (const folder of missing) {
      if (!this.entries.has(folder)) {
        this.entries.set(folder, { type: 'folder', sha256: null, executable: false, size: 0 });
      }
    }
    this.entries.set(path, entry);
  }

  #changeLine({ path, line, text }: { path: string; line: number; text: string }): void {
    const entry = this.entries.get(path);
    if (entry?.type !== 'file') return;
    const lines = this.#contents.read(entry.sha256).split('\n');
    lines[line % lines.length] = text;
    this.entries.set(path, this.#file(lines.join('\n'), entry.executable));
  }

  #removeAll(path: string): void {
    for (const other of [...this.entries.keys()]) {
      if (other === path || isBelow(other, path)) this.entries.delete(other);
    }
  }

  #move(path: string, to: string): void {
    if (!this.entries.has(path) || this.entries.has(to) || path === to || isBelow(to, path)) return;
    const moved = [...this.entries].filter(([other]) => other === path || isBelow(other, path));
    const parent = parentPath(to);
    if (parent !== null && this.entries.get(parent)?.type !== 'folder') return;
    this.#removeAll(path);
    for (const [other, entry] of moved) this.entries.set(`${to}${other.slice(path.length)}`, entry);
  }

  #toggleExecutable(path: string): void {
    const entry = this.entries.get(path);
    if (entry?.type === 'file') this.entries.set(path, { ...entry, executable: !entry.executable });
  }
}

/** Both sides of a session and their base, in memory, with the same decisions as the product. */
export class Simulation {
  readonly contents = new Contents();
  readonly database = new SimulatedTree(this.contents);
  readonly pod = new SimulatedTree(this.contents);
  base = new Map<string, TreeEntry>();
  /** Digests that the database has held: each has a version. */
  readonly versions = new Set<string>();
  #clock = Date.UTC(2026, 10, 22, 12, 0, 0);

  plan(): MergePlan {
    this.#recordVersions();
    const trees = { base: this.base, database: this.database.entries, pod: this.pod.entries };
    this.#clock += 1_000;
    const merged = this.#merge(contestedPaths(trees));
    return planMerge({ ...trees, unknown: () => false, notSaved: [], merged, at: new Date(this.#clock) });
  }

  /** Commits a plan: the database's side, and the base of what both sides hold already. */
  commit(plan: MergePlan): void {
    this.database.apply(plan.databaseChanges);
    this.#recordVersions();
    for (const path of new Set([...this.base.keys(), ...this.pod.entries.keys()])) {
      const target = plan.target.get(path) ?? null;
      const pod = this.pod.entries.get(path) ?? null;
      if (sameEntry(target, pod)) this.#setBase(path, target);
    }
  }

  /** Carries the pod's side out; a path at which `unexpected` finds something else stays as it is. */
  carryOut(plan: MergePlan, seen: ReadonlyMap<string, TreeEntry>): void {
    for (const path of plan.podChanges.removed) {
      const present = this.pod.entries.get(path) ?? null;
      if (!sameEntry(present, seen.get(path) ?? null)) continue;
      if ([...this.pod.entries.keys()].some((other) => isBelow(other, path))) continue;
      this.pod.entries.delete(path);
      if (!plan.target.has(path)) this.base.delete(path);
    }
    const removed = new Set(plan.podChanges.removed);
    for (const { path, entry } of plan.podChanges.put) {
      const expected = removed.has(path) ? null : (seen.get(path) ?? null);
      const parent = parentPath(path);
      if (parent !== null && this.pod.entries.get(parent)?.type !== 'folder') continue;
      if (!sameEntry(this.pod.entries.get(path) ?? null, expected)) continue;
      this.pod.entries.set(path, entry);
      this.#setBase(path, entry);
    }
  }

  /** One undisturbed cycle. */
  cycle(): MergePlan {
    const plan = this.plan();
    const seen = new Map(this.pod.entries);
    this.commit(plan);
    this.pod.apply(plan.podChanges);
    this.carryOut({ ...plan, podChanges: { removed: [], put: [] } }, seen);
    this.base = new Map(this.pod.entries);
    return plan;
  }

  #merge(paths: string[]): Map<string, MergedContent> {
    const merged = new Map<string, MergedContent>();
    for (const path of paths) {
      const [base, database, pod] = [this.base, this.database.entries, this.pod.entries].map((tree) =>
        decodeText(Buffer.from(this.contents.read(tree.get(path)?.sha256 ?? null))),
      );
      if (base == null || database == null || pod == null) continue;
      const text = mergeText(base, database, pod);
      if (text !== null) merged.set(path, { sha256: this.contents.keep(text), size: Buffer.byteLength(text) });
    }
    return merged;
  }

  #setBase(path: string, entry: TreeEntry | null): void {
    if (entry === null) this.base.delete(path);
    else this.base.set(path, entry);
  }

  #recordVersions(): void {
    for (const { sha256 } of this.database.entries.values()) if (sha256 !== null) this.versions.add(sha256);
  }
}

/** What is wrong with a tree as a tree: an entry without its folder, or below a file. Empty when nothing is. */
export function findTreeFaults(tree: ReadonlyMap<string, TreeEntry>): string[] {
  return [...tree.keys()].filter((path) => {
    const parent = parentPath(path);
    return lastName(path) === '' || (parent !== null && tree.get(parent)?.type !== 'folder');
  });
}

/** A path of few names, so that edits meet. */
export function shortPath(names: readonly string[]): string {
  return names.reduce<string | null>((folder, name) => joinPath(folder, name), null) ?? 'a';
}
