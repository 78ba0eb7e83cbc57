import type { Config } from '#platform/config/config.ts';
import type { Database } from '#platform/db/database.ts';
import { createLog } from '#platform/observability/log.ts';
import { findInstallationId } from '#platform/db/repositories/installation.ts';
import { createRuntime } from '#platform/runtime/createRuntime.ts';
import { freePort } from '#cli/embedded/freePort.ts';
import { programArguments } from '#cli/embedded/programs.ts';
import { runProgram, type RunningProgram } from '#tests/support/childProcess.ts';
import { createTestDatabase } from '#tests/support/database.ts';
import { waitFor } from '#tests/support/waitFor.ts';

/** A process of Berth that a test may kill and start again. */
export interface StackProcess {
  pid(): number;
  output(): string;
  /** kill -9. */
  kill(): Promise<void>;
  start(): void;
}

/** A whole Berth: api and worker as processes of their own, on a database of their own and the run's Temporal server. */
export interface Stack {
  url: string;
  config: Config;
  database: Database;
  api: StackProcess;
  worker: StackProcess;
  /** Resolves when the api says that it is ready. */
  ready(): Promise<void>;
  /** Ends both in order, then every pod, and drops the database. */
  stop(): Promise<void>;
}

/** Starts api and worker. `settings` are environment variables that replace the defaults of tests. */
export async function startStack(settings: Record<string, string> = {}): Promise<Stack> {
  const port = await freePort();
  const url = `http://localhost:${String(port)}`;
  const { config, database, drop } = await createTestDatabase({
    BERTH_PORT: String(port),
    BERTH_PUBLIC_URL: url,
    BERTH_LOG_LEVEL: 'info',
    RATE_LIMIT_ENABLED: 'false',
    ...settings,
  });
  const environment = { ...process.env, ...asEnvironment(config) };
  const worker = restartable('worker', environment);
  const api = restartable('api', environment);
  const ready = async (): Promise<void> => {
    await waitFor(async () => (await fetch(`http://127.0.0.1:${String(port)}/readyz`)).ok, {
      deadlineMs: 60_000,
      what: 'the api to be ready',
    });
  };
  const stop = async (): Promise<void> => {
    await Promise.all([worker.end(), api.end()]);
    await destroyPods(config, database);
    await drop();
  };
  try {
    await ready();
  } catch (error) {
    const output = `${api.output()}\n${worker.output()}`;
    await stop();
    throw new Error(`Berth did not start:\n${output}`, { cause: error });
  }
  return { url, config, database, api, worker, ready, stop };
}

function restartable(
  name: 'api' | 'worker',
  environment: Record<string, string | undefined>,
): StackProcess & { end(): Promise<void> } {
  const launch = (): RunningProgram => runProgram(process.execPath, { args: programArguments(name), environment });
  let running = launch();
  return {
    pid: () => running.pid,
    output: () => running.output(),
    kill: () => running.end('SIGKILL'),
    end: () => running.end('SIGTERM'),
    start: () => void (running = launch()),
  };
}

/** What loadConfig reads back to the same settings. */
function asEnvironment(config: Config): Record<string, string> {
  return Object.fromEntries(Object.entries(config).map(([name, value]) => [name, String(value)]));
}

async function destroyPods(config: Config, database: Database): Promise<void> {
  const installationId = (): Promise<string> => findInstallationId(database);
  const runtime = await createRuntime({ config, log: createLog(config, 'test'), installationId });
  const { pods } = await runtime.list();
  await Promise.all(pods.map((pod) => runtime.destroyPod(pod.uuid)));
  await runtime.close();
}
