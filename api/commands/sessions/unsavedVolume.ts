import type { ApiDeps } from '#api/deps.ts';
import { requireRoomForLiveSession } from '#platform/db/repositories/liveLimit.ts';
import { type ErrorCode } from '#shared/domain/errorCatalogue.ts';
import { AppError } from '#shared/domain/errors.ts';
import { isLivePhase, isVolumeInDoubt } from '#shared/domain/session.ts';
import type { Tx } from '#platform/db/database.ts';
import { appendAudit } from '#platform/db/repositories/auditLog.ts';
import { discardVolumeRow, findNewestSave, type NewestSave } from '#platform/db/repositories/sessionDiscards.ts';
import { insertOpening, requestClose } from '#platform/db/repositories/sessionRequests.ts';
import { lockSession, type SessionRecord } from '#platform/db/repositories/sessions.ts';
import { findVolume } from '#platform/db/repositories/volumes.ts';

/** Who asks, as the audit writes it down. */
export interface VolumeActor {
  actorId: number;
  username: string;
  address: string;
  requestId: string;
}

type Deps = Pick<ApiDeps, 'database' | 'config'>;

/** A request that a workflow carries out. */
interface Asked {
  opId: string;
  session: SessionRecord;
}

/**
 * Gives up what is on a volume that cannot be reached or saved, and opens the session from the newest save, on a new
 * volume. The run that holds the lost one gives way. Throws NOTHING_TO_DISCARD and SESSION_LIMIT.
 */
export function discardAndReopen(
  deps: Deps,
  session: Pick<SessionRecord, 'uuid' | 'userId'>,
  actor: VolumeActor,
): Promise<Asked & { newestSave: NewestSave | null }> {
  return deps.database.transaction(async (tx) => {
    const locked = await lockInDoubt(deps, { session, otherwise: 'NOTHING_TO_DISCARD' }, tx);
    const newestSave = await discard(deps, { locked, actor, action: 'session-discard-and-reopen' }, tx);
    return { ...(await insertOpening(deps.database, locked, tx)), newestSave };
  });
}

/**
 * Gives up what is on the kept volume of a closed session; the session stays closed. Throws NOTHING_TO_DISCARD, also for
 * a session that is open on a lost node: there only a reopening ends what holds it.
 */
export function discardKept(
  deps: Deps,
  session: Pick<SessionRecord, 'uuid' | 'userId'>,
  actor: VolumeActor,
): Promise<Asked & { newestSave: NewestSave | null }> {
  return deps.database.transaction(async (tx) => {
    const locked = await lockInDoubt(deps, { session, otherwise: 'NOTHING_TO_DISCARD' }, tx);
    if (isLivePhase(locked.phase)) throw new AppError('NOTHING_TO_DISCARD');
    const newestSave = await discard(deps, { locked, actor, action: 'session-discard' }, tx);
    return { ...(await openAndClose(deps, { locked, actor, reason: 'discarded' }, tx)), newestSave };
  });
}

/** Tries once more to save what is on the kept volume of a closed session, which is closed again after it. Throws NOTHING_TO_SAVE and SESSION_LIMIT. */
export function retrySave(
  deps: Deps,
  session: Pick<SessionRecord, 'uuid' | 'userId'>,
  actor: VolumeActor,
): Promise<Asked> {
  return deps.database.transaction(async (tx) => {
    const locked = await lockInDoubt(deps, { session, otherwise: 'NOTHING_TO_SAVE' }, tx);
    if (isLivePhase(locked.phase)) throw new AppError('NOTHING_TO_SAVE');
    return openAndClose(deps, { locked, actor, reason: 'user' }, tx);
  });
}

/** Locks a session whose volume holds what may be in no other place and that Berth cannot save by itself. */
async function lockInDoubt(
  deps: Deps,
  { session, otherwise }: { session: Pick<SessionRecord, 'uuid' | 'userId'>; otherwise: ErrorCode },
  tx: Tx,
): Promise<SessionRecord> {
  await requireRoomForLiveSession(deps, { userId: session.userId, exceptUuid: session.uuid }, tx!);
  const locked = await lockSession(deps.database, session.uuid, tx);
  if (locked === null) throw new AppError('NOT_FOUND');
  const volume = await findVolume(deps.database, locked.id, tx);
  if (volume === null || !isVolumeInDoubt(locked, volume)) throw new AppError(otherwise);
  return locked;
}

async function discard(
  deps: Deps,
  { locked, actor, action }: { locked: SessionRecord; actor: VolumeActor; action: string },
  tx: Tx,
): Promise<NewestSave | null> {
  const newestSave = await findNewestSave(deps.database, locked.id, tx);
  const volumeId = await discardVolumeRow(deps.database, locked.id, tx);
  const { actorId, address, requestId } = actor;
  const details = { volumeId, generation: locked.generation, cause: locked.phaseCause, newestSave };
  const entry = { actorId, address, requestId, action, target: `session:${locked.uuid}`, outcome: 'done' as const };
  await appendAudit(deps.database, { ...entry, details }, tx);
  return newestSave;
}

/** An opening that closes at once: the close's own way of saving, or removing, what the volume holds. */
async function openAndClose(
  deps: Deps,
  { locked, actor, reason }: { locked: SessionRecord; actor: VolumeActor; reason: 'user' | 'discarded' },
  tx: Tx,
): Promise<Asked> {
  const { opId, session } = await insertOpening(deps.database, locked, tx);
  await requestClose(deps.database, session, { actor: actor.username, reason }, tx);
  return { opId, session };
}
