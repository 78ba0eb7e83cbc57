import express, { type Request, type Response } from 'express';
import { AppError } from '#shared/domain/errors.ts';

/** Bytes of a request body unless its route says otherwise. */
export const DEFAULT_BODY_LIMIT = 1_048_576;

/** Bytes that a file of `fileBytes` may take in a JSON body: base64 makes 4 of 3, a text of quotes and line ends 2 of 1. */
export function fileBodyLimit(fileBytes: number): number {
  return fileBytes * 2 + 65_536;
}

/** Reads a JSON body of at most `limit` bytes; {} when there is none. Compressed bodies are refused: they hide their size. */
export function createBodyReader(limit: number): (request: Request, response: Response) => Promise<unknown> {
  const parse = express.json({ limit, strict: false, inflate: false, type: () => true });
  return async (request, response) => {
    if (!hasBody(request)) return {};
    requireJson(request);
    await new Promise<void>((resolve, reject) => {
      parse(request, response, (error?: unknown) => (error ? reject(error as Error) : resolve()));
    });
    return request.body as unknown;
  };
}

/** Leaves a body of bytes to the route's handler. Throws UNSUPPORTED_MEDIA_TYPE for another type, and for a compressed one. */
export function createBytesGate(type: string): (request: Request) => Promise<undefined> {
  return async (request) => {
    if (mediaType(request) !== type) {
      throw new AppError('UNSUPPORTED_MEDIA_TYPE', { detail: `The body must be ${type}.` });
    }
    if ((request.get('content-encoding') ?? 'identity') !== 'identity') {
      throw new AppError('UNSUPPORTED_MEDIA_TYPE', { detail: 'The body must not be compressed: that hides its size.' });
    }
    return undefined;
  };
}

/**
 * The bytes of a request as they come; throws MALFORMED_BODY where it breaks off. Whoever stops early still answers: the
 * rest is read and dropped, for a connection that is cut while its client sends loses the answer on the way.
 */
export async function* bytesOf(request: Request): AsyncGenerator<Buffer, void, undefined> {
  try {
    yield* request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>;
  } catch (cause) {
    throw new AppError('MALFORMED_BODY', { detail: 'The request broke off before its end.', cause });
  } finally {
    request.resume();
  }
}

/** Reads a body of bytes whole. Throws BODY_TOO_LARGE beyond `limit`. */
export async function readBytes(request: Request, limit: number): Promise<Buffer> {
  const tooLarge = new AppError('BODY_TOO_LARGE', { detail: `The body may have at most ${limit} bytes.` });
  if (Number(request.get('content-length') ?? 0) > limit) throw tooLarge;
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of bytesOf(request)) {
    size += chunk.length;
    if (size > limit) throw tooLarge;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function mediaType(request: Request): string | undefined {
  return request.get('content-type')?.split(';')[0]?.trim().toLowerCase();
}

function hasBody(request: Request): boolean {
  return request.headers['transfer-encoding'] !== undefined || Number(request.headers['content-length'] ?? 0) > 0;
}

function requireJson(request: Request): void {
  if (mediaType(request) !== 'application/json') {
    throw new AppError('UNSUPPORTED_MEDIA_TYPE', { detail: 'The body must be application/json.' });
  }
}
