import type { V1Pod } from '@kubernetes/client-node';
import { AppError } from '#shared/domain/errors.ts';
import { agentSecretName, podName, volumeName } from '#shared/domain/podNames.ts';
import { agentKey } from '#platform/agent/agentKey.ts';
import type { Config } from '#platform/config/config.ts';
import type { KubernetesClient } from '#platform/runtime/kubernetes/client.ts';
import { saysAlreadyExists, saysConflict } from '#platform/runtime/kubernetes/kubernetesError.ts';
import { readOwnLabels, type OwnLabels } from '#platform/runtime/kubernetes/labels.ts';
import { buildPod, buildSecret } from '#platform/runtime/kubernetes/objects.ts';
import { listenFor, type PodInformer } from '#platform/runtime/kubernetes/podInformer.ts';
import { toRefusal } from '#platform/runtime/kubernetes/refusal.ts';
import type { PodSpec } from '#platform/runtime/Runtime.ts';

/** Shorter than the step that waits for it, so that it is told what is wrong. */
const GONE_MS = 15_000;
/** The watch tells of an end at once; this is for the time when it does not. */
const LOOK_AGAIN_MS = 500;

/** The pods of sessions, with the secrets of their agents. */
export interface Pods {
  ensure(installation: string, spec: PodSpec): Promise<{ podUid: string }>;
  destroy(installation: string, pod: DoomedPod): Promise<void>;
}

/** Which pod has to go; see `Runtime.destroyPod`. */
export interface DoomedPod {
  uuid: string;
  podUid: string | undefined;
  upTo: number | undefined;
  force: boolean;
}

/** What pods are made with. */
export interface PodsOptions {
  client: Pick<KubernetesClient, 'readPod' | 'readClaim' | 'createPod' | 'createSecret' | 'deletePod' | 'deleteSecret'>;
  informer: Pick<PodInformer, 'subscribe'>;
  config: Config;
}

/** Pods made by POST under the session's name: of several who try at once one succeeds, and the others adopt its pod. */
export function createPods({ client, informer, config }: PodsOptions): Pods {
  async function checkClaim(spec: PodSpec): Promise<void> {
    const claim = await client.readClaim(volumeName(spec.uuid));
    if (claim?.metadata?.uid === spec.claimUid && claim.metadata.deletionTimestamp === undefined) return;
    throw new AppError('INTERNAL', { detail: `The volume of session ${spec.uuid} is not the one that was asked for.` });
  }

  /** Null when somebody else made a pod of that name first. */
  async function make(installation: string, spec: PodSpec): Promise<{ podUid: string } | null> {
    await makeSecret(installation, spec);
    try {
      const { metadata } = await client.createPod(buildPod(config, { installation, spec }));
      return { podUid: metadata?.uid ?? '' };
    } catch (error) {
      if (saysAlreadyExists(error)) return null;
      throw toRefusal(error);
    }
  }

  /** One that is there already holds the same key: its name says for whom and for which generation it was derived. */
  async function makeSecret(installation: string, spec: PodSpec): Promise<void> {
    const key = agentKey(config.BERTH_SECRET, spec);
    try {
      await client.createSecret(buildSecret(config, { installation, spec, key }));
    } catch (error) {
      if (!saysAlreadyExists(error)) throw toRefusal(error);
    }
  }

  async function remove(pod: V1Pod, force: boolean): Promise<void> {
    try {
      await client.deletePod(pod.metadata?.name ?? '', pod.metadata?.uid ?? '', { force });
    } catch (error) {
      if (!saysConflict(error)) throw error; // Another pod has taken the name; the next look sees that.
    }
  }

  /** Resolves once the pod is gone. The key of its agent goes with it. */
  async function end(pod: V1Pod, { force, deadline }: { force: boolean; deadline: number }): Promise<void> {
    const { name = '', uid } = pod.metadata ?? {};
    const labels = readOwnLabels(pod.metadata);
    const hints = listenFor(informer, labels?.uuid ?? '');
    try {
      for (let present: V1Pod | null = pod; present?.metadata?.uid === uid; present = await client.readPod(name)) {
        // With force again, also when it was asked to end before: the node that should do it may be lost.
        if (force || present?.metadata?.deletionTimestamp === undefined) await remove(pod, force);
        if (Date.now() > deadline) throw endless(name);
        await hints.next(LOOK_AGAIN_MS);
      }
    } finally {
      hints.stop();
    }
    if (labels?.generation != null) await client.deleteSecret(agentSecretName(labels.uuid, labels.generation));
  }

  return {
    async ensure(installation, spec) {
      const name = podName(spec.uuid);
      const [first] = await Promise.all([client.readPod(name), checkClaim(spec)]);
      const deadline = Date.now() + GONE_MS;
      for (let present = first; ; present = await client.readPod(name)) {
        if (present === null) {
          const made = await make(installation, spec);
          if (made !== null) return made;
        } else {
          const labels = checkOwner(present, { installation, uuid: spec.uuid });
          const generation = labels.generation ?? 0;
          if (generation > spec.generation) throw new AppError('STALE_GENERATION');
          const podUid = present.metadata?.uid ?? '';
          if (generation === spec.generation && labels.volumeId === spec.volumeId && isAlive(present)) {
            // Its maker may have died before the secret, or the secret may have gone with an older claim.
            if (present.status?.phase === 'Pending') await makeSecret(installation, spec);
            return { podUid };
          }
          await end(present, { force: false, deadline });
        }
        if (Date.now() > deadline) throw endless(name);
      }
    },

    async destroy(installation, { uuid, podUid, upTo, force }) {
      const present = await client.readPod(podName(uuid));
      const labels = readOwnLabels(present?.metadata);
      // Another's pod is nothing that we hold.
      if (present !== null && labels?.installation !== installation) return;
      const isNewer = upTo !== undefined && (labels?.generation ?? 0) > upTo;
      const isMeant = podUid === undefined || present?.metadata?.uid === podUid;
      if (present !== null && isMeant && !isNewer) await end(present, { force, deadline: Date.now() + GONE_MS });
      // Whoever deleted the pod from outside left its key.
      else if (upTo !== undefined) await client.deleteSecret(agentSecretName(uuid, upTo));
    },
  };
}

function isAlive(pod: V1Pod): boolean {
  const phase = pod.status?.phase;
  return pod.metadata?.deletionTimestamp === undefined && phase !== 'Succeeded' && phase !== 'Failed';
}

function checkOwner(pod: V1Pod, owner: { installation: string; uuid: string }): OwnLabels {
  const labels = readOwnLabels(pod.metadata);
  if (labels !== null && labels.installation === owner.installation && labels.uuid === owner.uuid) return labels;
  throw new AppError('INTERNAL', { detail: `Pod ${podName(owner.uuid)} is there and is not this installation's.` });
}

function endless(name: string): Error {
  return new Error(`Pod ${name} was asked to end and is still there.`);
}
