import {
  chmodSync,
  closeSync,
  constants,
  linkSync,
  mkdirSync,
  openSync,
  renameSync,
  rmdirSync,
  symlinkSync,
  unlinkSync,
  type BigIntStats,
} from 'node:fs';
import { fsync } from 'node:fs';
import { promisify } from 'node:util';
import type { ChangeMessage, ChangeOutcomeMessage } from '#shared/contracts/agentProtocol.ts';
import { findPathProblem, isInsideLink, joinPath } from '#shared/domain/paths.ts';
import { systemCode } from '#agent/failure.ts';
import { findIn, openFileIn, statIn, type Found } from '#agent/files/digest.ts';
import {
  displacedName,
  keepAsConflict,
  putBack,
  takeAside,
  temporaryName,
  type DisplacedFiles,
} from '#agent/files/displaced.ts';
import { splitPath, within, type Workspace } from '#agent/files/folders.ts';

const flush = promisify(fsync);

type Change<Op extends ChangeMessage['op']> = Extract<ChangeMessage, { op: Op }>;

/** What changes are made with. */
export interface ChangeContext {
  workspace: Workspace;
  displaced: DisplacedFiles;
  /** True: the whole batch is flushed at its end, so no file is flushed by itself. */
  bulk: boolean;
  /** True: nobody works on the volume yet, and it is filled again if this fails. */
  fresh: boolean;
  /** Told of each file that was written whole; `stat` is of its bytes, before it got its name. */
  written(path: string, file: { sha256: string; stat: BigIntStats }): void;
}

/** The bytes of a write, received beside its place: written to `file`, whose digest was `sha256`. */
export interface Incoming {
  folder: number;
  name: string;
  sha256: string;
}

/** Why a write is refused whose bytes came otherwise than they were sent. */
export const DIGEST_REASON = 'the bytes do not match their digest';

/** Why a change cannot be meant: a path that leaves the workspace, a link that does. Null when it can. */
export function changeProblem(change: ChangeMessage): string | null {
  const paths = change.op === 'rename' ? [change.from, change.to] : [change.path];
  for (const path of paths) {
    const problem = findPathProblem(path);
    if (problem !== null) return `the path ${problem}`;
  }
  return null;
}

/** Puts a received file or link in its place, losing nothing that a program writes there at the same time. */
export async function placeWrite(
  change: Change<'write'>,
  incoming: Incoming,
  context: ChangeContext,
): Promise<ChangeOutcomeMessage> {
  const { folders, name } = splitPath(change.path);
  const { folder } = incoming;
  if (incoming.sha256 !== change.sha256) return { outcome: 'refused', reason: DIGEST_REASON };
  if (change.expected === null && isLinkedTo(folder, incoming.name, name)) return { outcome: 'applied' };
  const found = await findIn(folder, name);
  if (isAlready(found, change)) {
    setExecutable(folder, change, found);
    await flushFile(folder, name, context);
    return { outcome: 'applied' };
  }
  if (found !== null && found.sha256 === null)
    return { outcome: 'refused', reason: 'something that is no file is there' };
  // Expected to be free and not to be linked to: what was in the way may have gone in this moment.
  if (change.expected === null || found?.sha256 !== change.expected) {
    return { outcome: 'unexpected', found: found?.sha256 ?? null };
  }
  keepPermissions(incoming, change, found);
  return replaceAt({ ...incoming, folders, target: name, expected: change.expected }, context);
}

/** True when the wanted content is there already: a repeated change is no conflict. */
function isAlready(found: Found | null, change: Change<'write'>): boolean {
  return (
    found !== null && found.sha256 === change.sha256 && found.stat.isSymbolicLink() === (change.type === 'symlink')
  );
}

function setExecutable(folder: number, change: Change<'write'>, found: Found | null): void {
  if (change.type !== 'file' || found === null) return;
  const mode = Number(found.stat.mode & 0o777n);
  const wanted = withExecutable(mode, change.executable);
  if (mode !== wanted) chmodSync(within(folder, splitPath(change.path).name), wanted);
}

