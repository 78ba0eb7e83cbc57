import { linkSync, renameSync, rmSync, unlinkSync } from 'node:fs';
import { randomBytes, randomUUID } from 'node:crypto';
import { UNPACKING_PREFIX } from '#shared/domain/gitFolders.ts';
import { findNameProblem, MAX_NAME_BYTES } from '#shared/domain/paths.ts';
import { systemCode } from '#agent/failure.ts';
import { findIn } from '#agent/files/digest.ts';
import { within, type Workspace } from '#agent/files/folders.ts';
import { DISPLACED_PREFIX, TEMPORARY_PREFIX, walkReserved } from '#agent/files/reserved.ts';

/** A program that still holds the displaced file open may write to it a moment later. */
const LINGER_MS = 1_000;

interface Lingering {
  folders: string[];
  displaced: string;
  name: string;
  expected: string;
  since: number;
}

/** A fresh name for a file that is being written. */
export function temporaryName(): string {
  return TEMPORARY_PREFIX + randomUUID();
}

/** A fresh name for a file that is put aside, which remembers what is expected in it. */
export function displacedName(expected: string): string {
  return `${DISPLACED_PREFIX}${expected.slice(0, 16)}-${randomBytes(6).toString('hex')}`;
}

/** `report.txt` becomes `report.conflict-20260102-030405.txt`, shortened to 255 bytes, numbered from the second try on. */
export function conflictName(name: string, { now, attempt }: { now: Date; attempt: number }): string {
  const stamp = now.toISOString().replaceAll(/[-:]/g, '').replace('T', '-').slice(0, 15);
  const dot = name.lastIndexOf('.');
  const extension = dot > 0 && name.length - dot <= 20 ? name.slice(dot) : '';
  const number = attempt === 0 ? '' : `-${attempt}`;
  const ending = `.conflict-${stamp}${number}${extension}`;
  let stem = extension === '' ? name : name.slice(0, dot);
  while (Buffer.byteLength(stem + ending) > MAX_NAME_BYTES) stem = [...stem].slice(0, -1).join('');
  return stem + ending;
}

/** Gives a displaced file a name of its own beside `name`, without ever replacing anything. Returns that name. */
export function keepAsConflict(folder: number, displaced: string, name: string): string {
  const now = new Date();
  for (let attempt = 0; ; attempt += 1) {
    const copy = conflictName(name, { now, attempt });
    try {
      linkSync(within(folder, displaced), within(folder, copy));
      unlinkSync(within(folder, displaced));
      return copy;
    } catch (error) {
      if (systemCode(error) !== 'EEXIST' || attempt > 1_000) throw error;
    }
  }
}

/** Watches over displaced files for a moment longer: what a program still writes to one is kept as a conflict. */
export class DisplacedFiles {
  #workspace: Workspace;
  #lingering: Lingering[] = [];
  #timer: NodeJS.Timeout | null = null;

  constructor(workspace: Workspace) {
    this.#workspace = workspace;
  }

  /** Takes charge of a displaced file whose bytes were as expected right after it was displaced. */
  add(file: Omit<Lingering, 'since'>): void {
    this.#lingering.push({ ...file, since: performance.now() });
    this.#timer ??= setTimeout(() => void this.settle(), LINGER_MS + 50);
  }

  /** Looks again at those that have waited long enough (`all`: at every one) and lets them go or keeps them. */
  async settle(all = false): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    const now = performance.now();
    const ready = this.#lingering.filter(({ since }) => all || now - since >= LINGER_MS);
    this.#lingering = this.#lingering.filter((file) => !ready.includes(file));
    for (const file of ready) await this.#release(file);
    if (this.#lingering.length > 0) this.#timer ??= setTimeout(() => void this.settle(), LINGER_MS);
  }

  /** At the start of the agent: removes half-written files, and keeps displaced ones whose bytes are nobody's known. */
  async recover(): Promise<void> {
    for (const { folders, name } of await walkReserved(this.#workspace)) {
      if (name.startsWith(TEMPORARY_PREFIX) || name.startsWith(UNPACKING_PREFIX)) {
        await this.#remove(folders, name);
      } else if (name.startsWith(DISPLACED_PREFIX)) {
        const expected = name.slice(DISPLACED_PREFIX.length).split('-')[0] ?? '';
        await this.#release({ folders, displaced: name, name: 'recovered', expected });
      }
    }
  }

  async #remove(folders: string[], name: string): Promise<void> {
    try {
      await this.#workspace.inFolder(folders, (folder) =>
        rmSync(within(folder, name), { recursive: name.startsWith(UNPACKING_PREFIX), force: true }),
      );
    } catch (error) {
      // In a folder that its owner has closed; it harms nobody there, and must not keep the agent from starting.
      if (systemCode(error) === '') throw error;
    }
  }

  async #release(file: Omit<Lingering, 'since'>): Promise<void> {
    try {
      await this.#workspace.inFolder(file.folders, async (folder) => {
        const found = await findIn(folder, file.displaced);
        if (found === null) return;
        if (found.sha256?.startsWith(file.expected) === true) unlinkSync(within(folder, file.displaced));
        else keepAsConflict(folder, file.displaced, findNameProblem(file.name) === null ? file.name : 'recovered');
      });
    } catch (error) {
      // The folder was removed with everything in it, by whoever works there; otherwise the file stays for the next start.
      if (systemCode(error) === '') throw error;
    }
  }
}

/** Moves a displaced file back to its name if that is free, else keeps it as a conflict. */
export function putBack(folder: number, displaced: string, name: string): void {
  try {
    linkSync(within(folder, displaced), within(folder, name));
    unlinkSync(within(folder, displaced));
  } catch (error) {
    if (systemCode(error) !== 'EEXIST') throw error;
    keepAsConflict(folder, displaced, name);
  }
}

/** Takes whatever is at `name` aside in one step. */
export function takeAside(folder: number, name: string, displaced: string): void {
  renameSync(within(folder, name), within(folder, displaced));
}
