import { AppError } from '#shared/domain/errors.ts';
import type { Database } from '#platform/db/database.ts';
import { readPart, type UploadRecord } from '#platform/db/repositories/uploads.ts';

/** Parts that are held at once: those at both ends of an archive, and those that are being read. */
const HELD_PARTS = 4;

type Upload = Pick<UploadRecord, 'id' | 'size'>;

/** The bytes of an upload in order, part by part. Ends early when the upload goes away meanwhile. */
export async function* uploadParts(database: Database, upload: Upload): AsyncGenerator<Buffer, void, undefined> {
  for (let position = 0; position < upload.size;) {
    const part = await readPart(database, { uploadId: upload.id, position });
    if (part === null) return;
    yield part.bytes;
    position = part.start + part.bytes.length;
  }
}

/** Reads an upload's bytes at any place, and holds a few parts, for what reads a little here and a little there. */
export class UploadReader {
  readonly size: number;
  readonly #database: Database;
  readonly #uploadId: string;
  #held: { start: number; bytes: Buffer }[] = [];

  constructor(database: Database, upload: Upload) {
    this.#database = database;
    this.#uploadId = upload.id;
    this.size = upload.size;
  }

  /** The bytes from `start` up to the end of the part that holds it, at most `length`. Throws NOT_FOUND when it is gone. */
  async read(start: number, length: number): Promise<Buffer> {
    const part = await this.#partAt(start);
    const offset = start - part.start;
    return part.bytes.subarray(offset, offset + length);
  }

  async #partAt(position: number): Promise<{ start: number; bytes: Buffer }> {
    const held = this.#held.find(({ start, bytes }) => start <= position && position < start + bytes.length);
    const part = held ?? (await readPart(this.#database, { uploadId: this.#uploadId, position }));
    if (part === null) throw new AppError('NOT_FOUND', { detail: 'The upload was cancelled.' });
    this.#held = [part, ...this.#held.filter((other) => other !== part)].slice(0, HELD_PARTS);
    return part;
  }
}
