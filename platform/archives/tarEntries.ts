import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { extract as createExtract, type Header } from 'tar-stream';
import { MAX_PACKING, type ArchiveEntry } from '#shared/domain/archiveEntry.ts';
import { AppError } from '#shared/domain/errors.ts';
import {
  collect,
  findArchiveFault,
  readRange,
  type ArchiveBytes,
  type PackedEntry,
} from '#platform/archives/packedEntry.ts';

/** A packed tar of fewer bytes may be packed as tightly as it likes: small files are mostly the zeros behind them. */
const PLAIN_TAR_BYTES = 16_777_216;

/** How a tar is read. */
export interface TarOptions {
  gzip: boolean;
  maxEntries: number;
  /** The most bytes that a packed tar may unpack to. */
  maxBytes: number;
}

/**
 * The entries of a tar, in its order. Throws ARCHIVE_UNREADABLE, and ARCHIVE_TOO_LARGE for one that unpacks to more than
 * it may.
 */
export async function* tarEntries(
  bytes: ArchiveBytes,
  options: TarOptions,
): AsyncGenerator<PackedEntry, void, undefined> {
  const extract = createExtract();
  const source = Readable.from(readRange(bytes, { start: 0, end: bytes.size }), { objectMode: false });
  const flow = options.gzip
    ? pipeline(source, createGunzip(), createMeter(bytes.size, options.maxBytes), extract)
    : pipeline(source, extract);
  // The iteration below meets every failure; this promise rejects also when nobody wants the rest.
  flow.catch(() => undefined);
  let count = 0;
  try {
    for await (const stream of extract) {
      count += 1;
      if (count > options.maxEntries) {
        throw new AppError('ARCHIVE_TOO_LARGE', { detail: `The archive has more than ${options.maxEntries} entries.` });
      }
      const entry = describe(stream.header);
      let isRead = false;
      yield {
        entry,
        read() {
          isRead = true;
          return collect(stream as AsyncIterable<Buffer>, entry.size);
        },
      };
      if (!isRead) stream.resume();
    }
  } catch (error) {
    throw unreadable(error);
  } finally {
    extract.destroy();
  }
}

/** What is about the archive as ARCHIVE_UNREADABLE; what is not passes. */
function unreadable(error: unknown): unknown {
  const fault = error instanceof AppError ? null : findArchiveFault(error);
  if (fault === null) return error;
  return new AppError('ARCHIVE_UNREADABLE', { detail: `This is no tar that can be read: ${fault}.`, cause: error });
}

/** Breaks a stream that unpacks to more than it may. */
function createMeter(packed: number, maxBytes: number): Transform {
  let unpacked = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      unpacked += chunk.length;
      if (unpacked > maxBytes) {
        done(new AppError('ARCHIVE_TOO_LARGE', { detail: `The archive unpacks to more than ${maxBytes} bytes.` }));
      } else if (unpacked > PLAIN_TAR_BYTES && unpacked > packed * MAX_PACKING) {
        const detail = `The archive is packed more than ${MAX_PACKING} to 1, as no honest one is.`;
        done(new AppError('ARCHIVE_TOO_LARGE', { detail }));
      } else done(null, chunk);
    },
  });
}

function describe(header: Header): ArchiveEntry {
  const type = typeOf(header);
  return {
    name: header.name,
    type,
    executable: type === 'file' && (header.mode & 0o100) !== 0,
    size: type === 'file' ? header.size : 0,
    packedSize: null,
    target: type === 'symlink' ? header.linkname : null,
    problem: isSparse(header) ? 'is a file with holes, whose bytes are not all there' : null,
  };
}

function typeOf({ type }: Header): ArchiveEntry['type'] {
  if (type === 'file' || type === 'contiguous-file') return 'file';
  if (type === 'directory') return 'folder';
  if (type === 'symlink') return 'symlink';
  // A kind that the library does not know comes as null, whatever its types say.
  return type === 'link' ? 'hard-link' : 'special';
}

function isSparse({ pax }: Header): boolean {
  return Object.keys(pax ?? {}).some((key) => key.startsWith('GNU.sparse.'));
}
