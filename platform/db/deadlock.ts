import { BaseError as SequelizeError } from 'sequelize';

/** Codes of PostgreSQL for a transaction that it ended so that others could go on: nothing of it was done. */
const GAVE_WAY = new Set(['40P01', '40001']);
const TRIES = 4;

/** Runs a transaction again that PostgreSQL ended because it stood in the way of another, or the other in its own. */
export async function repeatDeadlocked<T>(transact: () => Promise<T>): Promise<T> {
  for (let tried = 1; ; tried += 1) {
    try {
      return await transact();
    } catch (error) {
      if (tried === TRIES || !gaveWay(error)) throw error;
    }
  }
}

/** The error itself may be one of ours, told of a statement deep inside. */
function gaveWay(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const original = error instanceof SequelizeError ? (error as { original?: { code?: unknown } }).original : undefined;
  if (typeof original?.code === 'string' && GAVE_WAY.has(original.code)) return true;
  return error.cause !== undefined && gaveWay(error.cause);
}
