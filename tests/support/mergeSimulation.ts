import { createHash } from 'node:crypto';
import { Origins } from '#agent/files/origins.ts';
import type { Candidate } from '#agent/files/walk.ts';
import { pairMovedItems, type KnownEntry } from '#shared/domain/itemRenames.ts';
import { pairRenames } from '#shared/domain/mergeRenames.ts';
import { mergeText, decodeText } from '#shared/domain/mergeText.ts';
import {
  contestedPaths,
  planMerge,
  type MergedContent,
  type MergePlan,
  type ThreeTrees,
  type TreeChanges,
  type TreeEntry,
} from '#shared/domain/merge.ts';
import { FOLDER, sameEntry } from '#shared/domain/mergeEntry.ts';
import { isBelow, joinPath, lastName, parentPath } from '#shared/domain/paths.ts';
import { Renames, type Rename } from '#shared/domain/renames.ts';

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
  /** A number for each entry, which it keeps when it is edited or moved: the item's id, or the inode. */
  readonly ids = new Map<string, number>();
  readonly #contents: Contents;
  #lastId = 0;

  constructor(contents: Contents) {
    this.#contents = contents;
  }

  edit(edit: Edit): void {
    if (edit.kind === 'write') this.#put(edit.path, this.#file(edit.content, edit.executable));
    else if (edit.kind === 'line') this.#changeLine(edit);
    else if (edit.kind === 'mkdir') this.#put(edit.path, FOLDER);
    else if (edit.kind === 'link') this.#put(edit.path, this.#link(edit.target));
    else if (edit.kind === 'remove') this.#removeAll(edit.path);
    else if (edit.kind === 'move') this.#move(edit.path, edit.to);
    else this.#toggleExecutable(edit.path);
  }

  /** Carries planned changes out in their order; throws where a real volume would refuse. */
  apply(changes: TreeChanges): void {
    for (const path of changes.removed) {
      if ([...this.entries.keys()].some((other) => isBelow(other, path))) throw new Error(`${path} is not empty.`);
      if (!this.entries.has(path)) throw new Error(`${path} is not there.`);
      this.delete(path);
    }
    for (const { path, entry } of changes.put) {
      const parent = parentPath(path);
      if (parent !== null && this.entries.get(parent)?.type !== 'folder') throw new Error(`${path} has no folder.`);
      const present = this.entries.get(path);
      if (present !== undefined && (present.type === 'folder') !== (entry.type === 'folder')) {
        throw new Error(`${path} is of another kind.`);
      }
      this.set(path, entry);
    }
  }

  /** Renames as the database does: what is in a folder follows it, and a folder that is missing is made. */
  rename(renames: Renames): void {
    const moved = [...this.entries].map(
      ([path, entry]) => [renames.placeOf(path), entry, this.ids.get(path) ?? 0] as const,
    );
    if (new Set(moved.map(([path]) => path)).size < moved.length) throw new Error('Two items have one path.');
    this.entries.clear();
    this.ids.clear();
    for (const [path, entry, id] of moved) {
      this.entries.set(path, entry);
      this.ids.set(path, id);
    }
    for (const { to } of renames.list()) this.#makeFolders(to);
  }

  /** Renames as the agent does: to a free name, making the folders above it. False where that is not possible. */
  takes({ from, to }: Rename, type: TreeEntry['type'] | undefined): boolean {
    const found = this.entries.get(from)?.type;
    if (found === undefined || this.entries.has(to) || (found === 'folder') !== (type === 'folder')) return false;
    for (let folder = parentPath(to); folder !== null; folder = parentPath(folder)) {
      if ((this.entries.get(folder) ?? FOLDER).type !== 'folder') return false;
    }
    this.#makeFolders(to);
    this.#move(from, to);
    return true;
  }

  /** Puts an entry at a path; what is there already is edited. */
  set(path: string, entry: TreeEntry): void {
    this.entries.set(path, entry);
    if (this.ids.has(path)) return;
    this.#lastId += 1;
    this.ids.set(path, this.#lastId);
  }

  delete(path: string): void {
    this.entries.delete(path);
    this.ids.delete(path);
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
    this.#makeFolders(path);
    this.set(path, entry);
  }

  #makeFolders(path: string): void {
    const folders: string[] = [];
    for (let folder = parentPath(path); folder !== null; folder = parentPath(folder)) folders.unshift(folder);
    for (const folder of folders) if (!this.entries.has(folder)) this.set(folder, FOLDER);
  }

  #changeLine({ path, line, text }: { path: string; line: number; text: string }): void {
    const entry = this.entries.get(path);
    if (entry?.type !== 'file') return;
    const lines = this.#contents.read(entry.sha256).split('\n');
    lines[line % lines.length] = text;
    this.set(path, this.#file(lines.join('\n'), entry.executable));
  }

  #removeAll(path: string): void {
    for (const other of [...this.entries.keys()]) {
      if (other === path || isBelow(other, path)) this.delete(other);
    }
  }

  #move(path: string, to: string): void {
    if (!this.entries.has(path) || this.entries.has(to) || path === to || isBelow(to, path)) return;
    const moved = [...this.entries]
      .filter(([other]) => other === path || isBelow(other, path))
      .map(([other, entry]) => [`${to}${other.slice(path.length)}`, entry, this.ids.get(other) ?? 0] as const);
    const parent = parentPath(to);
    if (parent !== null && this.entries.get(parent)?.type !== 'folder') return;
    this.#removeAll(path);
    for (const [place, entry, id] of moved) {
      this.entries.set(place, entry);
      this.ids.set(place, id);
    }
  }

  #toggleExecutable(path: string): void {
    const entry = this.entries.get(path);
    if (entry?.type === 'file') this.set(path, { ...entry, executable: !entry.executable });
  }
}

