import { ConnectionAcquireTimeoutError, ConnectionError, BaseError as SequelizeError } from 'sequelize';
import { AppError } from '#shared/domain/errors.ts';

/** Codes of PostgreSQL for text that it cannot hold: NUL, half a surrogate pair. */
const UNREPRESENTABLE = new Set(['22021', '22P05', '22P02', '22003']);
/** Codes of PostgreSQL for a server that goes away, starts, or is full. */
const UNAVAILABLE = new Set(['57P01', '57P02', '57P03', '53300', '08000', '08003', '08006']);
/** Codes of Node for a connection that broke under a statement. */
const BROKEN = new Set(['ECONNRESET', 'EPIPE']);

/** The expected failure behind an error of the database, null when it is none. */
export function databaseFailure(error: unknown): AppError | null {
  if (!(error instanceof Error)) return null;
  if (error instanceof ConnectionError || error instanceof ConnectionAcquireTimeoutError) {
    return new AppError('DATABASE_UNAVAILABLE', { cause: error });
  }
  const original = error instanceof SequelizeError ? (error as { original?: unknown }).original : error;
  const code = (original as { code?: unknown } | undefined)?.code;
  if (typeof code !== 'string')
    return brokenConnection(original) ? new AppError('DATABASE_UNAVAILABLE', { cause: error }) : null;
  if (UNREPRESENTABLE.has(code)) {
    return new AppError('INVALID_INPUT', { detail: 'A value cannot be stored as it is.', cause: error });
  }
  const broken = BROKEN.has(code) && error instanceof SequelizeError;
  return broken || UNAVAILABLE.has(code) ? new AppError('DATABASE_UNAVAILABLE', { cause: error }) : null;
}

/** The driver tells a connection that broke under a statement by its message alone. */
function brokenConnection(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('Connection terminated');
}
