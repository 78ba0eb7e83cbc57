import { createHash } from 'node:crypto';
import type { KubeConfig } from '@kubernetes/client-node';

/** The private parts of the library's KubeConfig that make connections. */
interface ConnectionMaker {
  createDispatcher(cluster: { server?: string } | null, tls: Record<string, unknown>): Dispatcher | undefined;
  agentCache: Map<string, { destroy(): void }>;
}

interface Dispatcher {
  destroy(): Promise<void>;
}

/**
 * Makes the library keep its connections: it opens one for each request otherwise. A new one is made when certificates
 * change. Throws when the library no longer has what this replaces.
 */
export function reuseConnections(config: KubeConfig): { close(): Promise<void> } {
  const maker = config as unknown as ConnectionMaker;
  if (typeof maker.createDispatcher !== 'function' || !(maker.agentCache instanceof Map)) {
    throw new Error('This version of @kubernetes/client-node makes its connections in another way.');
  }
  const create = maker.createDispatcher.bind(config);
  const made: Dispatcher[] = [];
  let present: { key: string; dispatcher: Dispatcher | undefined } | null = null;
  maker.createDispatcher = (cluster, tls) => {
    const key = fingerprint(cluster?.server ?? '', tls);
    if (present?.key !== key) {
      // The one before goes on with what it has begun, a watch for instance, and ends with the client.
      present = { key, dispatcher: create(cluster, tls) };
      if (present.dispatcher !== undefined) made.push(present.dispatcher);
    }
    return present.dispatcher;
  };
  return {
    async close() {
      for (const agent of maker.agentCache.values()) agent.destroy();
      await Promise.all(made.map((dispatcher) => dispatcher.destroy()));
    },
  };
}

function fingerprint(server: string, tls: Record<string, unknown>): string {
  const hash = createHash('sha256').update(server);
  for (const [name, value] of Object.entries(tls)) {
    hash.update(`\n${name}=`).update(Buffer.isBuffer(value) ? value : String(value));
  }
  return hash.digest('hex');
}
