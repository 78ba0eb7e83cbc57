import { findSessionById } from '#platform/db/repositories/sessions.ts';
import { deleteVolumeRow, findVolume, setClaimUid, type VolumeRecord } from '#platform/db/repositories/volumes.ts';
import {
  claimVolumeRow,
  findRemovableVolume,
  keepVolumeRow,
  replaceVolumeRow,
} from '#platform/db/repositories/sessionVolumes.ts';
import type { SessionActivities, SessionRef } from '#workflows/session/session.ports.ts';
import type { ActivityDeps } from '#activities/session/deps.ts';
import { removePodsUpTo } from '#activities/session/podActivities.ts';
import { showingRefusal } from '#activities/session/podCauses.ts';

type VolumeActivities = Pick<SessionActivities, 'ensureVolume' | 'inspectVolume' | 'keepVolume' | 'deleteVolume'>;

const DAY_MS = 86_400_000;

/** Activities that make, keep and remove a session's volume. */
export function createVolumeActivities(deps: Pick<ActivityDeps, 'database' | 'runtime' | 'log'>): VolumeActivities {
  const { database, runtime, log } = deps;

  async function remove(ref: SessionRef, volume: VolumeRecord): Promise<void> {
    // A worker may have died after the claim was made and before its uid was noted.
    const claimUid = volume.claimUid ?? (await findClaim(ref.uuid));
    if (claimUid !== null) await runtime.destroyVolume(ref.uuid, claimUid);
    await deleteVolumeRow(database, volume.id);
  }

  async function findClaim(uuid: string): Promise<string | null> {
    const { volumes } = await runtime.list();
    return volumes.find((volume) => volume.uuid === uuid)?.uid ?? null;
  }

  return {
    async ensureVolume(ref) {
      let volume = await claimVolumeRow(database, ref);
      if (volume.state === 'drained' || volume.state === 'discarded') {
        // Everything on it is in the database, or was given up by its owner; its removal was interrupted.
        // A pod that an older generation left would hold it.
        await removePodsUpTo({ database, runtime }, { ...ref, generation: ref.generation - 1 });
        await remove(ref, volume);
        volume = await claimVolumeRow(database, ref);
      }
      const make = (id: number) => showingRefusal(database, ref, () => runtime.ensureVolume(ref.uuid, id));
      let { claimUid } = await make(volume.id);
      if (volume.claimUid !== null && volume.claimUid !== claimUid) {
        // The volume that the row stood for is gone, and this one is empty: its base must not make absence a deletion.
        log.warn(
          { session: ref.uuid, lost: volume.claimUid, made: claimUid },
          'a volume was lost; a new one is loaded',
        );
        await runtime.destroyVolume(ref.uuid, claimUid);
        volume = await replaceVolumeRow(database, ref, volume.id);
        ({ claimUid } = await make(volume.id));
      }
      await setClaimUid(database, { id: volume.id, claimUid });
      return { volumeId: volume.id, claimUid, state: volume.state };
    },

    async inspectVolume(ref) {
      const state = (await findVolume(database, ref.sessionId))?.state ?? null;
      const session = await findSessionById(database, ref.sessionId);
      return session?.kind === 'review_run' ? { state, throwAway: true } : { state };
    },

    async keepVolume({ days, ...ref }) {
      await keepVolumeRow(database, ref, days === null ? null : new Date(Date.now() + days * DAY_MS));
    },

    async deleteVolume(ref) {
      const volume = await findRemovableVolume(database, ref);
      if (volume === null) return { deleted: false };
      await remove(ref, volume);
      return { deleted: true };
    },
  };
}
