import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import type { AgentClient } from '#platform/agent/AgentClient.ts';
import { createAgentPool } from '#platform/agent/agentPool.ts';
import { loadConfig, type Config } from '#platform/config/config.ts';
import { createLocalRuntime, type LocalRuntime } from '#platform/runtime/local/localRuntime.ts';

/** A configuration for a local runtime in a fresh folder, and the way to remove that. */
export function localConfig(environment: Record<string, string> = {}): { config: Config; remove: () => void } {
  const folder = mkdtempSync(join(tmpdir(), 'berth-test-'));
  const config = loadConfig({
    BERTH_SECRET: randomUUID() + randomUUID(),
    BERTH_DATA_DIR: folder,
    DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none',
    ...environment,
  });
  // A pod that ends in this moment may still leave a file.
  return { config, remove: () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }) };
}

/** A running session of the local runtime without anything around it. */
export interface LocalSession {
  uuid: string;
  config: Config;
  runtime: LocalRuntime;
  /** The folder that the session's programs see as their workspace. */
  workspace: string;
  client: AgentClient;
  /** A stream of its own, as another process would have. */
  connect(): Promise<AgentClient>;
  stop(): Promise<void>;
}

/** Starts a session: volume, agent and a first client. */
export async function startLocalSession(environment: Record<string, string> = {}): Promise<LocalSession> {
  const { config, remove } = localConfig(environment);
  const log = pino({ level: 'silent' });
  const runtime = await createLocalRuntime(config, log);
  const uuid = randomUUID();
  const { claimUid } = await runtime.ensureVolume(uuid, 1);
  await runtime.ensurePod({ uuid, generation: 1, volumeId: 1, claimUid, language: 'python' });
  const pools: ReturnType<typeof createAgentPool>[] = [];
  const connect = (): Promise<AgentClient> => {
    const pool = createAgentPool({ runtime, secret: config.BERTH_SECRET, log });
    pools.push(pool);
    return pool.get(uuid, 1, 30_000);
  };
  return {
    uuid,
    config,
    runtime,
    workspace: join(config.BERTH_DATA_DIR, 'volumes', uuid, 'workspace'),
    client: await connect(),
    connect,
    async stop() {
      for (const pool of pools) await pool.close();
      await runtime.destroyPod(uuid);
      await runtime.close();
      remove();
    },
  };
}
