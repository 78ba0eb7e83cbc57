import { loadConfig } from '#platform/config/config.ts';
import { createDatabase, type Database } from '#platform/db/database.ts';
import {
  pauseWarmPool,
  readWarmPool,
  resumeWarmPool,
  type WarmPoolRecord,
} from '#platform/db/repositories/warmPool.ts';

type Log = (message: string) => void;

/** Whose name a pause from the command line carries: it proves no account. */
const COMMAND_LINE = 'the command line';

/** `berth admin pool`: what is in the warm pool, and what is wrong with it. */
export function showPool(log: Log): Promise<void> {
  return withPool(log, async () => undefined);
}

/** `berth admin pause-pool`: nothing is made or handed out ahead of time until resume-pool. */
export function pausePool(log: Log): Promise<void> {
  return withPool(log, (database) => pauseWarmPool(database, COMMAND_LINE));
}

/** `berth admin resume-pool`. */
export function resumePool(log: Log): Promise<void> {
  return withPool(log, (database) => resumeWarmPool(database));
}

async function withPool(log: Log, change: (database: Database) => Promise<void>): Promise<void> {
  const database = createDatabase(loadConfig(process.env));
  try {
    await change(database);
    log(describePool(await readWarmPool(database)));
  } finally {
    await database.close();
  }
}

function describePool(pool: WarmPoolRecord): string {
  const ran = pool.ranAt === null ? 'It has not run yet.' : `Last run ${pool.ranAt.toISOString()}.`;
  return [
    `Warm pool: ${pool.ready} of ${pool.size} ready, ${pool.making} being made, ${pool.retiring} to be removed.`,
    `${pool.takenLastHour} taken by new sessions in the last hour. ${ran}`,
    ...(pool.pausedAt === null ? [] : [`Paused since ${pool.pausedAt.toISOString()} by ${pool.pausedBy ?? 'nobody'}.`]),
    ...(pool.problem === null ? [] : [`A pod could not be made: ${pool.problem}`]),
  ].join('\n');
}
