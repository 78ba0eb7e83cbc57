import { randomUUID } from 'node:crypto';
import { createConnection } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { agentSecretName, podName, volumeName } from '#shared/domain/podNames.ts';
import { agentKey } from '#platform/agent/agentKey.ts';
import type { Config } from '#platform/config/config.ts';
import type { KubernetesClient } from '#platform/runtime/kubernetes/client.ts';
import { AGENT_PORT, buildClaim, buildPod, buildSecret } from '#platform/runtime/kubernetes/objects.ts';

const POLL_MS = 20;
const BOUND_MS = 1_500;

/** A pod that nobody but the bench knows. */
export interface RawPod {
  name: string;
  uuid: string;
  installation: string;
  /** From the creation of its claim until the program in it answered. */
  milliseconds: number;
  remove(): Promise<void>;
}

/**
 * Starts a pod with the very claim, secret and specification of a session's and with nothing else of Berth: what a cold
 * start is measured against. It works as soon as its program takes a connection.
 */
export async function startRawPod(client: KubernetesClient, config: Config): Promise<RawPod> {
  const uuid = randomUUID();
  const installation = randomUUID();
  const started = performance.now();
  const claim = await client.createClaim(buildClaim(config, { installation, uuid, volumeId: 1 }));
  const claimUid = claim.metadata?.uid ?? '';
  // Where a class waits for its first consumer the claim is bound only once the pod is there.
  const isBound = async (): Promise<boolean> => (await client.readClaim(volumeName(uuid)))?.status?.phase === 'Bound';
  await until(isBound, BOUND_MS).catch(() => undefined);
  const spec = { uuid, generation: 1, volumeId: 1, claimUid, language: '' };
  await client.createSecret(buildSecret(config, { installation, spec, key: agentKey(config.BERTH_SECRET, spec) }));
  const pod = await client.createPod(buildPod(config, { installation, spec }));
  let host = '';
  await until(async () => {
    const { podIP, phase } = (await client.readPod(podName(uuid)))?.status ?? {};
    host = podIP ?? '';
    return phase === 'Running' && host !== '';
  }, 120_000);
  await until(() => connects(host), 60_000);
  return {
    name: podName(uuid),
    uuid,
    installation,
    milliseconds: performance.now() - started,
    async remove() {
      await client.deletePod(podName(uuid), pod.metadata?.uid ?? '');
      await until(async () => (await client.readPod(podName(uuid))) === null, 120_000);
      await client.deleteClaim(volumeName(uuid), claimUid);
      await client.deleteSecret(agentSecretName(uuid, 1));
    },
  };
}

/** Polls until the condition holds. Rejects when the time is over: a reference that does not work would flatter us. */
export async function until(condition: () => boolean | Promise<boolean>, deadlineMs: number): Promise<void> {
  const deadline = Date.now() + deadlineMs;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`Waited ${deadlineMs} ms in vain for ${String(condition)}`);
    await delay(POLL_MS);
  }
}

function connects(host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ host, port: AGENT_PORT, timeout: 1_000 });
    const end = (works: boolean) => () => {
      socket.destroy();
      resolve(works);
    };
    socket.once('connect', end(true)).once('error', end(false)).once('timeout', end(false));
  });
}
