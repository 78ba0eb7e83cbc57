import { execFile, execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, existsSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { freePort } from '#cli/embedded/freePort.ts';
import { emptyDataFolder, giveTo, preparePostgresFolder, type PostgresFolder } from '#cli/embedded/postgresFolder.ts';
import { endProcess, processStartTime, writeProcessRecord, type ProcessRecord } from '#cli/embedded/processRecord.ts';

const START_DEADLINE_MS = 60_000;
const RELAUNCH_FOR_MS = 20_000;

/** What an embedded PostgreSQL is started with. */
export interface PostgresOptions {
  /** The data folder; an unprivileged user has to be able to get there (see reachableDataFolder). */
  folder: string;
  /** Where its messages go. */
  logFile: string;
  /** Where its pid and start time are kept for the next start. */
  pidFile: string;
  /** False only for databases that are thrown away: nothing is flushed, a power cut loses all. */
  durable: boolean;
}

/** A running PostgreSQL of our own. */
export interface EmbeddedPostgres {
  readonly child: ChildProcess;
  readonly folder: PostgresFolder;
  /** The address of a database on it, with its password. */
  url(database: string): string;
  /** Makes the database if it is not there. */
  ensureDatabase(database: string): Promise<void>;
  /** Ends it by a fast shutdown. Resolves when the process is gone. */
  stop(): Promise<void>;
}

/**
 * Starts PostgreSQL on a free port of 127.0.0.1, making its data folder at first. Resolves when it answers. Each launch
 * asks `choosePort` anew: another program may take a port before PostgreSQL has it.
 */
export async function startPostgres(
  options: PostgresOptions,
  choosePort: () => Promise<number> = freePort,
): Promise<EmbeddedPostgres> {
  const folder = preparePostgresFolder(options.folder);
  const password = await initialise(folder, options.durable);
  await endOrphan(folder);
  const urlOn = (port: number, database: string): string =>
    `postgres://berth:${password}@127.0.0.1:${String(port)}/${encodeURIComponent(database)}`;
  const { child, record, port } = await launchUntilReady(options, async () => {
    const chosen = await choosePort();
    return { child: launch(folder, chosen, options), port: chosen, url: urlOn(chosen, 'postgres') };
  });
  const url = (database: string): string => urlOn(port, database);
  return {
    child,
    folder,
    url,
    ensureDatabase: (database) => ensureDatabase(url('postgres'), database),
    async stop() {
      await endProcess(record, 'SIGINT', 20_000);
      rmSync(options.pidFile, { force: true });
    },
  };
}

/** Makes the cluster once; resolves with its password. The password's file is written last and marks the cluster as whole. */
async function initialise(folder: PostgresFolder, durable: boolean): Promise<string> {
  const passwordFile = `${folder.data}.password`;
  if (existsSync(passwordFile) && existsSync(path.join(folder.data, 'PG_VERSION'))) {
    return readFileSync(passwordFile, 'utf8').trim();
  }
  const password = randomBytes(24).toString('hex');
  const input = `${passwordFile}.new`;
  writeFileSync(input, password, { mode: 0o600 });
  giveTo(folder, input);
  // initdb refuses the remains of an initdb that was killed.
  emptyDataFolder(folder);
  await promisify(execFile)(
    path.join(folder.programs, 'bin', 'initdb'),
    [
      ...['-D', folder.data, '-U', 'berth', '-A', 'scram-sha-256', '--pwfile', input, '-E', 'UTF8'],
      // The builtin provider needs no locale of the system, and no upgrade of one changes its order.
      ...['--locale-provider=builtin', '--builtin-locale=C.UTF-8', '--locale=C'],
      ...(durable ? [] : ['--no-sync']),
    ],
    { ...folder.user, cwd: '/' },
  );
  renameSync(input, passwordFile);
  return password;
}

/** A server that an earlier start left on this folder is ended; two on one folder would destroy it. */
async function endOrphan(folder: PostgresFolder): Promise<void> {
  const lock = path.join(folder.data, 'postmaster.pid');
  if (!existsSync(lock)) return;
  const pid = Number(readFileSync(lock, 'utf8').split('\n')[0]);
  const startedAt = processStartTime(pid);
  // The pid may belong to somebody else by now: only a process whose arguments name this folder is ours.
  if (startedAt !== null && commandOf(pid).includes(folder.data)) {
    await endProcess({ pid, startedAt }, 'SIGINT', 15_000);
  }
}

function commandOf(pid: number): string {
  return process.platform === 'linux'
    ? readFileSync(`/proc/${String(pid)}/cmdline`, 'utf8')
    : execFileSync('ps', ['-o', 'args=', '-p', String(pid)], { encoding: 'utf8' });
}

function launch(folder: PostgresFolder, port: number, options: PostgresOptions): ChildProcess {
  const settings = {
    port: String(port),
    listen_addresses: '127.0.0.1',
    // No socket in a folder that all can write to: everything goes by 127.0.0.1 and the password.
    unix_socket_directories: '',
    max_connections: '200',
    temp_file_limit: '2GB',
    timezone: 'UTC',
    log_timezone: 'UTC',
    ...(options.durable ? {} : { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' }),
  };
  const log = openSync(options.logFile, 'a', 0o600);
  const child = spawn(
    path.join(folder.programs, 'bin', 'postgres'),
    ['-D', folder.data, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
    // Detached: Ctrl-C reaches the whole group of the terminal, and the database has to be the last to go.
    { ...folder.user, cwd: '/', detached: true, stdio: ['ignore', log, log] },
  );
  closeSync(log);
  return child;
}

/**
 * After a kill -9 of the server its last backends end a moment later, and until then PostgreSQL refuses the folder. So one
 * that ends at once is launched again for a while.
 */
async function launchUntilReady(
  options: PostgresOptions,
  launchOne: () => Promise<{ child: ChildProcess; port: number; url: string }>,
): Promise<{ child: ChildProcess; record: ProcessRecord; port: number }> {
  const startedAt = Date.now();
  for (;;) {
    const { child, port, url } = await launchOne();
    // A program that cannot be started has no pid; the event would end our process.
    child.once('error', () => undefined);
    if (child.pid === undefined) throw new Error(`PostgreSQL cannot be started: ${child.spawnfile}`);
    const record = writeProcessRecord(options.pidFile, child.pid);
    const refused = await waitUntilReady(url, child);
    if (refused === null) return { child, record, port };
    if (child.exitCode === null || Date.now() - startedAt > RELAUNCH_FOR_MS) {
      await endProcess(record, 'SIGINT', 10_000);
      throw new Error(`PostgreSQL did not start (${refused.message}). Its messages: ${options.logFile}`, {
        cause: refused,
      });
    }
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

/** Resolves with null once it answers; with the last refusal when the process has ended, or the deadline has passed. */
async function waitUntilReady(url: string, child: ChildProcess): Promise<Error | null> {
  for (const deadline = Date.now() + START_DEADLINE_MS; ;) {
    const refused = await connectError(url);
    if (refused === null) return null;
    if (child.exitCode !== null || child.signalCode !== null || Date.now() > deadline) return refused;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function connectError(url: string): Promise<Error | null> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  // A server that goes away is told by the query below; without a listener the process would end.
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query('SELECT 1');
    return null;
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  } finally {
    await client.end();
  }
}

async function ensureDatabase(adminUrl: string, database: string): Promise<void> {
  const client = new pg.Client({ connectionString: adminUrl });
  await client.connect();
  try {
    const { rowCount } = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [database]);
    if (rowCount === 0) await client.query(`CREATE DATABASE ${client.escapeIdentifier(database)}`);
  } finally {
    await client.end();
  }
}
