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

function hasBody(request: Request): boolean {
  return request.headers['transfer-encoding'] !== undefined || Number(request.headers['content-length'] ?? 0) > 0;
}

function requireJson(request: Request): void {
  const type = request.get('content-type')?.split(';')[0]?.trim().toLowerCase();
  if (type !== 'application/json') {
    throw new AppError('UNSUPPORTED_MEDIA_TYPE', { detail: 'The body must be application/json.' });
  }
}
