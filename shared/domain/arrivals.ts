import { numberedPath } from '#shared/domain/conflictName.ts';
import type { SessionLimits } from '#shared/domain/limits.ts';
import { ancestorPaths, findPathProblem, isInGit } from '#shared/domain/paths.ts';

/** What happens to a file whose place is taken: `skip` leaves what is there, without counting as refused. */
export type ConflictRule = 'fail' | 'replace' | 'keep-both' | 'skip';

/** What stands at a path of the tree that something arrives in. */
export interface Standing {
  id: number;
  version: number;
  type: 'file' | 'folder' | 'symlink';
  sha256: string | null;
  size: number;
  executable: boolean;
}

/** A file, link or folder that somebody brings from outside. */
export interface Arrival {
  path: string;
  type: 'file' | 'folder' | 'symlink';
  /** Null for a folder. */
  sha256: string | null;
  size: number;
  /** Null keeps the bit of what is replaced. */
  executable: boolean | null;
  conflict: ConflictRule;
  /** The version that may be replaced: null when none was named, `any` where the person chose not to look. */
  expectedVersion: number | 'any' | null;
}

/** Why something was not taken in, as codes of the catalogue. */
export type ArrivalRefusal =
  'INVALID_PATH' | 'NAME_TAKEN' | 'VERSION_CONFLICT' | 'VERSION_REQUIRED' | 'FILE_TOO_LARGE' | 'SESSION_TOO_LARGE';

/**
 * What becomes of an arrival, at the path that it got in the end. `same`: it was there with the same bytes. `present` is
 * what stands at the very path of one that is refused.
 */
export type Placement =
  | { outcome: 'made' | 'replaced' | 'same' | 'skipped'; path: string }
  | { outcome: 'refused'; path: string; code: ArrivalRefusal; reason: string; present: Standing | null };

/** A file or link that is written, with the number of its arrival. */
export interface PlacedFile {
  index: number;
  path: string;
  executable: boolean;
}

/** What a batch of arrivals makes of a tree. */
export interface ArrivalPlan {
  /** One for each arrival, in their order. */
  placements: Placement[];
  folders: string[];
  files: PlacedFile[];
}

/** Decides for each arrival in turn what becomes of it: one that is refused changes nothing and holds no other back. */
export function planArrivals(
  rows: ReadonlyMap<string, Standing>,
  arrivals: readonly Arrival[],
  limits: SessionLimits,
): ArrivalPlan {
  const plan = new Plan(rows, limits);
  return { placements: arrivals.map((arrival, index) => plan.place(arrival, index)), ...plan.result() };
}

class Plan {
  readonly #rows: ReadonlyMap<string, Standing>;
  readonly #limits: SessionLimits;
  /** What this batch itself puts at a path. */
  readonly #made = new Map<string, Arrival['type']>();
  readonly #files: PlacedFile[] = [];
  #items: number;
  #bytes = 0;

  constructor(rows: ReadonlyMap<string, Standing>, limits: SessionLimits) {
    this.#rows = rows;
    this.#limits = limits;
    this.#items = rows.size;
    for (const row of rows.values()) this.#bytes += row.size;
  }

