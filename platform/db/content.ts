import { createHash } from 'node:crypto';
import { AppError } from '#shared/domain/errors.ts';

/** How a row's content carries bytes: text as it is, other bytes as base64, a symlink as its target. */
export type ContentEncoding = 'utf8' | 'base64' | 'symlink';

/** A file's bytes with all that its row says about them. */
export interface FileContent {
  bytes: Buffer;
  sha256: string;
  size: number;
  /** PostgreSQL's text holds neither NUL nor invalid UTF-8: such bytes are base64. */
  encoding: ContentEncoding;
}

/** SHA-256 in hexadecimal. */
export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** How a file's bytes are kept in a row. */
export function encodingOf(bytes: Uint8Array): 'utf8' | 'base64' {
  if (bytes.includes(0)) return 'base64';
  try {
    new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    return 'utf8';
  } catch {
    // The decoder throws for bytes that are no UTF-8, and that is the answer.
    return 'base64';
  }
}

/** Describes the bytes of a file. */
export function describeFile(bytes: Buffer): FileContent {
  return { bytes, sha256: sha256(bytes), size: bytes.length, encoding: encodingOf(bytes) };
}

/** Describes bytes that come in pieces as describeFile does, and holds no more than one piece. */
export class ContentMeter {
  readonly #hash = createHash('sha256');
  readonly #decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  #encoding: 'utf8' | 'base64' = 'utf8';
  #size = 0;

  /** Takes the next piece. */
  add(bytes: Uint8Array): void {
    this.#hash.update(bytes);
    this.#size += bytes.length;
    if (bytes.includes(0) || !this.#decodes(bytes)) this.#encoding = 'base64';
  }

  /** What all the pieces are together. Call once, after the last. */
  finish(): Omit<FileContent, 'bytes'> {
    if (!this.#decodes(null)) this.#encoding = 'base64';
    return { sha256: this.#hash.digest('hex'), size: this.#size, encoding: this.#encoding };
  }

  #decodes(bytes: Uint8Array | null): boolean {
    if (this.#encoding === 'base64') return true;
    try {
      if (bytes === null) this.#decoder.decode();
      else this.#decoder.decode(bytes, { stream: true });
      return true;
    } catch {
      // The decoder throws for bytes that are no UTF-8, and that is the answer.
      return false;
    }
  }
}

/** The text that a row's `content` holds for these bytes. */
export function contentText(content: Pick<FileContent, 'bytes' | 'encoding'>): string {
  return content.bytes.toString(content.encoding === 'base64' ? 'base64' : 'utf8');
}

/** The bytes of a row's `content`. */
export function contentBytes(content: string, encoding: ContentEncoding): Buffer {
  return Buffer.from(content, encoding === 'base64' ? 'base64' : 'utf8');
}

/** Reads the content that a caller sent. Throws INVALID_INPUT for a lone surrogate and for what is no base64. */
export function parseContent(content: string, encoding: 'utf8' | 'base64'): FileContent {
  if (encoding === 'utf8') {
    if (!content.isWellFormed()) throw invalidContent('It is not valid Unicode; send the bytes as base64.');
    return describeFile(Buffer.from(content, 'utf8'));
  }
  const bytes = Buffer.from(content, 'base64');
  // Buffer skips what is no base64: only a round trip tells.
  if (bytes.toString('base64').replace(/=+$/, '') !== content.replace(/\s+/g, '').replace(/=+$/, '')) {
    throw invalidContent('It is not valid base64.');
  }
  return describeFile(bytes);
}

function invalidContent(message: string): AppError {
  return new AppError('INVALID_INPUT', {
    detail: `The content cannot be read. ${message}`,
    errors: [{ path: 'content', message }],
  });
}
