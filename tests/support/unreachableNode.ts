import type { Duplex } from 'node:stream';
import { AppError } from '#shared/domain/errors.ts';
import type { Runtime } from '#platform/runtime/Runtime.ts';

/** A switch between Berth and a real runtime: the node of a session stops answering, and comes back. */
export interface NodeSwitch {
  around(runtime: Runtime): Runtime;
  /** From now on the pod's state cannot be read, its streams are cut, and nothing but force removes it. */
  lose(uuid: string): void;
  giveBack(uuid: string): void;
}

/**
 * What a control plane sees of a node that lost its network: the pods go on there, unseen. Only removal by force makes an
 * end of them, as the API server forgets a pod that is deleted without a grace period.
 */
export function createNodeSwitch(): NodeSwitch {
  const lost = new Set<string>();
  const streams = new Map<string, Set<Duplex>>();
  return {
    lose(uuid) {
      lost.add(uuid);
      for (const stream of streams.get(uuid) ?? []) stream.destroy();
      streams.delete(uuid);
    },
    giveBack(uuid) {
      lost.delete(uuid);
    },
    around(runtime) {
      const seen: Pick<Runtime, 'status' | 'connect' | 'destroyPod'> = {
        async status(uuid) {
          const state = await runtime.status(uuid);
          return lost.has(uuid) && state.podUid !== null ? { ...state, status: 'unknown', cause: 'node-lost' } : state;
        },
        async connect(uuid, generation) {
          if (lost.has(uuid)) throw new AppError('AGENT_UNREACHABLE');
          const stream = await runtime.connect(uuid, generation);
          const known = streams.get(uuid) ?? new Set();
          streams.set(uuid, known.add(stream));
          stream.once('close', () => known.delete(stream));
          return stream;
        },
        async destroyPod(uuid, podUid, how) {
          const { podUid: present } = await runtime.status(uuid);
          if (lost.has(uuid) && present !== null && how?.force !== true) {
            throw new AppError('INTERNAL', { detail: `The pod of session ${uuid} does not end: its node is lost.` });
          }
          await runtime.destroyPod(uuid, podUid, how);
          lost.delete(uuid);
        },
      };
      return new Proxy(runtime, {
        get(target, name: keyof Runtime) {
          if (name in seen) return seen[name as keyof typeof seen];
          const value = target[name];
          return typeof value === 'function' ? (value as (...given: unknown[]) => unknown).bind(target) : value;
        },
      });
    },
  };
}
