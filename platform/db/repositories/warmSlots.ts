import type { Database, Tx } from '#platform/db/database.ts';

/** How far a slot is. What is `claimed` belongs to a session for good; pods go only from `retiring`. */
export type WarmSlotState = 'making' | 'ready' | 'claimed' | 'retiring';

/** Why a slot is not handed out any more. */
export type RetirementReason = 'unfinished' | 'specification' | 'expired' | 'surplus' | 'dead';

/** A row of `warm_slots`. `claimUid` and `podUid` are known from `ready` on. */
export interface WarmSlotRecord {
  uuid: string;
  /** Always 1: the generation of the first opening of the session that takes it. */
  generation: number;
  /** Reserved for the session's row in `volumes`. */
  volumeId: number;
  claimUid: string | null;
  podUid: string | null;
  state: WarmSlotState;
  retiredBecause: RetirementReason | null;
  expiresAt: Date;
}

/** A slot that was handed out: everything about it is known. */
export type ClaimedSlot = Pick<WarmSlotRecord, 'uuid' | 'volumeId'> & { claimUid: string; podUid: string };

const COLUMNS = `uuid, generation, volume_id AS "volumeId", claim_uid AS "claimUid", pod_uid AS "podUid", state,
  retired_because AS "retiredBecause", expires_at AS "expiresAt"`;

/**
 * Hands out the oldest slot that is ready, was made as pods are made now, and has time left; null when there is none or
 * the pool is paused. One statement: no two callers get the same slot, and none waits for another.
 */
export async function claimWarmSlot(database: Database, tx: Tx): Promise<ClaimedSlot | null> {
  const rows = await database.query<ClaimedSlot>(
    `UPDATE warm_slots SET state = 'claimed', claimed_at = now(), updated_at = now()
     WHERE uuid = (
       SELECT s.uuid FROM warm_slots s JOIN warm_pool p ON p.specification = s.spec_hash AND p.paused_at IS NULL
       WHERE s.state = 'ready' AND s.expires_at > clock_timestamp()
       ORDER BY s.created_at FOR UPDATE OF s SKIP LOCKED LIMIT 1)
     RETURNING ${COLUMNS}`,
    [],
    tx,
  );
  return rows[0] ?? null;
}

/** Begins a slot, or returns the one that an earlier try began. Its time runs anew from the moment it is ready. */
export async function beginWarmSlot(
  database: Database,
  slot: { uuid: string; specification: string; seconds: number },
): Promise<WarmSlotRecord> {
  const rows = await database.query<WarmSlotRecord>(
    `INSERT INTO warm_slots (uuid, spec_hash, expires_at) VALUES ($1, $2, now() + make_interval(secs => $3))
     ON CONFLICT (uuid) DO UPDATE SET updated_at = now() RETURNING ${COLUMNS}`,
    [slot.uuid, slot.specification, slot.seconds],
  );
  return rows[0]!;
}

/** Offers a finished slot. False: it was retired meanwhile, and who made its pod and volume removes them. */
export async function offerWarmSlot(
  database: Database,
  slot: { uuid: string; claimUid: string; podUid: string; seconds: number },
): Promise<boolean> {
  const rows = await database.query<{ uuid: string }>(
    `UPDATE warm_slots SET state = 'ready', claim_uid = $2, pod_uid = $3, expires_at = now() + make_interval(secs => $4),
       updated_at = now() WHERE uuid = $1 AND state = 'making' RETURNING uuid`,
    [slot.uuid, slot.claimUid, slot.podUid, slot.seconds],
  );
  return rows.length > 0;
}

/** Whether the slot is offered, or is a session's by now. */
export async function isSlotInUse(database: Database, uuid: string): Promise<boolean> {
  const rows = await database.query<{ uuid: string }>(
    `SELECT uuid FROM warm_slots WHERE uuid = $1 AND state IN ('ready', 'claimed')
     UNION SELECT uuid FROM sessions WHERE uuid = $1`,
    [uuid],
  );
  return rows.length > 0;
}

/** Slots in that state, oldest first. */
export function listWarmSlots(database: Database, state: WarmSlotState): Promise<WarmSlotRecord[]> {
  return database.query<WarmSlotRecord>(
    `SELECT ${COLUMNS} FROM warm_slots WHERE state = $1 ORDER BY created_at, uuid`,
    [state],
  );
}

/** The claimed slot that a session was made from; null when it began without one, or that is long ago. */
export async function findClaimedSlot(database: Database, uuid: string): Promise<ClaimedSlot | null> {
  const rows = await database.query<ClaimedSlot>(
    `SELECT ${COLUMNS} FROM warm_slots WHERE uuid = $1 AND state = 'claimed'`,
    [uuid],
  );
  return rows[0] ?? null;
}

/**
 * Retires ready slots that were made as pods are not made any more, whose time is over, or that are more than `size`; the
 * youngest stay. A slot that is being handed out in this moment is left alone.
 */
export function retireWarmSlots(
  database: Database,
  wanted: { specification: string; size: number },
): Promise<WarmSlotRecord[]> {
  return database.query<WarmSlotRecord>(
    `WITH judged AS (
       SELECT uuid, CASE
         WHEN spec_hash <> $1 THEN 'specification'
         WHEN expires_at <= clock_timestamp() THEN 'expired'
         WHEN row_number() OVER (ORDER BY (spec_hash = $1) DESC, created_at DESC, uuid) > $2 THEN 'surplus' END AS why
       FROM warm_slots WHERE state = 'ready')
     UPDATE warm_slots SET state = 'retiring', retired_because = judged.why, updated_at = now()
     FROM judged WHERE judged.uuid = warm_slots.uuid AND judged.why IS NOT NULL AND state = 'ready'
     RETURNING ${COLUMNS.replaceAll('uuid,', 'warm_slots.uuid,')}`,
    [wanted.specification, wanted.size],
  );
}

/** Retires a ready slot whose pod is dead. False: it was handed out or retired meanwhile. */
export async function retireDeadSlot(database: Database, uuid: string): Promise<boolean> {
  const rows = await database.query<{ uuid: string }>(
    `UPDATE warm_slots SET state = 'retiring', retired_because = 'dead', updated_at = now()
     WHERE uuid = $1 AND state = 'ready' RETURNING uuid`,
    [uuid],
  );
  return rows.length > 0;
}

/** Retires slots that nobody makes any more: whoever began them has ended. */
export async function retireUnfinishedSlots(database: Database): Promise<number> {
  const rows = await database.query<{ uuid: string }>(
    `UPDATE warm_slots SET state = 'retiring', retired_because = 'unfinished', updated_at = now()
     WHERE state = 'making' RETURNING uuid`,
  );
  return rows.length;
}

/** Forgets a retired slot, once its pod and volume are gone. */
export async function removeRetiredSlot(database: Database, uuid: string): Promise<void> {
  await database.query(`DELETE FROM warm_slots WHERE uuid = $1 AND state = 'retiring'`, [uuid]);
}

/** Forgets slots that were handed out more than a day ago; their sessions' rows stand for pod and volume. */
export async function forgetClaimedSlots(database: Database): Promise<void> {
  await database.query(`DELETE FROM warm_slots WHERE state = 'claimed' AND claimed_at < now() - interval '1 day'`);
}
