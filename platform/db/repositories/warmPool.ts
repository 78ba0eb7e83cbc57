import type { Database, Tx } from '#platform/db/database.ts';

/** The pool as its last run left it, with what is in it now. */
export interface WarmPoolRecord {
  /** How many slots the workers keep ready; 0 for none. */
  size: number;
  making: number;
  ready: number;
  retiring: number;
  /** Slots that sessions took in the last hour: what a size is chosen by. */
  takenLastHour: number;
  /** When the last run ended, null before the first. */
  ranAt: Date | null;
  /** Why the last run could not make a slot, null when it could. */
  problem: string | null;
  pausedAt: Date | null;
  /** The name of who paused it. */
  pausedBy: string | null;
}

/** Reads the pool. */
export async function readWarmPool(database: Database, tx: Tx = null): Promise<WarmPoolRecord> {
  const rows = await database.query<WarmPoolRecord>(
    `SELECT p.size, p.ran_at AS "ranAt", p.problem, p.paused_at AS "pausedAt", p.paused_by AS "pausedBy",
       count(s.uuid) FILTER (WHERE s.state = 'making')::integer AS making,
       count(s.uuid) FILTER (WHERE s.state = 'ready')::integer AS ready,
       count(s.uuid) FILTER (WHERE s.state = 'retiring')::integer AS retiring,
       count(s.uuid) FILTER (WHERE s.claimed_at > now() - interval '1 hour')::integer AS "takenLastHour"
     FROM warm_pool p LEFT JOIN warm_slots s ON true GROUP BY p.singleton`,
    [],
    tx,
  );
  if (rows[0] === undefined) throw new Error('The table warm_pool is empty: run the migrations.');
  return rows[0];
}

/** Says what the workers keep ready from now on; slots of another specification are not handed out any more. */
export async function setWarmPool(database: Database, wanted: { size: number; specification: string }): Promise<void> {
  await database.query(
    `UPDATE warm_pool SET size = $1, specification = $2, updated_at = now()
     WHERE size <> $1 OR specification IS DISTINCT FROM $2`,
    [wanted.size, wanted.specification],
  );
}

/** Writes down the end of a run. */
export async function recordPoolRun(database: Database, problem: string | null): Promise<void> {
  await database.query(`UPDATE warm_pool SET ran_at = now(), problem = $1, updated_at = now()`, [problem]);
}

/** Pauses the pool until it is resumed, whatever is started anew: nothing is made and nothing handed out. */
export async function pauseWarmPool(database: Database, by: string, tx: Tx = null): Promise<void> {
  await database.query(
    `UPDATE warm_pool SET paused_at = now(), paused_by = $1, updated_at = now() WHERE paused_at IS NULL`,
    [by],
    tx,
  );
}

/** Ends a pause. */
export async function resumeWarmPool(database: Database, tx: Tx = null): Promise<void> {
  await database.query(
    `UPDATE warm_pool SET paused_at = NULL, paused_by = NULL, updated_at = now() WHERE paused_at IS NOT NULL`,
    [],
    tx,
  );
}
