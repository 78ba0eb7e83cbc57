import { BaseError as SequelizeError } from 'sequelize';
import { AppError } from '#shared/domain/errors.ts';
import type { Database, Tx } from '#platform/db/database.ts';
import { Turns } from '#shared/domain/turns.ts';

/** PostgreSQL's code for a statement that was cancelled, by its timeout or by a request. */
const CANCELLED = '57014';
/** Names the locks of searches among all advisory locks; the second slot is one above. */
const SEARCH_LOCKS = 0x5ea2c4;

/** Half of a pool's connections are left to everybody else: a few people who search must not hold up all saves. */
const turnsOf = new WeakMap<Database, Turns>();

function turns(database: Database): Turns {
  const known = turnsOf.get(database) ?? new Turns(Math.max(1, Math.floor(database.connections / 2)));
  turnsOf.set(database, known);
  return known;
}

/**
 * Runs a read that may be long: each statement of it ends after `milliseconds`, and at once when `signal` aborts. A person has
 * two at a time, over all replicas; of all people half as many as a process has connections, and the others wait. Throws
 * SEARCH_TOO_SLOW and SEARCH_BUSY.
 */
export function readBounded<T>(
  database: Database,
  bounds: { userId: number; milliseconds: number; signal: AbortSignal },
  read: (tx: Tx) => Promise<T>,
): Promise<T> {
  return turns(database).take(bounds.signal, () => readInTurn(database, bounds, read));
}

function readInTurn<T>(
  database: Database,
  bounds: { userId: number; milliseconds: number; signal: AbortSignal },
  read: (tx: Tx) => Promise<T>,
): Promise<T> {
  return database.transaction(async (tx) => {
    const [here] = await database.query<{ pid: number; began: string; free: boolean }>(
      `SELECT pg_backend_pid() AS pid, now()::text AS began, set_config('statement_timeout', $1, true),
         pg_try_advisory_xact_lock($2::integer, $4::integer) OR pg_try_advisory_xact_lock($3::integer, $4::integer) AS free`,
      [String(bounds.milliseconds), SEARCH_LOCKS, SEARCH_LOCKS + 1, bounds.userId],
      tx,
    );
    if (!here!.free) throw new AppError('SEARCH_BUSY');
    // The pool gives the connection to others afterwards: their transactions began at another moment.
    const cancel = (): void => void cancelBackend(database, here!).catch(() => undefined);
    bounds.signal.addEventListener('abort', cancel, { once: true });
    try {
      bounds.signal.throwIfAborted();
      return await read(tx);
    } catch (error) {
      throw isCancelled(error) ? new AppError('SEARCH_TOO_SLOW', { cause: error }) : error;
    } finally {
      bounds.signal.removeEventListener('abort', cancel);
    }
  });
}

/** A cancel that gets lost costs no more than the statement's own timeout. */
async function cancelBackend(database: Database, { pid, began }: { pid: number; began: string }): Promise<void> {
  await database.query(
    `SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE pid = $1 AND xact_start = $2::timestamptz`,
    [pid, began],
  );
}

function isCancelled(error: unknown): boolean {
  if (!(error instanceof SequelizeError)) return false;
  return (error as { original?: { code?: unknown } }).original?.code === CANCELLED;
}