/** A received file is as closed as the one in whose place it comes: a person saved a key in the editor, and ssh refused it. */
function keepPermissions({ folder, name }: Incoming, change: Change<'write'>, found: Found): void {
  if (change.type !== 'file' || !found.stat.isFile()) return;
  const wanted = withExecutable(Number(found.stat.mode & 0o777n), change.executable);
  if (wanted !== newFileMode(change.executable)) chmodSync(within(folder, name), wanted);
}

/** Execution is for whoever may read, as `chmod +x` gives it; a file that has it for its owner stays as it is. */
function withExecutable(mode: number, executable: boolean): number {
  if (!executable) return mode & ~0o111;
  return (mode & 0o100) === 0 ? mode | ((mode & 0o444) >> 2) | 0o100 : mode;
}

/** Gives a received file its name; false when something has it. link() never replaces what a program made. */
function isLinkedTo(folder: number, temporary: string, name: string): boolean {
  try {
    linkSync(within(folder, temporary), within(folder, name));
    return true;
  } catch (error) {
    if (systemCode(error) !== 'EEXIST') throw error;
    return false;
  }
}

/** The present file stays reachable under a second name until its bytes are known to be the expected ones. */
async function replaceAt(
  write: Incoming & { folders: string[]; target: string; expected: string },
  context: ChangeContext,
): Promise<ChangeOutcomeMessage> {
  const { folder, target, expected } = write;
  const displaced = displacedName(expected);
  try {
    linkSync(within(folder, target), within(folder, displaced));
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error;
    return { outcome: 'unexpected', found: null };
  }
  // Replaced by a program's own rename since: the name is left to that file, which the link above does not hold.
  if (statIn(folder, target)?.ino !== statIn(folder, displaced)?.ino) {
    unlinkSync(within(folder, displaced));
    return { outcome: 'unexpected', found: (await findIn(folder, target))?.sha256 ?? null };
  }
  renameSync(within(folder, write.name), within(folder, target));
  const old = await findIn(folder, displaced);
  if (old?.sha256 !== expected) {
    const copy = keepAsConflict(folder, displaced, target);
    return { outcome: 'displaced', copy: joinPath(write.folders.join('/') || null, copy) };
  }
  context.displaced.add({ folders: write.folders, displaced, name: target, expected });
  return { outcome: 'applied' };
}

/** Makes and opens a file; throws EEXIST where something is. The caller closes it. */
export function openNew(folder: number, name: string, executable: boolean): number {
  const flags = constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY | constants.O_NOFOLLOW;
  return openSync(within(folder, name), flags, newFileMode(executable));
}

function newFileMode(executable: boolean): number {
  return executable ? 0o755 : 0o644;
}

/** Makes the temporary link of a write. Throws nothing for a link that leaves the workspace: it gives the reason instead. */
export function makeTemporaryLink(folder: number, path: string, target: string): { name: string } | { reason: string } {
  if (!isInsideLink(path, target)) return { reason: 'the link leaves the workspace' };
  const name = temporaryName();
  symlinkSync(target, within(folder, name));
  return { name };
}

/** Flushes and closes a written file. */
export async function finishFile(file: number, durable: boolean): Promise<void> {
  try {
    if (durable) await flush(file);
  } finally {
    closeSync(file);
  }
}

/** Flushes a folder, so that what was named, renamed or removed in it survives a crash; not within a bulk batch. */
export async function flushFolder(folder: number, { bulk }: ChangeContext): Promise<void> {
  if (!bulk) await flush(folder);
}

/** Flushes bytes that are there already: whoever wrote them may not have. */
async function flushFile(folder: number, name: string, { bulk }: ChangeContext): Promise<void> {
  const opened = bulk ? null : openFileIn(folder, name);
  if (opened !== null) await finishFile(opened.file, true);
}

