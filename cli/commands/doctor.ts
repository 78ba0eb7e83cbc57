import { existsSync } from 'node:fs';
import path from 'node:path';
import { loadConfig, type Config } from '#platform/config/config.ts';
import { createDatabase } from '#platform/db/database.ts';
import { pendingMigrations } from '#platform/db/migrate.ts';
import { createTemporal } from '#platform/temporal/client.ts';
import { lookAtCluster } from '#cli/commands/clusterCheck.ts';
import { isolationState } from '#cli/embedded/isolation.ts';
import { PROJECT_ROOT } from '#cli/embedded/startSettings.ts';
import { findTemporalCli } from '#cli/embedded/temporalCli.ts';

/** Longer than a health check waits: a process that has just begun has to load, connect and shake hands first. */
const TEMPORAL_ANSWERS_MS = 10_000;

/** A thing that Berth needs: resolves with how it is, rejects with what is wrong. */
interface Check {
  name: string;
  look(): Promise<string>;
}

/** `berth doctor`: looks at everything that Berth needs and says what is wrong. Rejects when something is. */
export async function doctor(log: (message: string) => void): Promise<void> {
  let failures = 0;
  for (const { name, look } of checks(process.env)) {
    try {
      log(`ok    ${name}: ${await look()}`);
    } catch (error) {
      failures += 1;
      log(`FAIL  ${name}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  if (failures > 0) throw new Error(`${String(failures)} of the checks failed.`);
}

function checks(environment: Record<string, string | undefined>): Check[] {
  const hasDatabase = Boolean(environment['DATABASE_URL']);
  const hasTemporal = Boolean(environment['TEMPORAL_ADDRESS']);
  // Without addresses the embedded servers are used; a placeholder lets the rest of the configuration be checked.
  const config = (): Config =>
    loadConfig({ DATABASE_URL: 'postgres://localhost/embedded', BERTH_SECRET: '-'.repeat(32), ...environment });
  return [
    { name: 'Node', look: async () => process.version },
    { name: 'configuration', look: async () => (config(), 'every value is valid') },
    { name: 'the agent', look: async () => builtFile('agent/dist/agent.mjs') },
    { name: 'the web pages', look: async () => builtFile('web/dist/index.html') },
    { name: 'isolation of sessions', look: async () => describeIsolation(config()) },
    ...(environment['BERTH_RUNTIME'] === 'kubernetes'
      ? [{ name: 'the cluster', look: async () => lookAtCluster({ config: config(), environment }) }]
      : []),
    { name: 'PostgreSQL', look: async () => (hasDatabase ? lookAtDatabase(config()) : 'embedded') },
    { name: 'Temporal', look: async () => (hasTemporal ? lookAtTemporal(config()) : embeddedTemporal()) },
  ];
}

async function builtFile(file: string): Promise<string> {
  if (!existsSync(path.join(PROJECT_ROOT, file))) throw new Error(`${file} is not built; npm start builds it`);
  return file;
}

async function describeIsolation(config: Config): Promise<string> {
  const { text, warning } = await isolationState(config);
  if (warning) throw new Error(warning);
  return text;
}

async function lookAtDatabase(config: Config): Promise<string> {
  const database = createDatabase(config);
  try {
    const [row] = await database.query<{ version: string }>(`SELECT current_setting('server_version') AS version`);
    const pending = await pendingMigrations(database);
    if (pending.length > 0) throw new Error(`${String(pending.length)} migrations are missing: run berth migrate`);
    return `answers, version ${row?.version ?? 'unknown'}, migrated`;
  } finally {
    await database.close();
  }
}

async function lookAtTemporal(config: Config): Promise<string> {
  const temporal = createTemporal(config);
  try {
    if (!(await temporal.healthy(TEMPORAL_ANSWERS_MS))) throw new Error(`${config.TEMPORAL_ADDRESS} does not answer`);
    return `${config.TEMPORAL_ADDRESS} answers`;
  } finally {
    await temporal.close();
  }
}

async function embeddedTemporal(): Promise<string> {
  const { program, way } = await findTemporalCli(path.join(PROJECT_ROOT, '.berth', 'bin'), () => undefined);
  return `embedded, ${program} (${way})`;
}
