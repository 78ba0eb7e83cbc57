import { jest } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import pino from 'pino';
import { podName } from '#shared/domain/podNames.ts';
import { loadConfig } from '#platform/config/config.ts';
import { describeRuntimeContract } from '#platform/runtime/contract.ts';
import { createRuntime } from '#platform/runtime/createRuntime.ts';
import { createTestNamespace, storageClass } from '#tests/support/cluster.ts';
import { waitFor } from '#tests/support/waitFor.ts';

// Real pods on a busy machine: the waits inside have deadlines of their own.
jest.setTimeout(120_000);

const log = pino({ level: process.env['BERTH_LOG_LEVEL'] ?? 'silent' });

const VARIANTS = [
  { binding: 'Immediate', route: 'port-forward' },
  { binding: 'WaitForFirstConsumer', route: 'pod-address' },
] as const;

for (const { binding, route } of VARIANTS) {
  describeRuntimeContract(`Kubernetes (${binding}, ${route})`, async () => {
    const namespace = await createTestNamespace({
      BERTH_AGENT_ROUTE: route,
      BERTH_STORAGE_CLASS: (await storageClass(binding)) ?? '',
    });
    const config = loadConfig({
      ...namespace.settings,
      BERTH_SECRET: randomUUID() + randomUUID(),
      DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none',
    });
    const installation = randomUUID();
    return {
      create: () => createRuntime({ config, log, installationId: async () => installation }),
      secret: config.BERTH_SECRET,
      log,
      crash: async (uuid) => {
        await namespace.kubectl('delete', 'pod', podName(uuid), '--grace-period=0', '--force');
      },
      waitFor,
      stop: () => namespace.drop(),
    };
  });
}
