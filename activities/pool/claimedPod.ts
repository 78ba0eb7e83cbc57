import { findVolume } from '#platform/db/repositories/volumes.ts';
import { findClaimedSlot } from '#platform/db/repositories/warmSlots.ts';
import type { SessionActivities } from '#workflows/session/session.ports.ts';
import { answers, type PoolDeps } from '#activities/pool/slots.ts';

/**
 * Lets a session take over the pod of its warm slot. One whose agent does not answer within a second is removed and made
 * again under the same names: a person must not wait for what was meant to save them time. Only before anything was loaded:
 * later the pod may hold a person's programs.
 */
export function adoptWarmPod(
  { database, runtime, agentPool, log }: Pick<PoolDeps, 'database' | 'runtime' | 'agentPool' | 'log'>,
  ensurePod: SessionActivities['ensurePod'],
): SessionActivities['ensurePod'] {
  return async (input) => {
    const made = await ensurePod(input);
    if (input.generation !== 1) return made;
    const slot = await findClaimedSlot(database, input.uuid);
    // Another pod than the slot's was made just now, and has its own time to start.
    if (slot === null || slot.podUid !== made.podUid) return made;
    if ((await findVolume(database, input.sessionId))?.state !== 'new' || (await answers(agentPool, input)))
      return made;
    log.warn({ session: input.uuid, podUid: made.podUid }, 'the pod of a warm slot does not answer; it is made again');
    // Its node may be lost: nothing is on the volume that waiting for it could save.
    await runtime.destroyPod(input.uuid, made.podUid, { force: true });
    return ensurePod(input);
  };
}
