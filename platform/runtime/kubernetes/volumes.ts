import { setTimeout as pause } from 'node:timers/promises';
import type { V1PersistentVolumeClaim } from '@kubernetes/client-node';
import { AppError } from '#shared/domain/errors.ts';
import { volumeName } from '#shared/domain/podNames.ts';
import type { Config } from '#platform/config/config.ts';
import type { KubernetesClient } from '#platform/runtime/kubernetes/client.ts';
import { saysAlreadyExists, saysConflict } from '#platform/runtime/kubernetes/kubernetesError.ts';
import { readOwnLabels } from '#platform/runtime/kubernetes/labels.ts';
import { buildClaim } from '#platform/runtime/kubernetes/objects.ts';
import { toRefusal } from '#platform/runtime/kubernetes/refusal.ts';

/** A pod that is made before its claim is bound waits for the scheduler's next turn; a claim that binds at once binds in this time. */
const BIND_MS = 1_500;
/** How long, in milliseconds, it is remembered that a class did not bind in time: it may only have been slow once. */
const REMEMBER_MS = 600_000;
const GONE_MS = 15_000;
const LOOK_EVERY_MS = 50;

/** The claims of sessions. */
export interface Volumes {
  ensure(owner: { installation: string; uuid: string; volumeId: number }): Promise<{ claimUid: string }>;
  /** Resolves once the claim with that uid is gone; another's stays. */
  destroy(uuid: string, claimUid: string): Promise<void>;
}

/** What volumes are made with. */
export interface VolumesOptions {
  client: Pick<KubernetesClient, 'readClaim' | 'createClaim' | 'deleteClaim'>;
  config: Config;
}

/** Claims made by POST: whoever comes second finds the first one's and checks that it is the same. */
export function createVolumes({ client, config }: VolumesOptions): Volumes {
  /** Until when each storage class counts as one that waits for the first pod. */
  const waitsForPod = new Map<string, number>();

  async function make(owner: {
    installation: string;
    uuid: string;
    volumeId: number;
  }): Promise<V1PersistentVolumeClaim> {
    const name = volumeName(owner.uuid);
    for (const deadline = Date.now() + GONE_MS; ;) {
      try {
        return await client.createClaim(buildClaim(config, owner));
      } catch (error) {
        if (!saysAlreadyExists(error)) throw toRefusal(error);
      }
      const present = await client.readClaim(name);
      if (present !== null && present.metadata?.deletionTimestamp === undefined) return checkOwner(present, owner);
      // It is on its way out: what it held was given up.
      if (Date.now() > deadline) throw new Error(`Claim ${name} is being deleted and does not go.`);
      await pause(LOOK_EVERY_MS);
    }
  }

  function bindsAtOnce(storageClass: string): boolean {
    if (config.BERTH_VOLUME_BINDING !== 'auto') return config.BERTH_VOLUME_BINDING === 'immediate';
    return (waitsForPod.get(storageClass) ?? 0) < Date.now();
  }

  /** Whatever comes of it, the pod may be made; it only starts sooner on a bound claim. */
  async function awaitBound(claim: V1PersistentVolumeClaim): Promise<void> {
    const storageClass = claim.spec?.storageClassName ?? '';
    if (claim.status?.phase === 'Bound' || !bindsAtOnce(storageClass)) return;
    for (const deadline = Date.now() + BIND_MS; Date.now() < deadline; await pause(LOOK_EVERY_MS)) {
      const now = await client.readClaim(claim.metadata?.name ?? '');
      if (now === null || now.status?.phase === 'Bound') return;
    }
    waitsForPod.set(storageClass, Date.now() + REMEMBER_MS);
  }

  return {
    async ensure(owner) {
      const claim = await make(owner);
      await awaitBound(claim);
      return { claimUid: claim.metadata?.uid ?? '' };
    },

    async destroy(uuid, claimUid) {
      const name = volumeName(uuid);
      for (const deadline = Date.now() + GONE_MS; ; await pause(LOOK_EVERY_MS)) {
        const present = await client.readClaim(name);
        if (present?.metadata?.uid !== claimUid) return;
        if (present.metadata.deletionTimestamp === undefined) await remove(name, claimUid);
        // A pod that still uses it holds it.
        if (Date.now() > deadline) throw new Error(`Claim ${name} does not go.`);
      }
    },
  };

  async function remove(name: string, claimUid: string): Promise<void> {
    try {
      await client.deleteClaim(name, claimUid);
    } catch (error) {
      if (!saysConflict(error)) throw error; // Another claim has taken the name; the next look sees that.
    }
  }
}

function checkOwner(
  claim: V1PersistentVolumeClaim,
  owner: { installation: string; uuid: string; volumeId: number },
): V1PersistentVolumeClaim {
  const labels = readOwnLabels(claim.metadata);
  const name = volumeName(owner.uuid);
  if (labels?.installation !== owner.installation || labels.uuid !== owner.uuid) {
    throw new AppError('INTERNAL', { detail: `Claim ${name} is there and is not this installation's.` });
  }
  if (labels.volumeId !== owner.volumeId) {
    throw new AppError('INTERNAL', { detail: `Claim ${name} belongs to volume ${String(labels.volumeId)}.` });
  }
  return claim;
}
