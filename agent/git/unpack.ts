import { createHash, randomUUID } from 'node:crypto';
import { closeSync, fchmodSync, fsync, mkdirSync, renameSync, rmSync, symlinkSync, writeSync } from 'node:fs';
import { promisify } from 'node:util';
import type { GitUnpacked } from '#shared/contracts/agentGit.ts';
import { DISK_FULL_REASON } from '#shared/domain/podCause.ts';
import { UNPACKING_PREFIX } from '#shared/domain/gitFolders.ts';
import { ChannelError } from '#shared/domain/channel.ts';
import { AgentFailure, systemCode } from '#agent/failure.ts';
import { openNew } from '#agent/files/change.ts';
import { statIn } from '#agent/files/digest.ts';
import { flushVolume } from '#agent/files/flush.ts';
import { LastFolder, openFolderIn, splitPath, within, Workspace } from '#agent/files/folders.ts';
import { measureGit } from '#agent/git/measure.ts';
import { GitRefusal, PackReader, type GitEntry } from '#agent/git/packFormat.ts';

/** A pack that comes in. */
export interface IncomingPack {
  /** Where the `.git` folder is to be. */
  path: string;
  size: number;
  sha256: string;
  pieces: AsyncIterable<Uint8Array>;
}

/**
 * Unpacks a `.git` folder beside its place and gives it its name once all of it is on the disk. Never replaces what is
 * there; of a pack that is not as announced nothing stays.
 */
export async function unpackGit(workspace: Workspace, pack: IncomingPack): Promise<GitUnpacked> {
  const { folders, name } = splitPath(pack.path);
  try {
    return await workspace.inFolder(folders, (parent) => unpackInto(parent, { ...pack, name, workspace }));
  } catch (error) {
    if (error instanceof GitRefusal) return { outcome: 'refused', reason: error.message };
    const code = systemCode(error);
    if (code === '' || error instanceof AgentFailure || error instanceof ChannelError) throw error;
    const isFull = code === 'ENOSPC' || code === 'EDQUOT';
    return { outcome: 'refused', reason: isFull ? DISK_FULL_REASON : code };
  }
}

async function unpackInto(
  parent: number,
  pack: IncomingPack & { name: string; workspace: Workspace },
): Promise<GitUnpacked> {
  if (statIn(parent, pack.name) !== null) return { outcome: 'present' };
  const draft = UNPACKING_PREFIX + randomUUID();
  mkdirSync(within(parent, draft), 0o755);
  try {
    const folder = openFolderIn(parent, draft);
    try {
      await fill(folder, pack);
      await flushVolume(pack.workspace.path);
      if (!takesName(parent, draft, pack.name)) return { outcome: 'present' };
      await promisify(fsync)(parent);
      const { fingerprint, identity } = await measureGit(folder, Infinity);
      return { outcome: 'unpacked', fingerprint, identity };
    } finally {
      closeSync(folder);
    }
  } finally {
    // After the renaming there is none.
    rmSync(within(parent, draft), { recursive: true, force: true });
  }
}

/** A folder that is renamed onto another replaces it only where that is empty, which loses nothing. */
function takesName(parent: number, draft: string, name: string): boolean {
  if (statIn(parent, name) !== null) return false;
  try {
    renameSync(within(parent, draft), within(parent, name));
    return true;
  } catch (error) {
    if (['ENOTEMPTY', 'EEXIST', 'ENOTDIR'].includes(systemCode(error))) return false;
    throw error;
  }
}

async function fill(folder: number, pack: IncomingPack): Promise<void> {
  const root = new Workspace(`/proc/self/fd/${folder}`);
  const last = new LastFolder(root, { create: true });
  const checked = checkedPieces(pack);
  const reader = new PackReader(checked);
  try {
    for (let entry = await reader.next(); entry !== null; entry = await reader.next()) {
      await place(entry, { reader, last, root });
    }
  } finally {
    last.close();
    closeSync(root.root);
  }
}

async function place(
  entry: GitEntry,
  { reader, last, root }: { reader: PackReader; last: LastFolder; root: Workspace },
): Promise<void> {
  if (entry.type === 'folder') {
    const made = root.open(entry.path.split('/'), true);
    closeSync(made);
    return;
  }
  const { folders, name } = splitPath(entry.path);
  const folder = last.open(folders);
  if (entry.type === 'link') {
    symlinkSync(entry.target, within(folder, name));
    return;
  }
  const file = openNew(folder, name, false);
  try {
    await reader.body(entry.size, (piece) => {
      for (let start = 0; start < piece.byteLength;) start += writeSync(file, piece, start);
    });
    fchmodSync(file, entry.mode | 0o400);
  } finally {
    closeSync(file);
  }
}

/** The pieces as they come, refused beyond the announced length and at the end unless length and digest are right. */
async function* checkedPieces({ pieces, size, sha256 }: IncomingPack): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256');
  let received = 0;
  for await (const piece of pieces) {
    received += piece.byteLength;
    if (received > size) throw new GitRefusal('the pack is longer than announced');
    hash.update(piece);
    yield piece;
  }
  if (received !== size || hash.digest('hex') !== sha256) throw new GitRefusal('the pack does not match its digest');
}
