import { isNativeError } from 'node:util/types';
import type { ArchiveEntry } from '#shared/domain/archiveEntry.ts';

/** Bytes of an archive that can be read at any place. */
export interface ArchiveBytes {
  size: number;
  /** At least one and at most `length` bytes from `start` on. */
  read(start: number, length: number): Promise<Buffer>;
}

/** An entry while its archive is being read. */
export interface PackedEntry {
  entry: ArchiveEntry;
  /** Unpacks the entry whole, once, before the next one is asked for. Throws EntryDamaged where it is not what it declares. */
  read(): Promise<Buffer>;
}

/** An entry cannot be unpacked to what it declares; `problem` says why, as the end of a sentence. */
export class EntryDamaged extends Error {
  readonly problem: string;

  constructor(problem: string, cause?: unknown) {
    super(`The entry ${problem}.`, { cause });
    this.name = 'EntryDamaged';
    this.problem = problem;
  }
}

/** Collects what an entry unpacks to, and never more than it declares. Throws EntryDamaged for another length. */
export async function collect(pieces: AsyncIterable<Uint8Array>, declared: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of pieces) {
    size += chunk.length;
    if (size > declared) throw new EntryDamaged('unpacks to more bytes than it declares');
    chunks.push(chunk);
  }
  if (size < declared) throw new EntryDamaged('unpacks to fewer bytes than it declares');
  return Buffer.concat(chunks, size);
}

/** All bytes from `start` to `end`, piece by piece. */
export async function* readRange(
  bytes: ArchiveBytes,
  { start, end }: { start: number; end: number },
): AsyncGenerator<Buffer, void, undefined> {
  for (let position = start; position < end;) {
    const piece = await bytes.read(position, end - position);
    yield piece;
    position += piece.length;
  }
}

/** What zlib and the readers of the formats throw about bytes; everything else, a lost database say, is not the archive's fault. */
export function findArchiveFault(error: unknown): string | null {
  if (!isNativeError(error) || !['Error', 'RangeError'].includes(error.name)) return null;
  const code = 'code' in error ? String(error.code) : '';
  const isAboutBytes = code === '' || code === 'ERR_OUT_OF_RANGE' || code.startsWith('Z_');
  return isAboutBytes ? error.message.replace(/\.$/, '') : null;
}
