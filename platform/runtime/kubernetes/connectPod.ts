import { once } from 'node:events';
import { createConnection } from 'node:net';
import type { Duplex } from 'node:stream';
import type { V1Pod } from '@kubernetes/client-node';
import { AppError } from '#shared/domain/errors.ts';
import { podName } from '#shared/domain/podNames.ts';
import type { KubernetesClient } from '#platform/runtime/kubernetes/client.ts';
import { readOwnLabels } from '#platform/runtime/kubernetes/labels.ts';
import { AGENT_PORT } from '#platform/runtime/kubernetes/objects.ts';
import { PortForwardStream } from '#platform/runtime/kubernetes/portForward.ts';

const CONNECT_MS = 2_000;

/** How the agent in a pod is reached. */
export type AgentRoute = 'pod-address' | 'port-forward';

/** Whose agent is meant. */
export interface AgentAddress {
  installation: string;
  uuid: string;
  generation: number;
}

/** Opens a raw stream to the agent of that very generation. Rejects with AGENT_UNREACHABLE, whatever stands in the way. */
export async function connectPod(
  client: Pick<KubernetesClient, 'readPod' | 'openPortForward'>,
  route: AgentRoute,
  address: AgentAddress,
): Promise<Duplex> {
  try {
    const podAddress = checkPod(await client.readPod(podName(address.uuid)), address);
    return route === 'pod-address' ? await connectAddress(podAddress) : await forwardPort(client, address.uuid);
  } catch (error) {
    if (error instanceof AppError) throw error;
    throw unreachable(error instanceof Error ? error.message : String(error), error);
  }
}

function checkPod(pod: V1Pod | null, address: AgentAddress): string {
  const labels = readOwnLabels(pod?.metadata);
  if (pod === null || labels?.installation !== address.installation || labels.uuid !== address.uuid) {
    throw unreachable('it has no pod');
  }
  if (labels.generation !== address.generation) throw unreachable('its pod serves another opening');
  const podIP = pod.status?.podIP ?? '';
  if (podIP === '' || pod.status?.phase !== 'Running') throw unreachable('its pod does not run yet');
  return podIP;
}

function connectAddress(host: string): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ host, port: AGENT_PORT, timeout: CONNECT_MS, noDelay: true });
    const fail = (cause?: Error): void => {
      socket.destroy();
      reject(unreachable(cause?.message ?? 'its pod does not answer in time', cause));
    };
    socket.once('timeout', () => fail());
    socket.once('error', fail);
    socket.once('connect', () => {
      socket.setTimeout(0);
      socket.removeAllListeners('timeout').removeListener('error', fail);
      resolve(socket);
    });
  });
}

async function forwardPort(client: Pick<KubernetesClient, 'openPortForward'>, uuid: string): Promise<Duplex> {
  const socket = await client.openPortForward(podName(uuid), AGENT_PORT);
  // Before anything arrives: the first messages follow the handshake at once.
  const stream = new PortForwardStream(socket);
  await Promise.race([once(socket, 'open'), once(stream, 'close')]);
  if (stream.destroyed) throw stream.errored ?? unreachable('the forwarded port closed at once');
  return stream;
}

function unreachable(reason: string, cause?: unknown): AppError {
  return new AppError('AGENT_UNREACHABLE', { detail: `The session's agent cannot be reached: ${reason}.`, cause });
}
