import type { Response } from 'express';
import { Readable } from 'node:stream';
import type { Reply } from '#api/http/route.ts';

/** Sends what a handler answered: JSON, bytes with their own headers, or nothing. */
export function sendReply(response: Response, reply: Reply): void {
  response
    .status(reply.status)
    .set('Cache-Control', 'no-store')
    .set(reply.headers ?? {});
  if (reply.stream instanceof Readable) {
    // A stream that breaks after the headers can only be told by breaking the answer.
    reply.stream.on('error', (error) => response.destroy(error));
    response.on('close', () => (reply.stream as Readable).destroy());
    reply.stream.pipe(response);
  } else if (reply.stream) response.send(reply.stream);
  else if (reply.body === undefined) response.end();
  else response.json(reply.body);
}
