import { randomInt } from 'node:crypto';
import { NativeConnection, Worker } from '@temporalio/worker';
import { createReviewActivities } from '#activities/review/reviewActivities.ts';
import type { Config } from '#platform/config/config.ts';
import type { Database } from '#platform/db/database.ts';
import type { EventListener } from '#platform/events/listener.ts';
import { createLog } from '#platform/observability/log.ts';
import type { Temporal } from '#platform/temporal/client.ts';
import { registerSearchAttributes } from '#platform/temporal/registerSearchAttributes.ts';
import { taskQueues } from '#shared/domain/queues.ts';
import { bundleWorkflows } from '#workers/bundle.ts';
import { createDispatcher } from '#workers/dispatcher.ts';
import { installWorkerLog } from '#workers/workerLog.ts';
import { TEST_BUNDLES } from '#tests/support/sessionSteps.ts';

/** What a test has already. */
export interface ReviewWorkerDeps {
  config: Config;
  database: Database;
  temporal: Temporal;
  events: EventListener;
}

/** The product's own workflow bundle, review activities and dispatcher, as workers in this process. */
export interface ReviewWorkers {
  /** Stops the workers, as a crash between two tasks would: what runs is taken up by the next ones. */
  stop(): Promise<void>;
}

/** All test databases share a Temporal server, so reviews need ids, hence workflow ids, that no other file uses. */
export async function useFreshReviewIds(database: Database): Promise<void> {
  await database.query(`SELECT setval('review_requests_id_seq', $1)`, [randomInt(1_000, 2_000_000_000)]);
}

// The SDK's log is set once in a process, before its first worker.
let logInstalled = false;

/** Starts the workers of reviews on the queues of this configuration. */
export async function startReviewWorkers(deps: ReviewWorkerDeps): Promise<ReviewWorkers> {
  const { config, temporal } = deps;
  const log = createLog(config, 'worker');
  if (!logInstalled) installWorkerLog(log);
  logInstalled = true;
  await registerSearchAttributes(temporal, config.TEMPORAL_NAMESPACE);
  const connection = await NativeConnection.connect({ address: config.TEMPORAL_ADDRESS });
  const queues = taskQueues(config.TEMPORAL_TASK_QUEUE_PREFIX);
  const codePath = await bundleWorkflows(TEST_BUNDLES);
  const orchestration = await Worker.create({
    connection,
    taskQueue: queues.orchestration,
    workflowBundle: { codePath },
  });
  const runtime = await Worker.create({
    connection,
    taskQueue: queues.runtime,
    activities: { ...createReviewActivities({ ...deps, log }) },
  });
  const running = [orchestration.run(), runtime.run()];
  const dispatcher = createDispatcher({ ...deps, log });
  dispatcher.start();
  return {
    async stop() {
      await dispatcher.stop();
      orchestration.shutdown();
      runtime.shutdown();
      await Promise.all(running);
      await connection.close();
    },
  };
}
