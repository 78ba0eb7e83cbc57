import type { ApiDeps } from '#api/deps.ts';
import { AppError, isAppError } from '#shared/domain/errors.ts';
import { appendPart, findUpload, UPLOAD_PART_BYTES, type UploadRecord } from '#platform/db/repositories/uploads.ts';

type Deps = Pick<ApiDeps, 'database'>;

/** Bytes that somebody sends for an upload, and where they say that these begin. */
export interface IncomingPart {
  upload: UploadRecord;
  offset: number;
  bytes: AsyncIterable<Buffer>;
  /** The length that the request announces; null when it does not. */
  announced: number | null;
}

/**
 * Appends what comes in parts, each committed by itself: whatever breaks, the upload goes on from the last. Throws
 * UPLOAD_OFFSET when the upload does not end at the offset (any more), INVALID_INPUT for more bytes than were announced
 * for the upload, NOT_FOUND when it was cancelled meanwhile, and what `bytes` throws: MALFORMED_BODY where they break off.
 */
export async function receivePart(deps: Deps, part: IncomingPart): Promise<UploadRecord> {
  const { upload, announced } = part;
  if (part.offset !== upload.received) throw wrongOffset(upload);
  if (announced !== null && part.offset + announced > upload.size) throw tooMany(upload);
  const writer = new PartWriter(deps, upload);
  try {
    for await (const chunk of part.bytes) await writer.add(chunk);
  } catch (error) {
    // The client went away. What came before is good, and need not be sent again.
    if (isAppError(error, 'MALFORMED_BODY')) await writer.flush();
    throw error;
  }
  await writer.flush();
  return { ...upload, received: writer.offset };
}

/** Gathers small chunks into parts. */
class PartWriter {
  offset: number;
  readonly #deps: Deps;
  readonly #upload: UploadRecord;
  #held: Buffer[] = [];
  #size = 0;

  constructor(deps: Deps, upload: UploadRecord) {
    this.#deps = deps;
    this.#upload = upload;
    this.offset = upload.received;
  }

  async add(chunk: Buffer): Promise<void> {
    if (this.offset + this.#size + chunk.length > this.#upload.size) throw tooMany(this.#upload);
    for (let rest = chunk; rest.length > 0;) {
      const room = UPLOAD_PART_BYTES - this.#size;
      this.#held.push(rest.subarray(0, room));
      this.#size += Math.min(room, rest.length);
      rest = rest.subarray(room);
      if (this.#size === UPLOAD_PART_BYTES) await this.flush();
    }
  }

  async flush(): Promise<void> {
    if (this.#size === 0) return;
    const bytes = Buffer.concat(this.#held, this.#size);
    const { id, sessionId, userId } = this.#upload;
    if (!(await appendPart(this.#deps.database, { uploadId: id, start: this.offset, bytes }))) {
      const present = await findUpload(this.#deps.database, { id, sessionId, userId });
      throw present === null
        ? new AppError('NOT_FOUND', { detail: 'The upload was cancelled.' })
        : wrongOffset(present);
    }
    this.offset += this.#size;
    this.#held = [];
    this.#size = 0;
  }
}

function wrongOffset({ received }: UploadRecord): AppError {
  return new AppError('UPLOAD_OFFSET', {
    detail: `The next part begins at ${received}.`,
    data: { offset: received },
  });
}

function tooMany({ size }: UploadRecord): AppError {
  const message = `the upload was announced with ${size} bytes`;
  return new AppError('INVALID_INPUT', { detail: `Too many bytes: ${message}.`, errors: [{ path: 'body', message }] });
}
