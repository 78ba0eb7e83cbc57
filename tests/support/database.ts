import { randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import pg from 'pg';
import { loadConfig, type Config } from '#platform/config/config.ts';
import { createDatabase, type Database } from '#platform/db/database.ts';
import { TEMPLATE_DATABASE } from '#tests/support/servers.ts';

/** A database and a configuration of a test file's own. */
export interface TestDatabase {
  database: Database;
  /** Points at this database, the run's Temporal server, fresh task queues, port 0 and an empty data folder. */
  config: Config;
  /** Closes and removes it all. */
  drop(): Promise<void>;
}

/** Clones the migrated template. `settings` are environment variables that replace the defaults of tests. */
export async function createTestDatabase(settings: Record<string, string> = {}): Promise<TestDatabase> {
  const name = `test_${randomBytes(8).toString('hex')}`;
  await administer(`CREATE DATABASE ${name} TEMPLATE ${TEMPLATE_DATABASE} STRATEGY wal_log`);
  const config = testConfig({ DATABASE_URL: databaseUrl(name), ...settings });
  const database = createDatabase(config);
  return {
    database,
    config,
    async drop() {
      await database.close();
      await administer(`DROP DATABASE ${name} WITH (FORCE)`);
      // A pod that ends in this moment may still leave a file.
      rmSync(config.BERTH_DATA_DIR, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

function testConfig(settings: Record<string, string>): Config {
  // Short, for the sockets of agents: a Unix socket's path has 107 bytes.
  const dataFolder = mkdtempSync(path.join(tmpdir(), 'berth-'));
  // Sessions run as another user when the tests run as root, and have to get to their folder.
  chmodSync(dataFolder, 0o755);
  return loadConfig({
    BERTH_SECRET: randomBytes(32).toString('hex'),
    BERTH_DATA_DIR: dataFolder,
    BERTH_PORT: '0',
    BERTH_METRICS_PORT: '0',
    BERTH_LOG_LEVEL: process.env['BERTH_LOG_LEVEL'] ?? 'silent',
    TEMPORAL_ADDRESS: serverAddress('BERTH_TEST_TEMPORAL_ADDRESS'),
    // A test's one reviewer holds what it needs; the limits have tests of their own.
    REVIEW_CLAIMS_LEVEL_1: '1000',
    REVIEW_CLAIMS_LEVEL_2: '1000',
    REVIEW_CLAIMS_LEVEL_3: '1000',
    TEMPORAL_TASK_QUEUE_PREFIX: `test-${randomBytes(6).toString('hex')}`,
    ...settings,
  });
}

function databaseUrl(name: string): string {
  const url = new URL(serverAddress('BERTH_TEST_POSTGRES_URL'));
  url.pathname = `/${name}`;
  return url.href;
}

async function administer(statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: serverAddress('BERTH_TEST_POSTGRES_URL') });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}

function serverAddress(variable: string): string {
  const value = process.env[variable];
  if (value === undefined) throw new Error(`${variable} is not set: run the test in jest's integration project.`);
  return value;
}
