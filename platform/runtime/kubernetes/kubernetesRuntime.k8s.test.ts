import { jest } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import pino from 'pino';
import { podName } from '#shared/domain/podNames.ts';
import { describeRuntimeContract } from '#platform/runtime/contract.ts';
import { storageClass } from '#tests/support/cluster.ts';
import { startClusterRuntime } from '#tests/support/clusterRuntime.ts';
import { waitFor } from '#tests/support/waitFor.ts';

// Real pods on a busy machine: the waits inside have deadlines of their own.
jest.setTimeout(120_000);

const log = pino({ level: process.env['BERTH_LOG_LEVEL'] ?? 'silent' });

const VARIANTS = [
  { binding: 'Immediate', route: 'port-forward' },
  { binding: 'Immediate', route: 'pod-address' },
  { binding: 'WaitForFirstConsumer', route: 'pod-address' },
] as const;

for (const { binding, route } of VARIANTS) {
  const name = `Kubernetes (${binding}, ${route})`;
  const storage = await storageClass(binding);
  if (storage === null) {
    describe.skip(`${name}: the cluster has no storage class that binds so`, () => {
      it('holds the contract of a runtime', () => undefined);
    });
    continue;
  }
  describeRuntimeContract(name, async () => {
    const { another, config, namespace, stop } = await startClusterRuntime({
      BERTH_AGENT_ROUTE: route,
      BERTH_STORAGE_CLASS: storage,
    });
    return {
      create: () => another(),
      secret: config.BERTH_SECRET,
      log,
      crash: async (uuid) => {
        await namespace.kubectl('delete', 'pod', podName(uuid), '--grace-period=0', '--force');
      },
      waitFor,
      stop,
    };
  });
}

describe('the connections of the Kubernetes runtime', () => {
  it('are few, however many requests are made, and end with it', async () => {
    const open = (): number => process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length;
    const before = open();
    const { another, stop } = await startClusterRuntime();
    const runtime = await another();
    for (let request = 0; request < 100; request += 1) await runtime.status(randomUUID());
    await Promise.all(Array.from({ length: 20 }, () => runtime.status(randomUUID())));
    expect(open() - before).toBeLessThanOrEqual(20);
    await runtime.close();
    await waitFor(() => open() <= before, { what: 'the end of the connections' });
    await stop();
  });
});
