import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync, rmSync } from 'node:fs';
import { Connection } from '@temporalio/client';
import { SEARCH_ATTRIBUTES } from '#shared/domain/queues.ts';
import { freePort } from '#cli/embedded/freePort.ts';
import { endProcess, writeProcessRecord } from '#cli/embedded/processRecord.ts';

const START_DEADLINE_MS = 60_000;
/**
 * How often in a second the server looks for what it has to hand to workers. Its own 20 is meant for each of hundreds of
 * shards; this one has a single shard, so every step of every workflow would wait up to 50 ms, twice.
 */
const LOOKS_PER_SECOND = 1_000;
const TYPE_NAMES = { KEYWORD: 'Keyword', DATETIME: 'Datetime', BOOL: 'Bool' } as const;

/** What a Temporal dev server is started with. */
export interface TemporalOptions {
  /** The Temporal CLI (see findTemporalCli). */
  program: string;
  /** The database file; null keeps everything in memory. */
  databaseFile: string | null;
  /** Whether the web interface is served. */
  ui: boolean;
  /** The port that is wanted; any other free one when it is taken. */
  port?: number;
  logFile: string;
  /** Where its pid and start time are kept for the next start. */
  pidFile: string;
}

/** A running Temporal dev server of our own. */
export interface EmbeddedTemporal {
  readonly child: ChildProcess;
  readonly address: string;
  /** The address of the web interface; empty without one. */
  readonly uiUrl: string;
  /** Ends it. Resolves when the process is gone. */
  stop(): Promise<void>;
}

/** Starts the dev server on free ports of 127.0.0.1 with Berth's search attributes. Resolves when its namespace answers. */
export async function startTemporal(options: TemporalOptions): Promise<EmbeddedTemporal> {
  const port = await freePort(options.port ?? (options.ui ? 7_233 : 0));
  const uiPort = options.ui ? await freePort(8_233) : 0;
  const child = launch(options, port, uiPort);
  if (child.pid === undefined) throw new Error(`The Temporal CLI ${options.program} cannot be run.`);
  const record = writeProcessRecord(options.pidFile, child.pid);
  const address = `127.0.0.1:${String(port)}`;
  await waitUntilReady(address, child, options.logFile);
  return {
    child,
    address,
    uiUrl: options.ui ? `http://127.0.0.1:${String(uiPort)}` : '',
    async stop() {
      await endProcess(record, 'SIGTERM', 10_000);
      rmSync(options.pidFile, { force: true });
    },
  };
}

function launch(options: TemporalOptions, port: number, uiPort: number): ChildProcess {
  const attributes = Object.entries(SEARCH_ATTRIBUTES).map(([name, kind]) => `${name}=${TYPE_NAMES[kind]}`);
  const log = openSync(options.logFile, 'a', 0o600);
  const child = spawn(
    options.program,
    [
      ...['server', 'start-dev', '--ip', '127.0.0.1', '--port', String(port), '--log-level', 'warn'],
      ...(options.ui ? ['--ui-ip', '127.0.0.1', '--ui-port', String(uiPort)] : ['--headless']),
      ...(options.databaseFile === null ? [] : ['--db-filename', options.databaseFile]),
      ...attributes.flatMap((attribute) => ['--search-attribute', attribute]),
      ...['--dynamic-config-value', `history.transferProcessorMaxPollRPS=${String(LOOKS_PER_SECOND)}`],
    ],
    // Detached: Ctrl-C reaches the whole group of the terminal, and workers end in order only while Temporal answers.
    { detached: true, stdio: ['ignore', log, log] },
  );
  closeSync(log);
  return child;
}

async function waitUntilReady(address: string, child: ChildProcess, logFile: string): Promise<void> {
  let failure: unknown = null;
  child.once('error', (error) => (failure = error));
  const connection = Connection.lazy({ address });
  try {
    for (const deadline = Date.now() + START_DEADLINE_MS; ;) {
      const refused = await describeError(connection);
      if (refused === null) return;
      if (failure !== null || child.exitCode !== null || child.signalCode !== null || Date.now() > deadline) {
        throw new Error(`The Temporal dev server did not start. Its messages: ${logFile}`, {
          cause: failure ?? refused,
        });
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  } finally {
    await connection.close();
  }
}

async function describeError(connection: Connection): Promise<unknown> {
  try {
    await connection.withDeadline(Date.now() + 2_000, () =>
      connection.workflowService.describeNamespace({ namespace: 'default' }),
    );
    return null;
  } catch (error) {
    return error;
  }
}
