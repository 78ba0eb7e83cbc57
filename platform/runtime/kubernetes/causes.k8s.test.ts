import { jest } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import type { V1ResourceQuota } from '@kubernetes/client-node';
import { podName } from '#shared/domain/podNames.ts';
import type { PodCause } from '#shared/domain/podCause.ts';
import type { PodSpec, PodState } from '#platform/runtime/Runtime.ts';
import { startClusterRuntime, type ClusterRuntime } from '#tests/support/clusterRuntime.ts';
import { waitFor } from '#tests/support/waitFor.ts';

jest.setTimeout(180_000);

let cluster: ClusterRuntime;
beforeAll(async () => {
  cluster = await startClusterRuntime();
}, 16 * 60_000);
afterAll(() => cluster.stop(), 180_000);

/** Makes a volume and a pod on it under other settings. */
async function started(settings: Record<string, string> = {}): Promise<PodSpec> {
  const runtime = await cluster.another(settings);
  try {
    const uuid = randomUUID();
    const { claimUid } = await runtime.ensureVolume(uuid, 11);
    const spec = { uuid, generation: 1, volumeId: 11, claimUid, language: 'python' };
    await runtime.ensurePod(spec);
    return spec;
  } finally {
    await runtime.close();
  }
}

async function shows(spec: PodSpec, cause: PodCause, more: Partial<PodState> = {}): Promise<void> {
  const state = await waitFor(
    async () => {
      const now = await cluster.runtime.status(spec.uuid);
      return now.cause === cause && (more.hopeless !== true || now.hopeless === true) && now;
    },
    { deadlineMs: 90_000, what: `the cause ${cause}` },
  );
  expect(state).toMatchObject(more);
}

async function removed(spec: PodSpec): Promise<void> {
  await cluster.runtime.destroyPod(spec.uuid);
  await cluster.runtime.destroyVolume(spec.uuid, spec.claimUid);
}

describe('why a pod does not run', () => {
  it('is told of an image that is not there', async () => {
    const spec = await started({
      BERTH_WORKSPACE_IMAGE: 'berth-nowhere:0.0.0',
      BERTH_IMAGE_PULL_POLICY: 'Never',
    });
    await shows(spec, 'image-pull', { status: 'starting', hopeless: true });
    await removed(spec);
  });

  it('is told of a node that no one has', async () => {
    const spec = await started({ BERTH_NODE_SELECTOR: 'berth.dev/nowhere=true' });
    await shows(spec, 'unschedulable', { status: 'starting' });
    await removed(spec);
  });

  it('is told of a volume that nobody provides', async () => {
    const spec = await started({ BERTH_STORAGE_CLASS: 'nobody-provides-this' });
    await shows(spec, 'claim-not-bound', { status: 'starting' });
    await removed(spec);
  });

  it.each(['pods', 'persistentvolumeclaims'])('is told of a quota of %s', async (kind) => {
    const { namespace, runtime } = cluster;
    const spec = await cluster.newSpec();
    const hard = { [kind]: '0' };
    await namespace.apply({ apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name: 'used-up' }, spec: { hard } });
    // A quota counts once its controller has looked at it.
    await waitFor(
      async () => {
        const { status } = await namespace.get<V1ResourceQuota>('resourcequota', 'used-up');
        return status?.hard?.[kind] === '0';
      },
      { deadlineMs: 60_000, what: 'the quota to count' },
    );
    const make = kind === 'pods' ? runtime.ensurePod(spec) : runtime.ensureVolume(randomUUID(), 12);
    await expect(make).rejects.toMatchObject({ code: 'POD_REFUSED', data: { cause: 'quota' } });
    await namespace.kubectl('delete', 'resourcequota', 'used-up');
    await removed(spec);
  });

  it('is told of a pod that somebody deletes', async () => {
    const spec = await started();
    await cluster.agents.get(spec.uuid, 1, 60_000);
    // Held by a finalizer, the pod shows what is otherwise over in a moment.
    const hold = (finalizers: string[]): Promise<string> =>
      cluster.namespace.kubectl('patch', 'pod', podName(spec.uuid), '-p', JSON.stringify({ metadata: { finalizers } }));
    await hold(['berth.dev/test']);
    await cluster.namespace.kubectl('delete', 'pod', podName(spec.uuid), '--wait=false');
    await shows(spec, 'pod-deleted', { status: 'restarting' });
    await cluster.namespace.kubectl(
      ...['patch', 'pod', podName(spec.uuid), '--type=json', '-p', '[{"op":"remove","path":"/metadata/finalizers"}]'],
    );
    await removed(spec);
  });

  it('is told of a program that ends again and again', async () => {
    const spec = await started();
    const state = (): Promise<PodState> => cluster.runtime.status(spec.uuid);
    await cluster.agents.get(spec.uuid, 1, 60_000);
    await waitFor(
      async () => {
        if ((await state()).status === 'running') {
          await cluster.namespace.kubectl(
            'exec',
            podName(spec.uuid),
            '--',
            'sh',
            '-c',
            'kill -9 $(pgrep -f agent.mjs)',
          );
        }
        return (await state()).cause === 'crash-loop';
      },
      { deadlineMs: 90_000, what: 'a crash loop' },
    );
    expect(await state()).toMatchObject({ status: 'restarting', cause: 'crash-loop' });
    await removed(spec);
  });
});
