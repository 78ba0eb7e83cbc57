import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import type { V1Pod } from '@kubernetes/client-node';
import { AppError } from '#shared/domain/errors.ts';
import { podName } from '#shared/domain/podNames.ts';
import { connectSocket } from '#platform/runtime/connectSocket.ts';
import type { KubernetesClient } from '#platform/runtime/kubernetes/client.ts';
import { readOwnLabels } from '#platform/runtime/kubernetes/labels.ts';
import { AGENT_PORT } from '#platform/runtime/kubernetes/objects.ts';
import { listenFor, type PodInformer } from '#platform/runtime/kubernetes/podInformer.ts';
import { PortForwardStream } from '#platform/runtime/kubernetes/portForward.ts';

/** How long, in milliseconds, a pod that is just starting is waited for. Whoever connects tries again by itself, but with longer pauses. */
const STARTING_MS = 1_000;
const LOOK_AGAIN_MS = 250;
const KNOCK_AGAIN_MS = 20;

/** How the agent in a pod is reached. */
export type AgentRoute = 'pod-address' | 'port-forward';

/** Whose agent is meant. */
export interface AgentAddress {
  installation: string;
  uuid: string;
  generation: number;
}

/** What agents are reached with. */
export interface ConnectOptions {
  client: Pick<KubernetesClient, 'readPod' | 'openPortForward'>;
  informer: Pick<PodInformer, 'subscribe'>;
  route: AgentRoute;
}

/** Opens a raw stream to the agent of that very generation. Rejects with AGENT_UNREACHABLE, whatever stands in the way. */
export async function connectPod({ client, informer, route }: ConnectOptions, address: AgentAddress): Promise<Duplex> {
  const deadline = Date.now() + STARTING_MS;
  const look = async (): Promise<string | null> => findAddress(await client.readPod(podName(address.uuid)), address);
  try {
    const host = (await look()) ?? (await awaitAddress(look, { informer, uuid: address.uuid, deadline }));
    return route === 'pod-address' ? await connectAddress(host, deadline) : await forwardPort(client, address.uuid);
  } catch (error) {
    if (error instanceof AppError) throw error;
    throw unreachable(error instanceof Error ? error.message : String(error), error);
  }
}

/** The pod's address, null while it has none; throws when the pod is not the one that is meant. */
function findAddress(pod: V1Pod | null, address: AgentAddress): string | null {
  const labels = readOwnLabels(pod?.metadata);
  if (pod === null || labels?.installation !== address.installation || labels.uuid !== address.uuid) {
    throw unreachable('it has no pod');
  }
  if (labels.generation !== address.generation) throw unreachable('its pod serves another opening');
  return pod.status?.podIP ?? null;
}

/** Looks again as soon as the watch hints at a change. */
async function awaitAddress(
  look: () => Promise<string | null>,
  { informer, uuid, deadline }: { informer: Pick<PodInformer, 'subscribe'>; uuid: string; deadline: number },
): Promise<string> {
  const hints = listenFor(informer, uuid);
  try {
    for (;;) {
      const host = await look();
      if (host !== null) return host;
      if (Date.now() > deadline) throw unreachable('its pod does not run yet');
      await hints.next(LOOK_AGAIN_MS);
    }
  } finally {
    hints.stop();
  }
}

/** A container has its address a moment before its program listens. */
async function connectAddress(host: string, deadline: number): Promise<Duplex> {
  for (;;) {
    try {
      return await connectSocket({ host, port: AGENT_PORT, noDelay: true });
    } catch (error) {
      const isRefused = error instanceof Error && 'code' in error && error.code === 'ECONNREFUSED';
      if (!isRefused || Date.now() > deadline) throw error;
      await pause(KNOCK_AGAIN_MS);
    }
  }
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
