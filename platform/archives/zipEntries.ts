import { Readable } from 'node:stream';
import { crc32 } from 'node:zlib';
import yauzl from 'yauzl';
import type { ArchiveEntry } from '#shared/domain/archiveEntry.ts';
import { AppError } from '#shared/domain/errors.ts';
import { MAX_PATH_BYTES } from '#shared/domain/paths.ts';
import {
  collect,
  EntryDamaged,
  findArchiveFault,
  readRange,
  type ArchiveBytes,
  type PackedEntry,
} from '#platform/archives/packedEntry.ts';

const STORED = 0;
const DEFLATED = 8;
const TYPE_BITS = 0o170_000;
const FOLDER = 0o040_000;
const FILE = 0o100_000;
const LINK = 0o120_000;
/** Systems whose zips carry the mode of a file: Unix and macOS. */
const WITH_MODES = [3, 19];
const DOS_FOLDER = 0x10;
/** The directory of a zip is held whole while it is read; names of the greatest length for all entries need less. */
const MAX_DIRECTORY_BYTES = 50_331_648;

/**
 * The entries of a zip, in the order of its directory. Throws ARCHIVE_UNREADABLE, and ARCHIVE_TOO_LARGE for more than
 * `maxEntries`.
 */
export async function* zipEntries(
  bytes: ArchiveBytes,
  maxEntries: number,
): AsyncGenerator<PackedEntry, void, undefined> {
  const zip = await readable(yauzl.fromRandomAccessReaderPromise(new ArchiveReader(bytes), bytes.size, OPTIONS));
  try {
    if (zip.entryCount > maxEntries) throw tooMany(maxEntries);
    const entries = await readable(listEntries(zip));
    const overlapping = await findOverlapping(zip, entries);
    for (const entry of entries) {
      const described = await describe(zip, entry);
      const problem = overlapping.has(entry) ? 'shares its bytes with another entry' : described.problem;
      yield { entry: { ...described, problem }, read: () => unpack(zip, entry) };
    }
  } finally {
    zip.close();
  }
}

// Names and sizes are judged by our own rules, which can name the entry: the library's end the whole archive.
const OPTIONS = { decodeStrings: false, validateEntrySizes: false, autoClose: false, lazyEntries: true };

class ArchiveReader extends yauzl.RandomAccessReader {
  readonly #bytes: ArchiveBytes;

  constructor(bytes: ArchiveBytes) {
    super();
    this.#bytes = bytes;
  }

  override _readStreamForRange(start: number, end: number): Readable {
    return Readable.from(readRange(this.#bytes, { start, end: Math.min(end, this.#bytes.size) }), {
      objectMode: false,
    });
  }
}

function tooMany(maxEntries: number): AppError {
  return new AppError('ARCHIVE_TOO_LARGE', { detail: `The archive has more than ${maxEntries} entries.` });
}

/** Turns what is about the archive into ARCHIVE_UNREADABLE; what is not passes. */
async function readable<T>(reading: Promise<T>): Promise<T> {
  try {
    return await reading;
  } catch (error) {
    const fault = error instanceof AppError ? null : findArchiveFault(error);
    if (fault === null) throw error;
    throw new AppError('ARCHIVE_UNREADABLE', { detail: `This is no zip that can be read: ${fault}.`, cause: error });
  }
}

async function listEntries(zip: yauzl.ZipFile): Promise<yauzl.Entry[]> {
  const entries: yauzl.Entry[] = [];
  let bytes = 0;
  for await (const entry of zip.eachEntry()) {
    bytes += entry.fileNameLength + entry.extraFieldLength + entry.fileCommentLength;
    if (bytes > MAX_DIRECTORY_BYTES) {
      throw new AppError('ARCHIVE_TOO_LARGE', { detail: 'The names and comments in the archive are too long.' });
    }
    entries.push(entry);
  }
  return entries;
}

/** Entries whose bytes lie in those of another: a small zip can so declare the same bomb a thousand times. */
async function findOverlapping(zip: yauzl.ZipFile, entries: yauzl.Entry[]): Promise<Set<yauzl.Entry>> {
  const ranges = [];
  for (const entry of entries) {
    const { fileDataStart } = await readable(zip.readLocalFileHeaderPromise(entry, { minimal: true }));
    ranges.push({ entry, start: entry.relativeOffsetOfLocalHeader, end: fileDataStart + entry.compressedSize });
  }
  const overlapping = new Set<yauzl.Entry>();
  let before: (typeof ranges)[number] | null = null;
  for (const range of ranges.sort((left, right) => left.start - right.start)) {
    if (before !== null && range.start < before.end) overlapping.add(range.entry).add(before.entry);
    if (before === null || range.end > before.end) before = range;
  }
  return overlapping;
}

async function describe(zip: yauzl.ZipFile, entry: yauzl.Entry): Promise<ArchiveEntry> {
  // Without strings decoded the name comes as it is written. Zips from before the flag for UTF-8 are mostly ASCII.
  const name = Buffer.from(entry.fileNameRaw).toString('utf8');
  const mode = WITH_MODES.includes(entry.versionMadeBy >>> 8) ? entry.externalFileAttributes >>> 16 : 0;
  const type = typeOf(name, mode, entry.externalFileAttributes);
  const problem = findProblem(entry);
  const target = type === 'symlink' && problem === null ? await readTarget(zip, entry) : null;
  return {
    name,
    type,
    executable: type === 'file' && (mode & 0o100) !== 0,
    size: entry.uncompressedSize,
    packedSize: entry.compressedSize,
    target,
    problem,
  };
}

function typeOf(name: string, mode: number, attributes: number): ArchiveEntry['type'] {
  const bits = mode & TYPE_BITS;
  if (bits === LINK) return 'symlink';
  if (bits === FOLDER || name.endsWith('/')) return 'folder';
  if (bits === 0) return (attributes & DOS_FOLDER) === 0 ? 'file' : 'folder';
  return bits === FILE ? 'file' : 'special';
}

function findProblem(entry: yauzl.Entry): string | null {
  if (entry.isEncrypted()) return 'is encrypted';
  if (entry.compressionMethod !== STORED && entry.compressionMethod !== DEFLATED) {
    return `is packed in a way that is not read (method ${entry.compressionMethod})`;
  }
  if (entry.compressionMethod === STORED && entry.compressedSize !== entry.uncompressedSize) {
    return 'declares two sizes for the same bytes';
  }
  return null;
}

/** Where a link leads; null when that cannot be read. */
async function readTarget(zip: yauzl.ZipFile, entry: yauzl.Entry): Promise<string | null> {
  if (entry.uncompressedSize > MAX_PATH_BYTES) return null;
  try {
    return (await unpack(zip, entry)).toString('utf8');
  } catch (error) {
    if (error instanceof EntryDamaged) return null;
    throw error;
  }
}

async function unpack(zip: yauzl.ZipFile, entry: yauzl.Entry): Promise<Buffer> {
  const bytes = await inflate(zip, entry);
  if (crc32(bytes) !== entry.crc32) throw new EntryDamaged('does not match its checksum');
  return bytes;
}

async function inflate(zip: yauzl.ZipFile, entry: yauzl.Entry): Promise<Buffer> {
  const stream = await readable(zip.openReadStreamPromise(entry));
  try {
    return await collect(stream as AsyncIterable<Buffer>, entry.uncompressedSize);
  } catch (error) {
    if (error instanceof EntryDamaged || findArchiveFault(error) === null) throw error;
    throw new EntryDamaged('cannot be unpacked', error);
  }
}
