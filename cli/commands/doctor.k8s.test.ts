import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { doctor } from '#cli/commands/doctor.ts';
import { createTestNamespace, kubectl, type TestNamespace } from '#tests/support/cluster.ts';

const before = { ...process.env };
afterEach(() => {
  process.env = { ...before };
});

/** What the doctor says about the cluster, whatever else is wrong on this machine. */
async function saidOfCluster(environment: Record<string, string | undefined>): Promise<string | undefined> {
  process.env = { ...before, BERTH_RUNTIME: 'kubernetes', ...environment };
  const lines: string[] = [];
  await Promise.allSettled([doctor((line) => lines.push(line))]);
  return lines.find((line) => line.includes('the cluster:'));
}

describe('berth doctor', () => {
  it('looks whether the cluster answers and lets itself be read', async () => {
    expect(await saidOfCluster({ BERTH_KUBERNETES_NAMESPACE: 'default' })).toBe(
      'ok    the cluster: answers, pods and claims in namespace default can be read',
    );
  });

  it('says what is wrong with the way to it', async () => {
    const said = await saidOfCluster({ KUBECONFIG: '/nowhere/kubeconfig' });
    expect(said).toMatch(/^FAIL {2}the cluster: .*\n.*there is no cluster to use: .*Set KUBECONFIG/);
  });
});

describe('berth doctor in a process of the cluster', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'berth-doctor-'));
  let namespace: TestNamespace;
  /** Of an account that may read pods, and of one that may read nothing. */
  let readsPods: Record<string, string>;
  let readsNothing: Record<string, string>;

  beforeAll(async () => {
    namespace = await createTestNamespace({ BERTH_WORKSPACE_IMAGE: 'none' });
    await namespace.kubectl('create', 'serviceaccount', 'reader');
    await namespace.kubectl('create', 'role', 'reader', '--verb=list', '--resource=pods');
    await namespace.kubectl(
      ...['create', 'rolebinding', 'reader', '--role=reader', `--serviceaccount=${namespace.name}:reader`],
    );
    readsPods = await environmentOf('reader');
    readsNothing = await environmentOf('default');
  });
  afterAll(async () => {
    await namespace.drop();
    rmSync(folder, { recursive: true, force: true });
  });

  async function environmentOf(account: string): Promise<Record<string, string>> {
    const token = (await namespace.kubectl('create', 'token', account)).trim();
    const config = JSON.parse(await kubectl(['config', 'view', '--minify', '--raw', '-o', 'json'])) as {
      users: { user: object }[];
    };
    for (const one of config.users) one.user = { token };
    const file = path.join(folder, `${account}.json`);
    writeFileSync(file, JSON.stringify(config));
    return {
      KUBECONFIG: file,
      KUBERNETES_SERVICE_HOST: 'as in a pod',
      BERTH_KUBERNETES_NAMESPACE: namespace.name,
    };
  }

  it.each([
    ['the api', {}],
    ['a worker that watches', { BERTH_WORKER_ROLES: 'watch' }],
  ])('is content that %s reads pods alone', async (_process, roles) => {
    expect(await saidOfCluster({ ...readsPods, ...roles })).toBe(
      `ok    the cluster: answers, pods in namespace ${namespace.name} can be read; claims are not for this process`,
    );
  });

  it('asks no right of a worker that runs workflows alone', async () => {
    expect(await saidOfCluster({ ...readsNothing, BERTH_WORKER_ROLES: 'orchestration' })).toBe(
      'ok    the cluster: not for this process, which runs workflows alone',
    );
  });

  it.each<[string, () => Record<string, string | undefined>, RegExp]>([
    [
      'a worker that makes pods',
      () => ({ ...readsPods, BERTH_WORKER_ROLES: 'orchestration,runtime' }),
      /list claims: .*cannot list resource "persistentvolumeclaims"/,
    ],
    [
      'a Berth outside of the cluster',
      () => ({ ...readsPods, KUBERNETES_SERVICE_HOST: undefined }),
      /list claims: .*cannot list resource "persistentvolumeclaims"/,
    ],
    ['the api', () => readsNothing, /list pods: .*cannot list resource "pods"/],
  ])('says which right %s lacks', async (_process, environment, lack) => {
    const said = await saidOfCluster(environment());
    expect(said).toMatch(/^FAIL {2}/);
    expect(said).toMatch(lack);
  });
});
