import { request, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';

/** What a visitor of a preview says beside the path. */
export interface Visit {
  host: string;
  cookie?: string | undefined;
  method?: string;
  headers?: Record<string, string>;
  body?: Buffer;
  /** Without a length: in pieces. */
  chunked?: boolean;
}

/** An answer that was read to its end. */
export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

/** Asks the api at `url` under another host's name; resolves when the answer begins. */
export function beginVisit(url: string, path: string, visit: Visit): Promise<IncomingMessage> {
  const { host, cookie, method = 'GET', body, chunked = false } = visit;
  const length = body === undefined || chunked ? {} : { 'content-length': String(body.byteLength) };
  const headers = { ...length, ...visit.headers, host, ...(cookie !== undefined && { cookie }) };
  return new Promise((resolve, reject) => {
    const asked = request(`${url}${path}`, { method, headers, agent: false });
    asked.once('response', resolve).once('error', reject);
    if (chunked) asked.write(body?.subarray(0, 1_000));
    asked.end(chunked ? body?.subarray(1_000) : body);
  });
}

/** Asks and reads the whole answer; rejects when it breaks off. */
export async function visit(url: string, path: string, given: Visit): Promise<Answer> {
  const answer = await beginVisit(url, path, given);
  return { status: answer.statusCode ?? 0, headers: answer.headers, body: await readAnswer(answer) };
}

async function readAnswer(answer: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of answer) pieces.push(piece as Buffer);
  return Buffer.concat(pieces);
}

/** Writes bytes to the api's port as they are, and resolves with the connection. */
export function sendRaw(url: string, text: string): Socket {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.write(text);
  return socket;
}

/** Collects what comes on a connection. */
export function collect(socket: Socket): { text: () => string; bytes: () => Buffer; closed: () => boolean } {
  let all = Buffer.alloc(0);
  let over = false;
  const pieces: Buffer[] = [];
  socket.on('data', (piece: Buffer) => pieces.push(piece));
  socket.on('close', () => (over = true)).on('error', () => undefined);
  const bytes = (): Buffer => (all = Buffer.concat([all, ...pieces.splice(0)]));
  return { bytes, text: () => bytes().toString('latin1'), closed: () => over };
}
