import { setTimeout as delay } from 'node:timers/promises';
import path from 'node:path';
import { NativeConnection, Worker, type WorkerOptions } from '@temporalio/worker';
import { taskQueues } from '#shared/domain/queues.ts';
import { createRuntimeActivities, createWatchActivities } from '#activities/createActivities.ts';
import type { ActivityDeps } from '#activities/session/deps.ts';
import { bundleWorkflows } from '#workers/bundle.ts';
import { createDispatcher } from '#workers/dispatcher.ts';
import { readRoles, type WorkerRole } from '#workers/roles.ts';

/** What the workers of a process work with. */
export interface WorkerDeps extends Omit<ActivityDeps, 'runtime' | 'agentPool'> {
  /** Where sessions run, and their agents. Null in a process of the orchestration role alone, which needs no right there. */
  runtime: ActivityDeps['runtime'] | null;
  agentPool: ActivityDeps['agentPool'] | null;
  /** Where the workflows' bundle is kept; the data folder when not given. */
  bundleFolder?: string;
}

/** The workers of a process. */
export interface Workers {
  /** Resolves after `shutdown`; rejects when a worker dies. */
  run(): Promise<void>;
  /** True while every role takes work. */
  working(): boolean;
  /** Takes no more work, and resolves once what runs has ended or was given back. */
  shutdown(): Promise<void>;
}

const FIRST_RETRY_MS = 200;
const LAST_RETRY_MS = 5_000;
/** How long, in milliseconds, running activities may go on after a shutdown was asked for. */
const SHUTDOWN_GRACE_MS = 2_000;
const SHUTDOWN_FORCE_MS = 8_000;

/** Makes the workers of the configured roles. Nothing runs, and nothing is connected, before `run`. */
export function createWorkers(deps: WorkerDeps): Workers {
  const stopping = new AbortController();
  let workers: Worker[] = [];
  let running: Promise<void> | null = null;

  async function run(): Promise<void> {
    const connection = await connect(deps, stopping.signal);
    if (connection === null) return;
    const dispatcher = readRoles(deps.config).has('orchestration') ? createDispatcher(deps) : null;
    try {
      workers = await makeWorkers(deps, connection);
      const runs = workers.map((worker) => runOne(worker));
      // A worker that was made must run before it can end: until then it holds the connection.
      if (stopping.signal.aborted) stopAll();
      else dispatcher?.start();
      await Promise.all(runs);
    } finally {
      await dispatcher?.stop();
      await connection.close();
    }
  }

  /** A worker that ends takes the others with it: a process that lives has all its roles. */
  async function runOne(worker: Worker): Promise<void> {
    try {
      await worker.run();
    } finally {
      stopAll();
    }
  }

  function stopAll(): void {
    stopping.abort();
    for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
  }

  return {
    run() {
      running ??= run();
      return running;
    },
    working: () => workers.length > 0 && workers.every((worker) => worker.getState() === 'RUNNING'),
    async shutdown() {
      stopAll();
      // Whoever called `run` is told of a failure; here only the end counts.
      await running?.catch(() => undefined);
    },
  };
}

/** Connects, waiting for the server as long as it takes. Null when a shutdown came first. */
async function connect(deps: WorkerDeps, stopping: AbortSignal): Promise<NativeConnection | null> {
  for (let retryMs = FIRST_RETRY_MS; !stopping.aborted; retryMs = Math.min(retryMs * 2, LAST_RETRY_MS)) {
    try {
      return await NativeConnection.connect({ address: deps.config.TEMPORAL_ADDRESS });
    } catch (error) {
      deps.log.warn({ err: error }, 'Temporal does not answer; trying again');
      // Rejects when a shutdown comes: the loop's condition sees it.
      await delay(retryMs, undefined, { signal: stopping }).catch(() => undefined);
    }
  }
  return null;
}

async function makeWorkers(deps: WorkerDeps, connection: NativeConnection): Promise<Worker[]> {
  const options = roleOptions(deps);
  const made = [];
  for (const role of readRoles(deps.config)) {
    made.push(
      await Worker.create({
        connection,
        namespace: deps.config.TEMPORAL_NAMESPACE,
        taskQueue: taskQueues(deps.config.TEMPORAL_TASK_QUEUE_PREFIX)[role],
        // The default lets a cancellation wait for up to a minute.
        maxHeartbeatThrottleInterval: '5s',
        shutdownGraceTime: SHUTDOWN_GRACE_MS,
        shutdownForceTime: SHUTDOWN_FORCE_MS,
        ...(await options[role]()),
      }),
    );
  }
  return made;
}

function roleOptions(deps: WorkerDeps): Record<WorkerRole, () => Promise<Partial<WorkerOptions>>> {
  const bundleFolder = deps.bundleFolder ?? path.join(deps.config.BERTH_DATA_DIR, 'bundles');
  return {
    orchestration: async () => ({
      workflowBundle: { codePath: await bundleWorkflows(bundleFolder) },
      maxCachedWorkflows: 500,
    }),
    runtime: async () => ({
      activities: { ...createRuntimeActivities(activityDeps(deps)) },
      maxConcurrentActivityTaskExecutions: 50,
      // Steps of opening are cancelled by a close: a person waits for it.
      maxHeartbeatThrottleInterval: '1s',
    }),
    watch: async () => ({
      activities: { ...createWatchActivities(activityDeps(deps)) },
      maxConcurrentActivityTaskExecutions: deps.config.BERTH_WATCH_SLOTS,
    }),
  };
}

function activityDeps(deps: WorkerDeps): ActivityDeps {
  const { runtime, agentPool } = deps;
  if (runtime === null || agentPool === null) throw new Error('Activities need a runtime and its agents.');
  return { ...deps, runtime, agentPool };
}