/** What a cycle does, after the renames that it makes first. */
export type SimulatedPlan = MergePlan & { renames: Renames; carried: number };

/** Both sides of a session and their base, in memory, with the same decisions as the product. */
export class Simulation {
  readonly contents = new Contents();
  readonly database = new SimulatedTree(this.contents);
  readonly pod = new SimulatedTree(this.contents);
  base = new Map<string, KnownEntry>();
  /** Digests that the database has held: each has a version. */
  readonly versions = new Set<string>();
  #origins = new Origins();
  #clock = Date.UTC(2026, 10, 22, 12, 0, 0);

  plan(): SimulatedPlan {
    this.#recordVersions();
    const carried = this.#carryRenames();
    const found = { base: this.base, database: this.database.entries, pod: this.pod.entries };
    const unknown = (): boolean => false;
    const movedFrom = this.#origins.trace(candidatesOf(this.pod), new Set(this.database.entries.keys()));
    const renames = pairRenames({ ...found, unknown, movedFrom });
    const trees = { base: renames.apply(found.base), database: renames.apply(found.database), pod: found.pod };
    this.#clock += 1_000;
    const merged = this.#merge(trees);
    const plan = planMerge({ ...trees, unknown, notSaved: [], merged, at: new Date(this.#clock) });
    return { ...plan, renames, carried };
  }

  /** Renames on the volume what was renamed in the database; what the volume refuses is left to the merge. */
  #carryRenames(): number {
    const rows = new Map(
      [...this.database.entries].map(([path, row]) => [path, { ...row, id: this.database.ids.get(path) ?? 0 }]),
    );
    const wanted = pairMovedItems(this.base, rows);
    const before = new Renames();
    const done = new Renames();
    for (const { from, to } of wanted.list()) {
      if (this.pod.takes({ from: before.placeOf(from), to }, this.base.get(from)?.type)) done.add({ from, to });
      before.add({ from, to });
    }
    this.base = new Map(done.apply(this.base));
    return done.size;
  }

  /** Everything that was sent has arrived and was answered. */
  settle(): void {
    this.base.clear();
    for (const [path, entry] of this.pod.entries) this.#setBase(path, entry);
  }

  /** The agent is started again, and has forgotten which file is which. */
  restartAgent(): void {
    this.#origins = new Origins();
  }

  /** Commits a plan: the database's side, and the base of what both sides hold already. */
  commit(plan: SimulatedPlan): void {
    this.database.rename(plan.renames);
    this.base = new Map(plan.renames.apply(this.base));
    this.database.apply(plan.databaseChanges);
    this.#recordVersions();
    for (const path of new Set([...this.base.keys(), ...this.pod.entries.keys()])) {
      const target = plan.target.get(path) ?? null;
      const pod = this.pod.entries.get(path) ?? null;
      if (sameEntry(target, pod)) this.#setBase(path, target);
    }
  }

  /** Carries the pod's side out; a path at which `unexpected` finds something else stays as it is. */
  carryOut(plan: SimulatedPlan, seen: ReadonlyMap<string, TreeEntry>): void {
    for (const path of plan.podChanges.removed) {
      const present = this.pod.entries.get(path) ?? null;
      if (!sameEntry(present, seen.get(path) ?? null)) continue;
      if ([...this.pod.entries.keys()].some((other) => isBelow(other, path))) continue;
      this.pod.delete(path);
      if (!plan.target.has(path)) this.base.delete(path);
    }
    const removed = new Set(plan.podChanges.removed);
    for (const { path, entry } of plan.podChanges.put) {
      const expected = removed.has(path) ? null : (seen.get(path) ?? null);
      const parent = parentPath(path);
      if (parent !== null && this.pod.entries.get(parent)?.type !== 'folder') continue;
      if (!sameEntry(this.pod.entries.get(path) ?? null, expected)) continue;
      this.pod.set(path, entry);
      this.#setBase(path, entry);
    }
  }

  /** One undisturbed cycle. */
  cycle(): SimulatedPlan {
    const plan = this.plan();
    const seen = new Map(this.pod.entries);
    this.commit(plan);
    this.pod.apply(plan.podChanges);
    for (const { path, entry } of plan.podChanges.put) {
      if (entry.type === 'file') this.#origins.wrote(path, statOf(this.pod, path));
    }
    this.carryOut({ ...plan, podChanges: { removed: [], put: [] } }, seen);
    this.settle();
    return plan;
  }

  #merge(trees: ThreeTrees): Map<string, MergedContent> {
    const merged = new Map<string, MergedContent>();
    for (const path of contestedPaths(trees)) {
      const [base, database, pod] = [trees.base, trees.database, trees.pod].map((tree) =>
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
    else this.base.set(path, { ...entry, itemId: this.database.ids.get(path) ?? null });
  }

  #recordVersions(): void {
    for (const { sha256 } of this.database.entries.values()) if (sha256 !== null) this.versions.add(sha256);
  }
}

/** What the agent's walk would find. */
function candidatesOf(tree: SimulatedTree): Candidate[] {
  return [...tree.entries].map(([path, { type }]) => ({ path, type, stat: statOf(tree, path), target: null }));
}

function statOf(tree: SimulatedTree, path: string): Candidate['stat'] {
  const id = BigInt(tree.ids.get(path) ?? 0);
  return { ino: id, birthtimeNs: id } as Candidate['stat'];
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
