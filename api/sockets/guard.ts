import type { Socket } from 'socket.io';
import type { Logger } from 'pino';
import type { z } from 'zod';
import { toAppError } from '#api/http/problem.ts';
import { inTurn } from '#api/sockets/turns.ts';
import { ERROR_CATALOGUE } from '#shared/domain/errorCatalogue.ts';
import { AppError } from '#shared/domain/errors.ts';

/** A refusal as sockets tell it. */
export interface SocketRefusal {
  ok: false;
  code: string;
  detail: string;
}

/** The refusal that stands for an error; unknown errors are logged and hidden. */
export function toRefusal(error: unknown, log: Logger): SocketRefusal {
  const failure = toAppError(error);
  if (failure.status >= 500) log.error({ err: failure.cause ?? failure, code: failure.code }, 'a socket event failed');
  return { ok: false, code: failure.code, detail: failure.detail ?? ERROR_CATALOGUE[failure.code].remedy };
}

/** What a message is handled with. */
export interface Handling<Message extends z.ZodType> {
  event: string;
  schema: Message;
  log: Logger;
  /** Its result is the acknowledgement's value, for a client that asked for one. */
  handle(message: z.infer<Message>): unknown;
  /** It asks the database or an agent: of these a socket has few at once. What is done at once needs no turn. */
  inTurn?: boolean;
}

/** Handles one event of a socket. What does not fit the contract is refused, and nothing that a client sends can throw. */
export function onMessage<Message extends z.ZodType>(socket: Socket, handling: Handling<Message>): void {
  const { event, schema, log, handle, inTurn: takesTurn = false } = handling;
  socket.on(event, (...received: unknown[]) => {
    const answer = received.findLast((part): part is (result: unknown) => void => typeof part === 'function');
    void respond(received[0]).then(
      (result) => answer?.(result),
      (error: unknown) => log.error({ err: error, event }, 'a socket event could not be answered'),
    );
  });

  async function respond(message: unknown): Promise<unknown> {
    try {
      const parsed = schema.safeParse(message);
      if (!parsed.success) throw invalid(parsed.error.issues[0]);
      const value = await (takesTurn ? inTurn(socket, () => handle(parsed.data)) : handle(parsed.data));
      return { ok: true, value };
    } catch (error) {
      return toRefusal(error, log);
    }
  }
}

function invalid(issue: z.core.$ZodIssue | undefined): AppError {
  const place = issue?.path.join('.') ?? '';
  return new AppError('INVALID_INPUT', {
    detail: `${place === '' ? 'The message' : place}: ${issue?.message ?? 'wrong'}.`,
  });
}
