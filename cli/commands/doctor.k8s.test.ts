import { doctor } from '#cli/commands/doctor.ts';

const before = { ...process.env };
afterEach(() => {
  process.env = { ...before };
});

/** What the doctor says about the cluster, whatever else is wrong on this machine. */
async function saidOfCluster(environment: Record<string, string>): Promise<string | undefined> {
  Object.assign(process.env, { BERTH_RUNTIME: 'kubernetes', ...environment });
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
