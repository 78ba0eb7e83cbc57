import type { Socket } from 'socket.io';
import { AppError } from '#shared/domain/errors.ts';
import { Turns } from '#shared/domain/turns.ts';

/** Questions of one socket that are worked on at once. A page that comes back asks for each of its terminals, twice at most. */
const MAX_AT_ONCE = 32;
/** Questions that wait for those. Nobody asks more who waits for answers: the socket is cut. */
const MAX_WAITING = 1_000;

const lines = new WeakMap<Socket, { turns: Turns; cut: AbortSignal }>();

/**
 * Does work for a question of a socket, when it is its turn: without, one person could have the database answer their questions
 * alone for as long as they like. Throws RATE_LIMITED, and cuts the socket, when too many wait; it also throws once the socket is cut.
 */
export async function inTurn<Result>(socket: Socket, work: () => Result | Promise<Result>): Promise<Result> {
  const { turns, cut } = lineOf(socket);
  if (turns.waiting >= MAX_WAITING) socket.disconnect(true);
  return turns.take(cut, work);
}

function lineOf(socket: Socket): { turns: Turns; cut: AbortSignal } {
  const present = lines.get(socket);
  if (present) return present;
  const gone = new AbortController();
  const line = { turns: new Turns(MAX_AT_ONCE), cut: gone.signal };
  lines.set(socket, line);
  const end = (): void => gone.abort(new AppError('RATE_LIMITED'));
  if (socket.disconnected) end();
  else socket.once('disconnect', end);
  return line;
}