/** Makes a folder and those above it. A folder that is there already is fine. */
export async function makeFolders(change: Change<'mkdir'>, context: ChangeContext): Promise<ChangeOutcomeMessage> {
  const { folders, name } = splitPath(change.path);
  return context.workspace.inFolder(
    folders,
    async (folder) => {
      try {
        mkdirSync(within(folder, name), 0o755);
      } catch (error) {
        if (systemCode(error) !== 'EEXIST') throw error;
        const found = await findIn(folder, name);
        if (found?.stat.isDirectory() !== true) return { outcome: 'unexpected', found: found?.sha256 ?? null };
      }
      await flushFolder(folder, context);
      return { outcome: 'applied' };
    },
    { create: true },
  );
}

/** Removes a file, a link or an empty folder, if it is what was expected. What is gone already is fine. */
export async function remove(change: Change<'remove'>, context: ChangeContext): Promise<ChangeOutcomeMessage> {
  const { folders, name } = splitPath(change.path);
  return context.workspace.inFolder(folders, async (folder) => {
    const outcome = await removeFrom(folder, name, change);
    // Also where nothing was left to remove: the one who removed it may not have flushed.
    if (outcome.outcome === 'applied') await flushFolder(folder, context);
    return outcome;
  });
}

async function removeFrom(folder: number, name: string, change: Change<'remove'>): Promise<ChangeOutcomeMessage> {
  const found = await findIn(folder, name);
  if (found === null) return { outcome: 'applied' };
  if (change.type === 'folder') return removeFolder(folder, name, found);
  if (found.sha256 === null || found.sha256 !== change.expected) {
    return { outcome: 'unexpected', found: found.sha256 };
  }
  const displaced = displacedName(change.expected);
  takeAside(folder, name, displaced);
  const taken = await findIn(folder, displaced);
  if (taken?.sha256 === change.expected) {
    unlinkSync(within(folder, displaced));
    return { outcome: 'applied' };
  }
  putBack(folder, displaced, name);
  return { outcome: 'unexpected', found: taken?.sha256 ?? null };
}

function removeFolder(folder: number, name: string, found: Found): ChangeOutcomeMessage {
  if (!found.stat.isDirectory()) return { outcome: 'unexpected', found: found.sha256 };
  try {
    rmdirSync(within(folder, name));
    return { outcome: 'applied' };
  } catch (error) {
    if (systemCode(error) === 'ENOTEMPTY') return { outcome: 'refused', reason: 'not-empty' };
    throw error;
  }
}

/** Moves a file, link or folder to a free name. */
export async function rename(change: Change<'rename'>, context: ChangeContext): Promise<ChangeOutcomeMessage> {
  const from = splitPath(change.from);
  const to = splitPath(change.to);
  const { workspace } = context;
  return workspace.inFolder(from.folders, (source) =>
    workspace.inFolder(
      to.folders,
      async (target) => {
        const outcome = await renameBetween({ source, from: from.name, target, to: to.name }, change);
        if (outcome.outcome !== 'applied') return outcome;
        // The new name first: a crash between the two leaves the file under both rather than none.
        await flushFolder(target, context);
        await flushFolder(source, context);
        return outcome;
      },
      { create: true },
    ),
  );
}

async function renameBetween(
  names: { source: number; from: string; target: number; to: string },
  change: Change<'rename'>,
): Promise<ChangeOutcomeMessage> {
  const found = await findIn(names.source, names.from);
  if (found === null) return { outcome: 'unexpected', found: null };
  if (found.sha256 !== change.expected) return { outcome: 'unexpected', found: found.sha256 };
  if (statIn(names.target, names.to) !== null) {
    return { outcome: 'unexpected', found: (await findIn(names.target, names.to))?.sha256 ?? null };
  }
  if (found.stat.isDirectory()) renameSync(within(names.source, names.from), within(names.target, names.to));
  else {
    linkSync(within(names.source, names.from), within(names.target, names.to));
    if (statIn(names.source, names.from)?.ino === found.stat.ino) unlinkSync(within(names.source, names.from));
  }
  return { outcome: 'applied' };
}
