import { randomUUID } from 'node:crypto';
import pino from 'pino';
import { createAgentPool } from '#platform/agent/agentPool.ts';
import type { AgentPool } from '#platform/agent/AgentClient.ts';
import { loadConfig, type Config } from '#platform/config/config.ts';
import { createRuntime } from '#platform/runtime/createRuntime.ts';
import type { PodSpec, Runtime } from '#platform/runtime/Runtime.ts';
import { createTestNamespace, type TestNamespace } from '#tests/support/cluster.ts';

/** The Kubernetes runtime in a namespace of a test's own, without anything around it. */
export interface ClusterRuntime {
  namespace: TestNamespace;
  config: Config;
  installation: string;
  runtime: Runtime;
  agents: AgentPool;
  /** Another runtime in the same namespace, with other settings or of another installation; the caller closes it. */
  another(settings?: Record<string, string>, installation?: string): Promise<Runtime>;
  /** Makes a volume and what a first pod on it is made from. */
  newSpec(): Promise<PodSpec>;
  /** Removes the namespace with everything in it. */
  stop(): Promise<void>;
}

/** Starts it. `settings` are environment variables. */
export async function startClusterRuntime(settings: Record<string, string> = {}): Promise<ClusterRuntime> {
  const log = pino({ level: process.env['BERTH_LOG_LEVEL'] ?? 'silent' });
  const namespace = await createTestNamespace(settings);
  const environment = {
    ...namespace.settings,
    BERTH_SECRET: randomUUID() + randomUUID(),
    DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none',
  };
  const config = loadConfig(environment);
  const installation = randomUUID();
  const another: ClusterRuntime['another'] = (more = {}, owner = installation) =>
    createRuntime({ config: loadConfig({ ...environment, ...more }), log, installationId: async () => owner });
  const runtime = await another();
  const agents = createAgentPool({ runtime, secret: config.BERTH_SECRET, log });
  return {
    namespace,
    config,
    installation,
    runtime,
    agents,
    another,
    async newSpec() {
      const uuid = randomUUID();
      const { claimUid } = await runtime.ensureVolume(uuid, 11);
      return { uuid, generation: 1, volumeId: 11, claimUid, language: 'python' };
    },
    async stop() {
      await agents.close();
      await runtime.close();
      await namespace.drop();
    },
  };
}
