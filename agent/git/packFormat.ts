import { z } from 'zod';
import { findPathProblem, pathDepth } from '#shared/domain/paths.ts';

/*
 * A packed `.git` folder: for each entry the length of its head (u32), the head as JSON, and a file's bytes; a length of 0
 * ends it. Folders come before what is in them. It was written in somebody's pod, so nothing in it is believed.
 */

/** What is wrong with a pack or with what is to be packed; the message is a stable reason. */
export class GitRefusal extends Error {}

/** The most entries of a `.git` folder. */
export const MAX_GIT_ENTRIES = 50_000;
const MAX_HEAD_BYTES = 64 * 1024;
const MAX_TARGET_BYTES = 4_096;

const path = z.string().refine((value) => findPathProblem(value) === null);

/** One entry of a `.git` folder, its path relative to it. `mode` has the nine permission bits. */
export const GitEntry = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('folder'), path }),
  z.strictObject({ type: z.literal('file'), path, mode: z.int().min(0).max(0o777), size: z.int().min(0) }),
  z.strictObject({ type: z.literal('link'), path, target: z.string() }),
]);
/** One entry of a `.git` folder. */
export type GitEntry = z.infer<typeof GitEntry>;

/** The length that ends a pack. */
export const PACK_END = Buffer.alloc(4);

/** The bytes that stand before an entry's own. */
export function encodeHead(entry: GitEntry): Buffer {
  const head = Buffer.from(JSON.stringify(entry), 'utf8');
  const length = Buffer.alloc(4);
  length.writeUInt32BE(head.byteLength);
  return Buffer.concat([length, head]);
}

/** How many bytes of a pack an entry takes. */
export function packedSize(entry: GitEntry): number {
  return encodeHead(entry).byteLength + (entry.type === 'file' ? entry.size : 0);
}

/** True when a link is relative and leads to somewhere inside the very `.git` folder. */
export function staysInside(linkPath: string, target: string): boolean {
  if (target === '' || target.startsWith('/') || target.includes('\0')) return false;
  if (!target.isWellFormed() || Buffer.byteLength(target) > MAX_TARGET_BYTES) return false;
  let depth = pathDepth(linkPath) - 1;
  for (const name of target.split('/')) {
    if (name === '..') depth -= 1;
    else if (name !== '' && name !== '.') depth += 1;
    if (depth < 0) return false;
  }
  return true;
}

/** Reads a pack piece by piece. Throws a GitRefusal at the first thing that is not as it must be. */
export class PackReader {
  #pieces: AsyncIterator<Uint8Array>;
  #rest: Uint8Array = new Uint8Array(0);
  #entries = 0;

  constructor(pieces: AsyncIterator<Uint8Array>) {
    this.#pieces = pieces;
  }

  /** The next entry, null after the last one. A file's bytes are to be taken by `body` before the next call. */
  async next(): Promise<GitEntry | null> {
    const length = Buffer.from(await this.#take(4)).readUInt32BE();
    if (length === 0) return this.#end();
    if (length > MAX_HEAD_BYTES) throw new GitRefusal('the pack is damaged');
    this.#entries += 1;
    if (this.#entries > MAX_GIT_ENTRIES) throw new GitRefusal('the pack has too many entries');
    const entry = parseHead(await this.#take(length));
    if (entry.type === 'link' && !staysInside(entry.path, entry.target)) {
      throw new GitRefusal('a link in the pack leaves its folder');
    }
    return entry;
  }

  /** Hands over the bytes of a file in pieces. */
  async body(size: number, take: (piece: Uint8Array) => void): Promise<void> {
    for (let left = size; left > 0;) {
      const piece = await this.#some(left);
      left -= piece.byteLength;
      take(piece);
    }
  }

  async #end(): Promise<null> {
    if (this.#rest.byteLength > 0 || (await this.#pieces.next()).done !== true) {
      throw new GitRefusal('the pack goes on after its end');
    }
    return null;
  }

  async #take(size: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(size);
    let done = 0;
    await this.body(size, (piece) => {
      bytes.set(piece, done);
      done += piece.byteLength;
    });
    return bytes;
  }

  /** At least one byte and at most so many. */
  async #some(most: number): Promise<Uint8Array> {
    while (this.#rest.byteLength === 0) {
      const next = await this.#pieces.next();
      if (next.done === true) throw new GitRefusal('the pack ends too early');
      this.#rest = next.value;
    }
    const piece = this.#rest.subarray(0, most);
    this.#rest = this.#rest.subarray(piece.byteLength);
    return piece;
  }
}

function parseHead(bytes: Uint8Array): GitEntry {
  try {
    return GitEntry.parse(JSON.parse(Buffer.from(bytes).toString('utf8')));
  } catch {
    // Whatever is wrong with it: no agent of ours has written this.
    throw new GitRefusal('the pack is damaged');
  }
}
