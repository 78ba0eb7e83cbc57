import { readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { startPostgres, type EmbeddedPostgres } from '#cli/embedded/postgres.ts';
import {
  endRecorded,
  isRunning,
  processStartTime,
  readProcessRecord,
  writeProcessRecord,
} from '#cli/embedded/processRecord.ts';
import { reachableDataFolder } from '#cli/embedded/postgresFolder.ts';
import { startTemporal, type EmbeddedTemporal } from '#cli/embedded/temporal.ts';
import { findTemporalCli } from '#cli/embedded/temporalCli.ts';
import { createDatabase } from '#platform/db/database.ts';
import { migrate } from '#platform/db/migrate.ts';

const PREFIX = 'berth-test-';

/** The database that every test database is a clone of. */
export const TEMPLATE_DATABASE = 'berth_template';

/** The servers of one test run. */
export interface TestServers {
  postgresUrl: string;
  temporalAddress: string;
  stop(): Promise<void>;
}

/** Starts one PostgreSQL with a migrated template and one Temporal server, in a folder of its own, and removes what killed runs left. */
export async function startTestServers(): Promise<TestServers> {
  await removeLeftovers();
  const folder = reachableDataFolder(path.join(tmpdir(), `${PREFIX}${String(process.pid)}`));
  writeProcessRecord(path.join(folder, 'owner.pid'), process.pid);
  const [postgres, temporal] = await Promise.all([startTestPostgres(folder), startTestTemporal(folder)]).catch(
    async (error: unknown) => {
      await endServers(folder);
      throw error;
    },
  );
  return {
    postgresUrl: postgres.url('postgres'),
    temporalAddress: temporal.address,
    async stop() {
      await Promise.all([postgres.stop(), temporal.stop()]);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function startTestPostgres(folder: string): Promise<EmbeddedPostgres> {
  const postgres = await startPostgres({
    folder: path.join(folder, 'postgres'),
    logFile: path.join(folder, 'postgres.log'),
    pidFile: path.join(folder, 'postgres.pid'),
    durable: false,
  });
  await postgres.ensureDatabase(TEMPLATE_DATABASE);
  const database = createDatabase({ DATABASE_URL: postgres.url(TEMPLATE_DATABASE), DATABASE_POOL_MAX: 4 });
  await migrate(database);
  await database.close();
  return postgres;
}

async function startTestTemporal(folder: string): Promise<EmbeddedTemporal> {
  const binFolder = fileURLToPath(new URL('../../.berth/bin', import.meta.url));
  const cli = await findTemporalCli(binFolder, () => undefined);
  return startTemporal({
    program: cli.program,
    databaseFile: null,
    ui: false,
    logFile: path.join(folder, 'temporal.log'),
    pidFile: path.join(folder, 'temporal.pid'),
  });
}

/** Another run that is going on keeps its servers: only folders whose owner has ended are swept. */
async function removeLeftovers(): Promise<void> {
  for (const name of readdirSync(tmpdir()).filter((entry) => /^berth-test-\d+$/.test(entry))) {
    const folder = path.join(tmpdir(), name);
    const owner = readProcessRecord(path.join(folder, 'owner.pid'));
    if (owner !== null && isRunning(owner)) continue;
    // A run that has only just made its folder has not written there yet who it is.
    if (owner === null && processStartTime(Number(name.slice(PREFIX.length))) !== null) continue;
    await endServers(folder);
  }
}

async function endServers(folder: string): Promise<void> {
  await endRecorded(path.join(folder, 'postgres.pid'), 'SIGQUIT');
  await endRecorded(path.join(folder, 'temporal.pid'), 'SIGKILL');
  rmSync(folder, { recursive: true, force: true });
}
