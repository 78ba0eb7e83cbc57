import { randomUUID } from 'node:crypto';
import type { V1ObjectMeta, V1Pod, V1Secret } from '@kubernetes/client-node';
import pino from 'pino';
import { agentSecretName, podName, volumeName } from '#shared/domain/podNames.ts';
import { loadConfig } from '#platform/config/config.ts';
import { createKubernetesClient, type KubernetesClient } from '#platform/runtime/kubernetes/client.ts';
import { createPodInformer, type PodInformer } from '#platform/runtime/kubernetes/podInformer.ts';
import { createPods, type Pods } from '#platform/runtime/kubernetes/pods.ts';
import type { PodSpec } from '#platform/runtime/Runtime.ts';
import {
  answerJson,
  answerStatus,
  startStandInApiServer,
  type StandInApiServer,
} from '#tests/support/standInApiServer.ts';

const INSTALLATION = 'here';

let server: StandInApiServer;
let client: KubernetesClient;
let informer: PodInformer;
let pods: Pods;
/** What the server holds, by name: pods and secrets that were made, and claims that are there from the start. */
let held: Map<string, { metadata?: V1ObjectMeta }>;

beforeAll(async () => {
  server = await startStandInApiServer();
});
beforeEach(() => {
  server.forget();
  held = new Map();
  client = createKubernetesClient('sessions');
  // The watch hears nothing: its server does not know it.
  informer = createPodInformer({ client, installationId: async () => INSTALLATION, log: pino({ level: 'silent' }) });
  const config = loadConfig({
    BERTH_SECRET: 'a secret of more than thirty-two characters',
    DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none',
  });
  pods = createPods({ client, informer, config });
  server.answer = (request, response) => {
    const [kind = '', name = ''] = request.url?.split('?')[0]?.split('/').slice(5) ?? [];
    if (request.method === 'POST') {
      let body = '';
      request.on('data', (chunk) => (body += String(chunk)));
      request.on('end', () => create(kind, JSON.parse(body) as V1Pod | V1Secret)(request, response));
      return;
    }
    const object = held.get(name);
    if (object === undefined) return answerStatus(404, 'NotFound', { kind, name })(request, response);
    if (request.method === 'DELETE') held.delete(name);
    return answerJson(200, object)(request, response);
  };
});
afterEach(async () => {
  const informed = informer.close();
  await client.close();
  await informed;
});
afterAll(() => server.stop());

function create(kind: string, object: V1Pod | V1Secret): typeof server.answer {
  const name = object.metadata?.name ?? '';
  if (held.has(name)) return answerStatus(409, 'AlreadyExists', { kind, name });
  const made = { ...object, metadata: { ...object.metadata, uid: randomUUID() }, status: { phase: 'Running' } };
  held.set(name, made);
  return answerJson(201, made);
}

/** What to make a pod from, on a claim that is there. */
function newSpec(): PodSpec {
  const uuid = randomUUID();
  const claimUid = randomUUID();
  held.set(volumeName(uuid), { metadata: { name: volumeName(uuid), uid: claimUid } });
  return { uuid, generation: 1, volumeId: 11, claimUid, language: 'python' };
}

describe('a pod that is there already', () => {
  it('is adopted by its own generation for its own volume', async () => {
    const spec = newSpec();
    const made = await pods.ensure(INSTALLATION, spec);
    expect(await pods.ensure(INSTALLATION, spec)).toEqual(made);
  });

  it('is made again for another volume, or another generation', async () => {
    const spec = newSpec();
    const first = await pods.ensure(INSTALLATION, spec);
    const second = await pods.ensure(INSTALLATION, { ...spec, volumeId: 12 });
    expect(second.podUid).not.toBe(first.podUid);
    const third = await pods.ensure(INSTALLATION, { ...spec, volumeId: 12, generation: 2 });
    expect(third.podUid).not.toBe(second.podUid);
    expect(held.get(podName(spec.uuid))).toMatchObject({ metadata: { uid: third.podUid } });
    expect(held.has(agentSecretName(spec.uuid, 1))).toBe(false);
  });
});

describe('a pod that is removed with its generation', () => {
  const upTo = (uuid: string, generation: number): Promise<void> =>
    pods.destroy(INSTALLATION, { uuid, podUid: undefined, upTo: generation, force: false });

  it('leaves no key behind, though somebody else deleted the pod', async () => {
    const spec = newSpec();
    await pods.ensure(INSTALLATION, spec);
    held.delete(podName(spec.uuid));
    expect(held.has(agentSecretName(spec.uuid, 1))).toBe(true);
    await upTo(spec.uuid, 1);
    expect(held.has(agentSecretName(spec.uuid, 1))).toBe(false);
    await upTo(spec.uuid, 1);
  });

  it('is never the pod of a newer one', async () => {
    const spec = { ...newSpec(), generation: 2 };
    const { podUid } = await pods.ensure(INSTALLATION, spec);
    await upTo(spec.uuid, 1);
    expect(held.get(podName(spec.uuid))).toMatchObject({ metadata: { uid: podUid } });
    expect(held.has(agentSecretName(spec.uuid, 2))).toBe(true);
    await upTo(spec.uuid, 2);
    expect(held.has(podName(spec.uuid)) || held.has(agentSecretName(spec.uuid, 2))).toBe(false);
  });
});