  result(): Pick<ArrivalPlan, 'folders' | 'files'> {
    const folders = [...this.#made].flatMap(([path, type]) => (type === 'folder' ? [path] : []));
    return { folders, files: this.#files };
  }

  place(arrival: Arrival, index: number): Placement {
    const refusal = this.#findObstacle(arrival);
    if (refusal !== null) return refusal;
    const { path } = arrival;
    const present = this.#rows.get(path) ?? null;
    const type = this.#typeAt(path);
    if (type === null) return this.#write(arrival, { index, path, present: null });
    if (arrival.type === 'folder') {
      if (type === 'folder') return { outcome: 'same', path };
      return refuse(arrival, { code: 'NAME_TAKEN', reason: `${path} is a file.`, present });
    }
    if (arrival.conflict === 'skip') return { outcome: 'skipped', path };
    if (arrival.conflict === 'keep-both') return this.#writeBeside(arrival, index);
    if (this.#made.has(path)) {
      return refuse(arrival, { code: 'NAME_TAKEN', reason: `${path} comes twice.`, present: null });
    }
    if (arrival.conflict === 'fail') {
      return refuse(arrival, { code: 'NAME_TAKEN', reason: `${path} is there already.`, present });
    }
    return this.#replace(arrival, { index, present: present! });
  }

  #typeAt(path: string): Arrival['type'] | null {
    return this.#made.get(path) ?? this.#rows.get(path)?.type ?? null;
  }

  #findObstacle(arrival: Arrival): Placement | null {
    const { path, size } = arrival;
    const problem = findPathProblem(path);
    if (problem !== null) return refuse(arrival, { code: 'INVALID_PATH', reason: `The path ${problem}.` });
    if (isInGit(path, arrival.type)) {
      return refuse(arrival, {
        code: 'INVALID_PATH',
        reason: '.git belongs to git: make a repository in the terminal.',
      });
    }
    const { maxFileBytes } = this.#limits;
    if (size > maxFileBytes) {
      const reason = `The file has ${size} bytes; files may have ${maxFileBytes}.`;
      return refuse(arrival, { code: 'FILE_TOO_LARGE', reason });
    }
    for (const folder of ancestorPaths(path)) {
      const type = this.#typeAt(folder);
      if (type === 'folder') return null;
      if (type === null) continue;
      const reason = `${folder} is ${type === 'symlink' ? 'a link' : 'a file'}, not a folder.`;
      return refuse(arrival, { code: 'NAME_TAKEN', reason });
    }
    return null;
  }

  #writeBeside(arrival: Arrival, index: number): Placement {
    const path = numberedPath(arrival.path, (candidate) => this.#typeAt(candidate) !== null);
    const problem = findPathProblem(path);
    if (problem !== null) return refuse(arrival, { code: 'INVALID_PATH', reason: `The path ${problem}.` });
    return this.#write(arrival, { index, path, present: null });
  }

  #replace(arrival: Arrival, { index, present }: { index: number; present: Standing }): Placement {
    const { path, expectedVersion } = arrival;
    if (present.type !== arrival.type) {
      const word = { file: 'a file', folder: 'a folder', symlink: 'a link' }[present.type];
      return refuse(arrival, { code: 'NAME_TAKEN', reason: `${path} is ${word}.`, present });
    }
    if (expectedVersion === null) {
      return refuse(arrival, { code: 'VERSION_REQUIRED', reason: 'Name the version to replace.', present });
    }
    if (expectedVersion !== 'any' && expectedVersion !== present.version) {
      const reason = `Version ${present.version} of ${path} is newer than version ${expectedVersion}.`;
      return refuse(arrival, { code: 'VERSION_CONFLICT', reason, present });
    }
    const isSame =
      present.sha256 === arrival.sha256 && (arrival.executable ?? present.executable) === present.executable;
    return isSame ? { outcome: 'same', path } : this.#write(arrival, { index, path, present });
  }

  /** Takes the room that the arrival needs, with the folders above it, and puts it there. */
  #write(
    arrival: Arrival,
    { index, path, present }: { index: number; path: string; present: Standing | null },
  ): Placement {
    const folders = ancestorPaths(path).filter((folder) => this.#typeAt(folder) === null);
    const items = this.#items + folders.length + (present === null ? 1 : 0);
    const bytes = this.#bytes + arrival.size - (present?.size ?? 0);
    const { maxSessionItems, maxSessionBytes } = this.#limits;
    if (items > this.#items && items > maxSessionItems) {
      const reason = `The session may have ${maxSessionItems} files and folders.`;
      return refuse(arrival, { code: 'SESSION_TOO_LARGE', reason });
    }
    if (bytes > this.#bytes && bytes > maxSessionBytes) {
      const reason = `The session's files may have ${maxSessionBytes} bytes together.`;
      return refuse(arrival, { code: 'SESSION_TOO_LARGE', reason });
    }
    this.#items = items;
    this.#bytes = bytes;
    for (const folder of folders) this.#made.set(folder, 'folder');
    this.#made.set(path, arrival.type);
    const executable = arrival.executable ?? present?.executable ?? false;
    if (arrival.type !== 'folder') this.#files.push({ index, path, executable });
    return { outcome: present === null ? 'made' : 'replaced', path };
  }
}

function refuse(
  { path }: Arrival,
  { code, reason, present = null }: { code: ArrivalRefusal; reason: string; present?: Standing | null },
): Placement {
  return { outcome: 'refused', path, code, reason, present };
}
