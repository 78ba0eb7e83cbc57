import { createHash, hash as hashOnce } from 'node:crypto';
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
  return hashOnce('sha256', content, 'hex');
}

/** A regular file that was opened for reading, with what it was at that moment. Whoever opened it closes it. */
export interface OpenedFile {
  file: number;
  stat: BigIntStats;
}

/** Opens a regular file inside an open folder, never through a link. Null when there is none. */
export function openFileIn(folder: number, name: string): OpenedFile | null {
  let file: number;
  try {
    file = openSync(within(folder, name), FILE_FLAGS);
  } catch (error) {
    if (['ENOENT', 'ELOOP', 'ENXIO', 'EISDIR'].includes(systemCode(error))) return null;
    throw error;
  }
  const stat = fstatSync(file, { bigint: true });
  if (stat.isFile()) return { file, stat };
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

/** The digest of a file that was just opened. */
export async function digestOfFile({ file, stat }: OpenedFile): Promise<string> {
  const small = readSmall({ file, stat }, smallBuffer);
  if (small !== null) return digestOf(small);
  const size = Number(stat.size);
  const hash = createHash('sha256');
  await readPieces(file, { size }, (piece) => void hash.update(piece));
  return hash.digest('hex');
}

/** Reused for every small file that is only digested: nothing else happens between its reading and its digest. */
const smallBuffer = allocateForSmall();

/** A buffer for `readSmall`. */
export function allocateForSmall(): Buffer {
  return Buffer.allocUnsafeSlow(PIECE_BYTES);
}

/**
 * The whole of a file that was just opened, read into the buffer, or null when it is not small. Most are, and a thousand
 * of them take half the time this way.
 */
export function readSmall({ file, stat }: OpenedFile, buffer: Buffer): Buffer | null {
  const size = Number(stat.size);
  if (size >= buffer.byteLength) return null;
  // One byte more than it has shows that it ends there. Its position stays at the beginning, for reading in pieces.
  return readSync(file, buffer, 0, size + 1, 0) === size ? buffer.subarray(0, size) : null;
}

/** What is at a name now. Null when nothing is there. */
export async function findIn(folder: number, name: string): Promise<Found | null> {
  const stat = statIn(folder, name);
  if (stat === null) return null;
  if (stat.isSymbolicLink()) return { stat, sha256: digestOf(readlinkSync(within(folder, name), 'buffer')) };
  if (!stat.isFile()) return { stat, sha256: null };
  const opened = openFileIn(folder, name);
  if (opened === null) return null;
  try {
    return { stat: opened.stat, sha256: await digestOfFile(opened) };
  } finally {
    closeSync(opened.file);
  }
}
