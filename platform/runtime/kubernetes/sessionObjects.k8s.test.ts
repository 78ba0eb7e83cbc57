import { jest } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import type { V1PersistentVolumeClaim, V1Pod, V1Secret } from '@kubernetes/client-node';
import { agentSecretName, podName, volumeName } from '#shared/domain/podNames.ts';
import { agentKey } from '#platform/agent/agentKey.ts';
import { ownLabels } from '#platform/runtime/kubernetes/labels.ts';
import { buildPod, buildSecret } from '#platform/runtime/kubernetes/objects.ts';
import { startClusterRuntime, type ClusterRuntime } from '#tests/support/clusterRuntime.ts';
import { waitFor } from '#tests/support/waitFor.ts';

jest.setTimeout(120_000);

let cluster: ClusterRuntime;
beforeAll(async () => {
  cluster = await startClusterRuntime();
}, 16 * 60_000);
afterAll(() => cluster.stop(), 180_000);

/** The names of everything in the namespace that is about a session. */
async function objectsOf(uuid: string): Promise<string[]> {
  const names = await cluster.namespace.kubectl('get', 'pods,persistentvolumeclaims,secrets', '-o', 'name');
  return names.split('\n').filter((name) => name.includes(uuid));
}

describe('the objects of a session, as the cluster has them', () => {
  it('have the names, labels, limits and mounts that the design says', async () => {
    const { namespace, runtime, installation, config } = cluster;
    const spec = await cluster.newSpec();
    const { uuid } = spec;
    const { podUid } = await runtime.ensurePod(spec);
    const labels = ownLabels({ installation, uuid, generation: 1, volumeId: 11 });
    const claim = await namespace.get<V1PersistentVolumeClaim>('persistentvolumeclaim', volumeName(uuid));
    expect(claim.metadata).toMatchObject({
      name: `workspace-${uuid}`,
      uid: spec.claimUid,
      labels: ownLabels({ installation, uuid, volumeId: 11 }),
    });
    expect(claim.spec?.resources?.requests).toEqual({ storage: '1Gi' });
    const pod = await namespace.get<V1Pod>('pod', podName(uuid));
    expect(pod.metadata).toMatchObject({ name: `exec-${uuid}`, uid: podUid, labels });
    expect(pod.spec?.containers.map(({ image }) => image)).toEqual([config.BERTH_WORKSPACE_IMAGE]);
    expect(pod.spec?.containers[0]).toMatchObject({
      resources: {
        limits: { cpu: '2', memory: '512Mi', 'ephemeral-storage': '1Gi' },
        requests: { cpu: '20m', memory: '96Mi', 'ephemeral-storage': '256Mi' },
      },
      volumeMounts: [
        { name: 'workspace', mountPath: '/app/workspace' },
        { name: 'tmp', mountPath: '/tmp' },
        { name: 'home', mountPath: '/home/node' },
        { name: 'key', mountPath: '/run/berth', readOnly: true },
      ],
    });
    // The cluster adds a mount with a token where it was not forbidden.
    expect(pod.spec?.volumes?.map(({ name }) => name)).toEqual(['workspace', 'tmp', 'home', 'key']);
    const secret = await namespace.get<V1Secret>('secret', agentSecretName(uuid, 1));
    expect(secret.metadata).toMatchObject({
      labels: ownLabels({ installation, uuid, generation: 1 }),
      ownerReferences: [{ kind: 'PersistentVolumeClaim', uid: spec.claimUid }],
    });
    expect(secret.immutable).toBe(true);
    const key = agentKey(config.BERTH_SECRET, { uuid, generation: 1 }).toString('hex');
    expect(Buffer.from(secret.data?.['key'] ?? '', 'base64').toString()).toBe(key);
    expect(JSON.stringify(pod)).not.toContain(key);
    await runtime.destroyPod(uuid, podUid);
    expect(await objectsOf(uuid)).toEqual([`persistentvolumeclaim/workspace-${uuid}`]);
    await runtime.destroyVolume(uuid, spec.claimUid);
    expect(await objectsOf(uuid)).toEqual([]);
  });

  it('leave no key behind when the pod was deleted by somebody else', async () => {
    const { namespace, runtime } = cluster;
    const spec = await cluster.newSpec();
    await runtime.ensurePod(spec);
    await namespace.kubectl('delete', 'pod', podName(spec.uuid), '--grace-period=0', '--force');
    await runtime.destroyPod(spec.uuid);
    await runtime.destroyVolume(spec.uuid, spec.claimUid);
    await waitFor(async () => (await objectsOf(spec.uuid)).length === 0, {
      deadlineMs: 60_000,
      what: 'the end of the key with its claim',
    });
  });

  it('of somebody else under the same names are neither used nor touched', async () => {
    const { namespace, runtime, config } = cluster;
    const other = randomUUID();
    const stranger = await cluster.another({}, other);
    const spec = await cluster.newSpec();
    const { uuid } = spec;
    await expect(stranger.ensureVolume(uuid, 11)).rejects.toMatchObject({ code: 'INTERNAL' });
    // A pod of another installation, in every other way just as ours would be.
    await namespace.apply(buildPod(config, { installation: other, spec }));
    await expect(runtime.ensurePod(spec)).rejects.toThrow(
      `Pod ${podName(uuid)} is there and is not this installation's.`,
    );
    expect(await runtime.status(uuid)).toMatchObject({ status: 'unknown', podUid: null });
    await expect(runtime.connect(uuid, 1)).rejects.toMatchObject({ code: 'AGENT_UNREACHABLE' });
    await runtime.destroyPod(uuid);
    expect((await runtime.list()).pods.map((pod) => pod.uuid)).not.toContain(uuid);
    expect((await stranger.list()).pods.map((pod) => pod.uuid)).toEqual([uuid]);
    expect(await objectsOf(uuid)).toContain(`pod/${podName(uuid)}`);
    await stranger.destroyPod(uuid);
    await runtime.destroyVolume(uuid, spec.claimUid);
    await stranger.close();
  });

  it('are adopted when their maker died between secret and pod', async () => {
    const { namespace, runtime, config, installation } = cluster;
    const spec = await cluster.newSpec();
    const key = agentKey(config.BERTH_SECRET, spec);
    await namespace.apply(buildSecret(config, { installation, spec, key }));
    await runtime.ensurePod(spec);
    expect((await (await cluster.agents.get(spec.uuid, 1, 60_000)).activity()).bootId).not.toBe('');
    await runtime.destroyPod(spec.uuid);
    await runtime.destroyVolume(spec.uuid, spec.claimUid);
  });

  it('wait for an older pod that is still ending', async () => {
    const { namespace, runtime } = cluster;
    const spec = await cluster.newSpec();
    const first = await runtime.ensurePod(spec);
    await cluster.agents.get(spec.uuid, 1, 60_000);
    await namespace.kubectl('delete', 'pod', podName(spec.uuid), '--wait=false');
    const second = await runtime.ensurePod(spec);
    expect(second.podUid).not.toBe(first.podUid);
    await runtime.destroyPod(spec.uuid);
    await runtime.destroyVolume(spec.uuid, spec.claimUid);
  });
});
