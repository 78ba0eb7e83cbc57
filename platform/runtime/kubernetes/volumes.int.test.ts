import { randomUUID } from 'node:crypto';
import type { V1PersistentVolumeClaim } from '@kubernetes/client-node';
import { loadConfig } from '#platform/config/config.ts';
import { createKubernetesClient, type KubernetesClient } from '#platform/runtime/kubernetes/client.ts';
import { ownLabels } from '#platform/runtime/kubernetes/labels.ts';
import { createVolumes, type Volumes } from '#platform/runtime/kubernetes/volumes.ts';
import {
  answerJson,
  answerStatus,
  startStandInApiServer,
  type StandInApiServer,
} from '#tests/support/standInApiServer.ts';

const KIND = 'persistentvolumeclaims';

let server: StandInApiServer;
let client: KubernetesClient;
/** The claims that the server holds, by name, and in which phase it makes new ones. */
let claims: Map<string, V1PersistentVolumeClaim>;
let phase: string;

beforeAll(async () => {
  server = await startStandInApiServer();
});
beforeEach(() => {
  server.forget();
  claims = new Map();
  phase = 'Pending';
  client = createKubernetesClient('sessions');
  server.answer = (request, response) => {
    const name = request.url?.split('/').at(-1)?.split('?')[0] ?? '';
    if (request.method === 'POST') {
      let body = '';
      request.on('data', (chunk) => (body += String(chunk)));
      request.on('end', () => create(JSON.parse(body) as V1PersistentVolumeClaim)(request, response));
      return;
    }
    const claim = claims.get(name);
    if (claim === undefined) return answerStatus(404, 'NotFound', { kind: KIND, name })(request, response);
    if (request.method === 'DELETE') claims.delete(name);
    return answerJson(200, claim)(request, response);
  };
});
afterEach(() => client.close());
afterAll(() => server.stop());

function create(claim: V1PersistentVolumeClaim): typeof server.answer {
  const name = claim.metadata?.name ?? '';
  if (claims.has(name)) return answerStatus(409, 'AlreadyExists', { kind: KIND, name });
  const made = {
    ...claim,
    metadata: { ...claim.metadata, uid: randomUUID() },
    spec: { ...claim.spec, storageClassName: claim.spec?.storageClassName ?? 'preset' },
    status: { phase },
  };
  claims.set(name, made);
  return answerJson(201, made);
}

function volumes(settings: Record<string, string> = {}): Volumes {
  const config = loadConfig({
    BERTH_SECRET: 'a secret of more than thirty-two characters',
    DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none',
    ...settings,
  });
  return createVolumes({ client, config });
}

const owner = (): { installation: string; uuid: string; volumeId: number } => ({
  installation: 'here',
  uuid: randomUUID(),
  volumeId: 11,
});
const reads = (): number => server.asked.filter((request) => request.startsWith('GET')).length;

describe('a claim that is made', () => {
  it('is not waited for when it is bound at once', async () => {
    phase = 'Bound';
    await volumes().ensure(owner());
    expect(reads()).toBe(0);
  });

  it('is waited for once in a class that binds with the first pod, and then no more', async () => {
    const made = volumes();
    await made.ensure(owner());
    expect(reads()).toBeGreaterThan(1);
    server.forget();
    await made.ensure(owner());
    expect(reads()).toBe(0);
  });

  it('is waited for or not as the setting says', async () => {
    await volumes({ BERTH_VOLUME_BINDING: 'first-consumer' }).ensure(owner());
    expect(reads()).toBe(0);
    const immediate = volumes({ BERTH_VOLUME_BINDING: 'immediate' });
    for (let turn = 0; turn < 2; turn += 1) {
      server.forget();
      await immediate.ensure(owner());
      expect(reads()).toBeGreaterThan(1);
    }
  });

  it('is the one that is there already, when it is the same', async () => {
    phase = 'Bound';
    const one = owner();
    const first = await volumes().ensure(one);
    expect(await volumes().ensure(one)).toEqual(first);
    await expect(volumes().ensure({ ...one, volumeId: 12 })).rejects.toThrow('belongs to volume 11');
    await expect(volumes().ensure({ ...one, installation: 'elsewhere' })).rejects.toMatchObject({ code: 'INTERNAL' });
  });

  it('waits for the end of one that is being deleted', async () => {
    phase = 'Bound';
    const { installation, uuid, volumeId } = owner();
    const name = `workspace-${uuid}`;
    claims.set(name, {
      metadata: {
        name,
        uid: 'the-old-one',
        labels: ownLabels({ installation, uuid, volumeId }),
        deletionTimestamp: new Date(),
      },
    });
    const ensured = volumes().ensure({ installation, uuid, volumeId });
    const ends = setInterval(() => {
      if (reads() > 2) claims.delete(name);
    }, 5);
    expect((await ensured).claimUid).not.toBe('the-old-one');
    clearInterval(ends);
  });
});

describe('a claim that is removed', () => {
  it('is the one with that uid and no other', async () => {
    phase = 'Bound';
    const one = owner();
    const { claimUid } = await volumes().ensure(one);
    await volumes().destroy(one.uuid, 'another');
    expect(claims.size).toBe(1);
    await volumes().destroy(one.uuid, claimUid);
    expect(claims.size).toBe(0);
    await volumes().destroy(one.uuid, claimUid);
  });

  it('is not taken for gone while the server does not say so', async () => {
    server.answer = answerStatus(500, 'InternalError');
    await expect(volumes().destroy(randomUUID(), 'some')).rejects.toMatchObject({ status: 500 });
  });
});
