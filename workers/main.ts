import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import { createAgentPool } from '#platform/agent/agentPool.ts';
import { loadConfig } from '#platform/config/config.ts';
import { createDatabase } from '#platform/db/database.ts';
import { createEventListener } from '#platform/events/createEventListener.ts';
import { createShutdown, endOnSignals } from '#platform/lifecycle/shutdown.ts';
import { createLog } from '#platform/observability/log.ts';
import { findInstallationId } from '#platform/db/repositories/installation.ts';
import { createRuntime } from '#platform/runtime/createRuntime.ts';
import { createTemporal, type Temporal } from '#platform/temporal/client.ts';
import { ensureSchedules } from '#platform/temporal/ensureSchedules.ts';
import { registerSearchAttributes } from '#platform/temporal/registerSearchAttributes.ts';
import type { Config } from '#platform/config/config.ts';
import { createWorkers } from '#workers/createWorkers.ts';
import { serveHealth } from '#workers/health.ts';
import { readRoles } from '#workers/roles.ts';
import { installWorkerLog } from '#workers/workerLog.ts';

/** Longer than the workers' own grace, shorter than the supervisor's patience. */
const SHUTDOWN_DEADLINE_MS = 15_000;
const PREPARE_RETRY_MS = 1_000;

const config = loadConfig(process.env);
const log = createLog(config, 'worker');
installWorkerLog(log);
const shutdown = createShutdown(log, SHUTDOWN_DEADLINE_MS);
endOnSignals(shutdown);

const database = createDatabase(config);
const temporal = createTemporal(config);
const events = createEventListener({ config, database, log });
const roles = readRoles(config);
// Workflows alone touch no session: such a process may have no right, and no way, to where sessions run.
const runtime =
  roles.has('runtime') || roles.has('watch')
    ? await createRuntime({ config, log, installationId: () => findInstallationId(database) })
    : null;
const agentPool = runtime && createAgentPool({ runtime, secret: config.BERTH_SECRET, log });
const workers = createWorkers({ config, database, temporal, events, runtime, agentPool, log });
shutdown.at('drain', 'workers', () => workers.shutdown());
if (config.BERTH_WORKER_HEALTH_PORT > 0) {
  const health = await serveHealth({ host: config.BERTH_HOST, port: config.BERTH_WORKER_HEALTH_PORT, workers });
  shutdown.at('stores', 'health', () => health.close());
}
shutdown.at('stores', 'agents', () => agentPool?.close());
shutdown.at('stores', 'runtime', () => runtime?.close());
shutdown.at('stores', 'events', () => events.close());
shutdown.at('stores', 'temporal', () => temporal.close());
shutdown.at('stores', 'database', () => database.close());

try {
  await prepareTemporal({ temporal, config, log });
  log.info({ roles: config.BERTH_WORKER_ROLES }, 'working');
  await workers.run();
} catch (error) {
  // The supervisor starts the process anew; a worker that limps on would look healthy and do nothing.
  log.fatal({ err: error }, 'a worker died');
  await shutdown.run('a worker died');
  process.exit(1);
}

/** Registers what the workflows need at the server, waiting for it as long as it takes. */
async function prepareTemporal(deps: { temporal: Temporal; config: Config; log: Logger }): Promise<void> {
  for (;;) {
    try {
      await deps.temporal.within(10_000, async () => {
        await registerSearchAttributes(deps.temporal, deps.config.TEMPORAL_NAMESPACE);
        await ensureSchedules(deps.temporal, deps.config);
      });
      return;
    } catch (error) {
      deps.log.warn({ err: error }, 'Temporal cannot be prepared; trying again');
      await delay(PREPARE_RETRY_MS);
    }
  }
}
