import { createHash } from 'node:crypto';
import { closeSync } from 'node:fs';
import type { GitPacked } from '#shared/contracts/agentGit.ts';
import { ChannelError } from '#shared/domain/channel.ts';
import { GIT_UNREADABLE_REASON } from '#shared/domain/gitFolders.ts';
import { systemCode } from '#agent/failure.ts';
import { openFileIn, readPieces } from '#agent/files/digest.ts';
import { LastFolder, splitPath, Workspace } from '#agent/files/folders.ts';
import { measureGit, type GitMeasure } from '#agent/git/measure.ts';
import { encodeHead, PACK_END } from '#agent/git/packFormat.ts';

const GATHERED_BYTES = 64 * 1024;

/** What is to be packed. */
export interface PackOrder {
  fingerprint: string;
  maxBytes: number;
  ended: boolean;
}

/** Something in the folder is no longer as it was measured. */
class Moving extends Error {}

/**
 * Sends the pack of an open `.git` folder through `send`, which may keep no piece after it has resolved. `packed` only when
 * the folder was in the wanted state before and after, so that what was sent is one state of it.
 */
export async function packGit(
  folder: number,
  order: PackOrder,
  send: (bytes: Uint8Array) => Promise<void>,
): Promise<GitPacked> {
  const before = await measureGit(folder, order.maxBytes);
  if (before.refusal !== null) return { outcome: 'refused', reason: before.refusal };
  if (!isAsOrdered(before, order)) return { outcome: 'moving' };
  try {
    const sent = await sendPack(folder, before, send);
    const after = await measureGit(folder, order.maxBytes);
    return isAsOrdered(after, order) ? { outcome: 'packed', ...sent } : { outcome: 'moving' };
  } catch (error) {
    if (error instanceof Moving) return { outcome: 'moving' };
    if (error instanceof ChannelError || systemCode(error) === '') throw error;
    const isGone = ['ENOENT', 'ENOTDIR', 'ELOOP'].includes(systemCode(error));
    return isGone ? { outcome: 'moving' } : { outcome: 'refused', reason: GIT_UNREADABLE_REASON };
  }
}

function isAsOrdered(measure: GitMeasure, { fingerprint, ended }: PackOrder): boolean {
  return measure.refusal === null && measure.fingerprint === fingerprint && (ended || !measure.locked);
}

async function sendPack(
  folder: number,
  { entries }: GitMeasure,
  send: (bytes: Uint8Array) => Promise<void>,
): Promise<{ size: number; sha256: string }> {
  const out = new Gathered(send);
  // The kernel resolves the path to the very folder that is open.
  const root = new Workspace(`/proc/self/fd/${folder}`);
  const last = new LastFolder(root, { create: false });
  try {
    for (const entry of entries) {
      await out.add(encodeHead(entry));
      if (entry.type !== 'file') continue;
      const { folders, name } = splitPath(entry.path);
      await sendFile({ folder: last.open(folders), name, size: entry.size }, out);
    }
    await out.add(PACK_END);
    return await out.end();
  } finally {
    last.close();
    closeSync(root.root);
  }
}

async function sendFile(
  { folder, name, size }: { folder: number; name: string; size: number },
  out: Gathered,
): Promise<void> {
  const opened = openFileIn(folder, name);
  if (opened === null) throw new Moving();
  try {
    let sent = 0;
    await readPieces(opened.file, { size, limit: size }, async (piece) => {
      sent += piece.byteLength;
      if (sent <= size) await out.add(piece);
    });
    if (sent !== size) throw new Moving();
  } finally {
    closeSync(opened.file);
  }
}

/** Sends small pieces together: most files of a repository are smaller than a frame's worth. */
class Gathered {
  readonly #send: (bytes: Uint8Array) => Promise<void>;
  readonly #hash = createHash('sha256');
  readonly #buffer = Buffer.allocUnsafeSlow(GATHERED_BYTES);
  #filled = 0;
  #size = 0;

  constructor(send: (bytes: Uint8Array) => Promise<void>) {
    this.#send = send;
  }

  async add(bytes: Uint8Array): Promise<void> {
    this.#hash.update(bytes);
    this.#size += bytes.byteLength;
    for (let start = 0; start < bytes.byteLength;) {
      const piece = bytes.subarray(start, start + GATHERED_BYTES - this.#filled);
      this.#buffer.set(piece, this.#filled);
      this.#filled += piece.byteLength;
      start += piece.byteLength;
      if (this.#filled === GATHERED_BYTES) await this.#flush();
    }
  }

  async end(): Promise<{ size: number; sha256: string }> {
    await this.#flush();
    return { size: this.#size, sha256: this.#hash.digest('hex') };
  }

  async #flush(): Promise<void> {
    await this.#send(this.#buffer.subarray(0, this.#filled));
    this.#filled = 0;
  }
}
