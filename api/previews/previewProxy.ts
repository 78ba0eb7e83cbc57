import { request as askProgram, type ClientRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { toProgram, toVisitor, type PreviewRoute } from '#api/previews/previewHeaders.ts';
import { AppError } from '#shared/domain/errors.ts';

const MAX_HEADER_BYTES = 65_536;

/** What one request to a preview may take. */
export interface PreviewLimits {
  /** The most bytes of its body. */
  bodyBytes: number;
  /** How long a program may take, after the last byte of the request, until its answer begins; what comes then may last. */
  answerMs: number;
}

/** A request on its way to a program: over a connection of its own, so that nothing in it can be taken for the next one. */
export interface PreviewExchange {
  request: IncomingMessage;
  response: ServerResponse;
  program: Duplex;
  route: PreviewRoute;
  limits: PreviewLimits;
}

/**
 * Passes a request on and its answer back, as streams. Resolves when the answer has ended or broken off; rejects while
 * nothing was answered yet, with PREVIEW_FAILED, PREVIEW_TIMEOUT or BODY_TOO_LARGE.
 */
export async function passRequest({ request, response, program, route, limits }: PreviewExchange): Promise<void> {
  const asked = ask({ request, program, route }, toProgram(request, route));
  response.once('close', () => asked.destroy());
  request.once('error', () => asked.destroy());
  const tooLarge = limitBody({ request, asked, limits });
  request.pipe(asked);
  const answer = await Promise.race([answerTo(asked, { limits, body: request }), tooLarge]);
  response.writeHead(answer.statusCode ?? 502, answer.statusMessage, toVisitor(answer, route));
  // An answer that comes bit by bit begins before its first bit.
  response.flushHeaders();
  answer.on('error', () => response.destroy());
  answer.pipe(response);
  await new Promise((resolve) => response.once('close', resolve));
}

/**
 * Passes an upgrade to a WebSocket on, and then bytes both ways until either side ends. A program that refuses is passed on
 * as any answer, through `response`. Rejects as passRequest does.
 */
export async function passUpgrade(exchange: PreviewExchange & { socket: Duplex; head: Buffer }): Promise<void> {
  const { request, response, program, route, socket, head } = exchange;
  const headers = { ...toProgram(request, route), connection: 'Upgrade', upgrade: 'websocket' };
  const asked = ask({ request, program, route }, headers);
  socket.once('close', () => asked.destroy());
  const upgraded = new Promise<{ answer: IncomingMessage; rest: Buffer }>((resolve) => {
    asked.once('upgrade', (answer, _stream, rest) => resolve({ answer, rest }));
  });
  asked.end();
  const first = await Promise.race([answerTo(asked, { limits: exchange.limits, body: null }), upgraded]);
  if (!('rest' in first)) {
    response.writeHead(first.statusCode ?? 502, first.statusMessage, toVisitor(first, route));
    first.on('error', () => socket.destroy());
    first.pipe(response);
    await new Promise((resolve) => response.once('close', resolve));
    return;
  }
  response.detachSocket(socket as never);
  socket.write(headOf(first.answer, route));
  if (first.rest.byteLength > 0) socket.write(first.rest);
  if (head.byteLength > 0) program.write(head);
  await joinStreams(socket, program);
}

function ask(
  { request, program, route }: Pick<PreviewExchange, 'request' | 'program' | 'route'>,
  headers: ReturnType<typeof toProgram>,
): ClientRequest {
  return askProgram({
    createConnection: () => program,
    method: request.method,
    path: request.url,
    headers,
    setHost: false,
    maxHeaderSize: MAX_HEADER_BYTES,
    port: route.port,
  });
}

/** The answer as it begins. While bytes of `body` come nobody waits for it yet. */
function answerTo(
  asked: ClientRequest,
  { limits: { answerMs }, body }: Pick<PreviewExchange, 'limits'> & { body: IncomingMessage | null },
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(new AppError('PREVIEW_TIMEOUT', { detail: `It did not begin within ${answerMs / 1_000} s.` }));
      asked.destroy();
    }, answerMs);
    const putOff = (): void => void timer.refresh();
    const stop = (): void => {
      // In this order: a timer that was cleared would be started again.
      body?.off('data', putOff);
      clearTimeout(timer);
    };
    body?.on('data', putOff);
    asked.once('response', resolve);
    // Also after the answer has begun: then whoever reads it sees the break.
    asked.on('error', (cause) => reject(new AppError('PREVIEW_FAILED', { cause })));
    asked.once('response', stop);
    asked.once('close', () => {
      stop();
      reject(new AppError('PREVIEW_FAILED'));
    });
  });
}

/** Rejects, and ends the request to the program, once the body is longer than it may be. */
function limitBody({
  request,
  asked,
  limits: { bodyBytes },
}: Pick<PreviewExchange, 'request' | 'limits'> & { asked: ClientRequest }): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>();
  promise.catch(() => undefined);
  let bytes = 0;
  const count = (more: number): void => {
    bytes += more;
    if (bytes <= bodyBytes) return;
    reject(new AppError('BODY_TOO_LARGE', { detail: `A preview takes at most ${bodyBytes} bytes at once.` }));
    request.unpipe(asked);
    asked.destroy();
  };
  request.on('data', (chunk: Buffer) => count(chunk.byteLength));
  return promise;
}

function headOf(answer: IncomingMessage, route: PreviewRoute): string {
  const headers = Object.entries(toVisitor(answer, route)).flatMap(([name, values]) =>
    values.map((value) => `${name}: ${value}`),
  );
  const lines = ['HTTP/1.1 101 Switching Protocols', 'connection: Upgrade', 'upgrade: websocket', ...headers];
  return `${lines.join('\r\n')}\r\n\r\n`;
}

/** Passes bytes both ways. Resolves once both are closed; a broken side breaks the other. */
async function joinStreams(visitor: Duplex, program: Duplex): Promise<void> {
  visitor.pipe(program).on('error', () => visitor.destroy());
  program.pipe(visitor).on('error', () => program.destroy());
  const closed = [visitor, program].map((stream) => new Promise((resolve) => stream.once('close', resolve)));
  visitor.once('close', () => program.destroy());
  program.once('close', () => visitor.destroy());
  await Promise.all(closed);
}
