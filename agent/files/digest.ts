import { createHash } from 'node:crypto';
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readlinkSync,
  readSync,
  type BigIntStats,
} from 'node:fs';
import { systemCode } from '#agent/failure.ts';
import { within } from '#agent/files/folders.ts';
import { Pace } from '#agent/files/pace.ts';

const PIECE_BYTES = 64 * 1024;
/** Without O_NONBLOCK opening a fifo that a program put in a file's place would wait for ever. */
const FILE_FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** What is at a name: its stat, and the digest of a file's bytes or of a symlink's target (null for anything else). */
export interface Found {
  stat: BigIntStats;
  sha256: string | null;
}

/** SHA-256 of bytes or text in hexadecimal. */
export function digestOf(content: Uint8Array | string): string {
  return createHash('sha256').update(content).digest('hex');
}

/** Opens a regular file inside an open folder, never through a link. Null when there is none. */
export function openFileIn(folder: number, name: string): number | null {
  let file: number;
  try {
    file = openSync(within(folder, name), FILE_FLAGS);
  } catch (error) {
    if (['ENOENT', 'ELOOP', 'ENXIO', 'EISDIR'].includes(systemCode(error))) return null;
    throw error;
  }
  if (fstatSync(file).isFile()) return file;
  closeSync(file);
  return null;
}

/** The stat of a name without following a link, null when nothing is there. */
export function statIn(folder: number, name: string): BigIntStats | null {
  return lstatSync(within(folder, name), { bigint: true, throwIfNoEntry: false }) ?? null;
}

/**
 * Feeds an open file of about `size` bytes to `take` piece by piece, letting others run in between. The pieces share
 * memory. Ends early once it is beyond `limit` bytes.
 */
export async function readPieces(
  file: number,
  { size, limit = Infinity }: { size: number; limit?: number | undefined },
  take: (piece: Uint8Array) => void | Promise<void>,
): Promise<void> {
  // One byte more than a small file has, so that one read both takes it all and shows its end.
  let buffer = Buffer.allocUnsafe(Math.min(PIECE_BYTES, size + 1));
  const pace = new Pace();
  for (let done = 0; ;) {
    const bytes = readSync(file, buffer, 0, buffer.byteLength, null);
    if (bytes > 0) await take(buffer.subarray(0, bytes));
    done += bytes;
    // A network's file system may give less than it was asked for in the middle of a file, but never beyond its end.
    if (bytes === 0 || done > limit || (bytes < buffer.byteLength && done >= size)) return;
    // It has grown meanwhile, perhaps from nothing.
    if (done > size && buffer.byteLength < PIECE_BYTES) buffer = Buffer.allocUnsafe(PIECE_BYTES);
    if (pace.due) await pace.breathe();
  }
}

/** The digest of an open file of about so many bytes, from its present position. */
export async function digestOfFile(file: number, size: number): Promise<string> {
  const hash = createHash('sha256');
  await readPieces(file, { size }, (piece) => void hash.update(piece));
  return hash.digest('hex');
}

/** What is at a name now. Null when nothing is there. */
export async function findIn(folder: number, name: string): Promise<Found | null> {
  const stat = statIn(folder, name);
  if (stat === null) return null;
  if (stat.isSymbolicLink()) return { stat, sha256: digestOf(readlinkSync(within(folder, name), 'buffer')) };
  if (!stat.isFile()) return { stat, sha256: null };
  const file = openFileIn(folder, name);
  if (file === null) return null;
  try {
    const opened = fstatSync(file, { bigint: true });
    return { stat: opened, sha256: await digestOfFile(file, Number(opened.size)) };
  } finally {
    closeSync(file);
  }
}
