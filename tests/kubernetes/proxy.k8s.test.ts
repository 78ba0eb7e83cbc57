import { kubectl } from '#tests/support/cluster.ts';
import { startKubernetesProxy, type KubernetesProxy } from '#tests/support/kubernetesProxy.ts';

const SYSTEM = 'namespace/kube-system';

/* The tests of blindness prove nothing unless the proxy does what it says. */
describe('the proxy in front of the API server', () => {
  let proxy: KubernetesProxy;
  beforeAll(async () => {
    proxy = await startKubernetesProxy();
  });
  afterAll(() => proxy.stop());
  afterEach(() => proxy.switchTo('pass'));

  const through = (...args: string[]): Promise<string> =>
    kubectl(['--kubeconfig', proxy.kubeconfig, '--request-timeout=2s', ...args]);
  const namespaces = (): Promise<string> => through('get', 'namespaces', '-o=name');

  it('hands on what it is asked', async () => {
    expect(await namespaces()).toContain(SYSTEM);
    expect(proxy.misled()).toBe(0);
  });

  it('shows empty lists, and single objects as they are', async () => {
    await proxy.switchTo('empty');
    expect(await namespaces()).toBe('');
    expect(proxy.misled()).toBe(1);
    expect(await through('get', 'namespace', 'kube-system', '-o=name')).toContain(SYSTEM);
  });

  it.each([
    ['error', /InternalError|Internal Server Error/],
    ['throttle', /TooManyRequests|Too Many Requests|rate limiter/i],
    ['hang', /timeout|deadline/i],
    ['refuse', /refused/],
  ] as const)('answers nothing when told to %s, and everything again after that', async (mode, message) => {
    await proxy.switchTo(mode);
    await expect(namespaces()).rejects.toThrow(message);
    if (mode !== 'refuse') expect(proxy.misled()).toBeGreaterThan(0);
    await proxy.switchTo('pass');
    expect(await namespaces()).toContain(SYSTEM);
  });
});
