import type { Logger } from 'pino';
import { isAppError } from '#shared/domain/errors.ts';
import type { VolumeState } from '#shared/domain/session.ts';
import type { KnownEntry } from '#shared/domain/itemRenames.ts';
import type { AgentPool } from '#platform/agent/AgentClient.ts';
import type { Config } from '#platform/config/config.ts';
import type { Database, Tx } from '#platform/db/database.ts';
import { readTree, type TreeRow } from '#platform/db/repositories/itemBatches.ts';
import { lockSessionById, type SessionRecord } from '#platform/db/repositories/sessions.ts';
import { readBase } from '#platform/db/repositories/syncBase.ts';
import { findVolume, type VolumeRecord } from '#platform/db/repositories/volumes.ts';
import type { SessionRef } from '#workflows/session/session.ports.ts';

/** What the activities of files work with. */
export interface SyncDeps {
  database: Database;
  agentPool: AgentPool;
  config: Pick<
    Config,
    | 'MAX_FILE_BYTES'
    | 'MAX_SESSION_BYTES'
    | 'MAX_SESSION_ITEMS'
    | 'MAX_GIT_BYTES'
    | 'MAX_SESSION_GIT_BYTES'
    | 'GIT_QUIET_SECONDS'
  >;
  log: Logger;
  /** How long a mass deletion waits for its second scan, in milliseconds; 5,000 by default, 500 where a small tree is empty. */
  secondScanMs?: number;
  /** How long a save waits between two scans, in milliseconds; 150 by default. */
  savePauseMs?: number;
}

/** Work between a session's rows and its volume, named by the sync epoch that it took; later ones end its right to write. */
export interface Cycle {
  ref: SessionRef;
  syncEpoch: number;
  volume: VolumeRecord;
  /** The rows and the base when it began. */
  rows: Map<string, TreeRow>;
  base: ReadonlyMap<string, KnownEntry>;
}

/** Somebody else owns the session's files now: a later opening or a later cycle. */
export class Superseded extends Error {
  constructor(ref: SessionRef) {
    super(`Generation ${ref.generation} of session ${ref.uuid} no longer owns its files.`);
    this.name = 'Superseded';
  }
}

/** Takes the next sync epoch in a short transaction. Null when the volume is in none of `states` or `admits` refuses the session. Throws Superseded. */
export async function beginCycle(
  { database }: Pick<SyncDeps, 'database'>,
  ref: SessionRef,
  when: { states: readonly VolumeState[]; admits?: (session: SessionRecord) => boolean },
): Promise<Cycle | null> {
  return database.transaction(async (tx) => {
    const session = await lockCurrent(database, ref, tx);
    const volume = await findVolume(database, ref.sessionId, tx);
    if (volume === null || !when.states.includes(volume.state)) return null;
    if (when.admits !== undefined && !when.admits(session)) return null;
    const syncEpoch = await takeSyncEpoch(database, ref.sessionId, tx);
    const rows = await readTree(database, ref.sessionId, tx);
    return { ref, syncEpoch, volume, rows, base: await readBase(database, volume.id, tx) };
  });
}

async function takeSyncEpoch(database: Database, sessionId: number, tx: Tx): Promise<number> {
  const rows = await database.query<{ syncEpoch: number }>(
    `UPDATE sessions SET sync_epoch = sync_epoch + 1 WHERE id = $1 RETURNING sync_epoch AS "syncEpoch"`,
    [sessionId],
    tx,
  );
  return rows[0]!.syncEpoch;
}

async function lockCurrent(database: Database, ref: SessionRef, tx: Tx): Promise<SessionRecord> {
  const session = await lockSessionById(database, ref.sessionId, tx);
  if (session?.generation !== ref.generation) throw new Superseded(ref);
  return session;
}

/** Commits what `work` writes only while generation and sync epoch are still the cycle's own. Throws Superseded. */
export async function commitFenced<T>(
  { database }: Pick<SyncDeps, 'database'>,
  cycle: Cycle,
  work: (tx: Tx) => Promise<T>,
): Promise<T> {
  return database.transaction(async (tx) => {
    const session = await lockCurrent(database, cycle.ref, tx);
    if (session.syncEpoch !== cycle.syncEpoch) throw new Superseded(cycle.ref);
    return work(tx);
  });
}

/** True when the failure means that a later opening or cycle has taken over. */
export function isSuperseded(error: unknown): boolean {
  return error instanceof Superseded || isAppError(error, 'STALE_GENERATION');
}
