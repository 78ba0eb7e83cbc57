import path from 'node:path';
import { loadConfig, type Config } from '#platform/config/config.ts';
import { createDatabase, type Database } from '#platform/db/database.ts';
import { migrate } from '#platform/db/migrate.ts';
import { startPostgres } from '#cli/embedded/postgres.ts';
import { endRecorded } from '#cli/embedded/processRecord.ts';
import { programArguments } from '#cli/embedded/programs.ts';
import { claimSingleStart } from '#cli/embedded/singleStart.ts';
import {
  completeEnvironment,
  operatorCode,
  prepareFolders,
  PROJECT_ROOT,
  type Environment,
  type StartFolders,
} from '#cli/embedded/startSettings.ts';
import { endSessionPods } from '#cli/embedded/sessionPods.ts';
import { supervise } from '#cli/embedded/supervisor.ts';
import { startTemporal } from '#cli/embedded/temporal.ts';
import { findTemporalCli } from '#cli/embedded/temporalCli.ts';
import { welcome } from '#cli/embedded/welcome.ts';

const READY_DEADLINE_MS = 60_000;

/** What runs, in the order of stopping: the last started ends first. */
type Stops = (() => Promise<void> | void)[];
type Log = (message: string) => void;

/**
 * `berth start`: everything that has no address of its own given is started here, and stopped again at Ctrl-C. Resolves
 * when it was stopped; rejects when the start fails, with everything ended that had been started.
 */
export async function start(log: Log): Promise<void> {
  const stops: Stops = [];
  const interrupted = interruption();
  try {
    await Promise.race([startAll(stops, log), interrupted.promise]);
    await interrupted.promise;
    log('Stopping. Files of open sessions are kept; their shells end.');
  } finally {
    for (const stop of stops.reverse()) await stop();
    interrupted.forget();
  }
  log('Berth has stopped.');
}

async function startAll(stops: Stops, log: Log): Promise<void> {
  const folders = prepareFolders(process.env);
  stops.push(claimSingleStart(folders.run));
  await endLeftovers(folders, log);
  const given = await completeEnvironment(process.env, folders);
  const environment = { ...given, ...(await startServers({ given, folders, stops, log })) };
  const config = loadConfig(environment);
  const firstAccount = await prepareDatabase(config);
  const code = operatorCode(config, firstAccount);
  stops.push(() => endSessionPods(config));
  for (const name of ['worker', 'api'] as const) {
    const supervisor = supervise({
      name,
      args: programArguments(name),
      environment: { ...environment, BERTH_OPERATOR_CODE: code },
      ...filesOf(name, folders),
      log,
    });
    stops.push(() => supervisor.stop());
  }
  await waitUntilReady(config, filesOf('api', folders).logFile);
  log(await welcome({ config, operatorCode: code, firstAccount, logFolder: folders.logs }));
}

function filesOf(name: string, folders: StartFolders): { logFile: string; pidFile: string } {
  return { logFile: path.join(folders.logs, `${name}.log`), pidFile: path.join(folders.run, `${name}.pid`) };
}

/** What a start that was killed left running: writers first, then the servers that they write to. */
async function endLeftovers(folders: StartFolders, log: Log): Promise<void> {
  for (const name of ['api', 'worker', 'temporal', 'postgres']) {
    const signal = name === 'postgres' ? 'SIGINT' : 'SIGTERM';
    const ended = await endRecorded(filesOf(name, folders).pidFile, signal);
    if (ended) log(`Ended ${name} of a start that was killed.`);
  }
}

interface ServerOptions {
  given: Environment;
  folders: StartFolders;
  stops: Stops;
  log: Log;
}

/** Starts the servers that no address is given of; resolves with their addresses as environment. */
async function startServers(options: ServerOptions): Promise<Environment> {
  // Both are awaited whatever happens, so that one is stopped when the other fails.
  const started = await Promise.allSettled([
    options.given['DATABASE_URL'] ? {} : startOwnPostgres(options),
    options.given['TEMPORAL_ADDRESS'] ? {} : startOwnTemporal(options),
  ]);
  for (const one of started) if (one.status === 'rejected') throw one.reason;
  return Object.assign({}, ...started.map((one) => (one.status === 'fulfilled' ? one.value : {}))) as Environment;
}

async function startOwnPostgres({ folders, stops }: ServerOptions): Promise<Environment> {
  const folder = path.join(folders.data, 'postgres');
  const postgres = await startPostgres({ folder, durable: true, ...filesOf('postgres', folders) });
  stops.push(() => postgres.stop());
  await postgres.ensureDatabase('berth');
  return { DATABASE_URL: postgres.url('berth') };
}

async function startOwnTemporal({ folders, stops, log }: ServerOptions): Promise<Environment> {
  const { program } = await findTemporalCli(path.join(PROJECT_ROOT, '.berth', 'bin'), log);
  const databaseFile = path.join(folders.data, 'temporal.db');
  const temporal = await startTemporal({ program, databaseFile, ui: true, ...filesOf('temporal', folders) });
  stops.push(() => temporal.stop());
  return { TEMPORAL_ADDRESS: temporal.address, TEMPORAL_UI_URL: temporal.uiUrl };
}

/** Migrates; true when nobody has registered yet. */
async function prepareDatabase(config: Config): Promise<boolean> {
  const database: Database = createDatabase(config);
  try {
    await migrate(database);
    const rows = await database.query('SELECT 1 FROM users LIMIT 1');
    return rows.length === 0;
  } finally {
    await database.close();
  }
}

async function waitUntilReady(config: Config, logFile: string): Promise<void> {
  const address = `http://${config.BERTH_HOST === '0.0.0.0' ? '127.0.0.1' : config.BERTH_HOST}:${String(config.BERTH_PORT)}/readyz`;
  for (const deadline = Date.now() + READY_DEADLINE_MS; ;) {
    try {
      const answer = await fetch(address, { signal: AbortSignal.timeout(2_000) });
      if (answer.ok) return;
    } catch {
      // Not listening yet; the deadline below ends the waiting.
    }
    if (Date.now() > deadline) {
      throw new Error(`The api does not answer on ${address}. Its log: ${logFile}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Resolves at Ctrl-C, or when the system or the terminal ends us. A second Ctrl-C does not cut the ordered stop short. */
function interruption(): { promise: Promise<void>; forget(): void } {
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  let interrupt = (): void => undefined;
  const promise = new Promise<void>((resolve) => (interrupt = resolve));
  for (const signal of signals) process.on(signal, interrupt);
  return { promise, forget: () => signals.forEach((signal) => process.off(signal, interrupt)) };
}
