import { createApi } from '#api/createApi.ts';
import { createAgentPool } from '#platform/agent/agentPool.ts';
import { loadConfig } from '#platform/config/config.ts';
import { createDatabase } from '#platform/db/database.ts';
import { createEventListener } from '#platform/events/createEventListener.ts';
import { createShutdown, endOnSignals } from '#platform/lifecycle/shutdown.ts';
import { createLog } from '#platform/observability/log.ts';
import { findInstallationId } from '#platform/db/repositories/installation.ts';
import { createRuntime } from '#platform/runtime/createRuntime.ts';
import { createTemporal } from '#platform/temporal/client.ts';

const SHUTDOWN_DEADLINE_MS = 15_000;

const config = loadConfig(process.env);
const log = createLog(config, 'api');
const shutdown = createShutdown(log, SHUTDOWN_DEADLINE_MS);
endOnSignals(shutdown);

const database = createDatabase(config);
shutdown.at('stores', 'database', () => database.close());
const temporal = createTemporal(config);
shutdown.at('stores', 'temporal', () => temporal.close());
const events = createEventListener({ config, database, log });
shutdown.at('drain', 'events', () => events.close());
const runtime = await createRuntime({ config, log, installationId: () => findInstallationId(database) });
shutdown.at('stores', 'runtime', () => runtime.close());
const agentPool = createAgentPool({ runtime, secret: config.BERTH_SECRET, log });
shutdown.at('drain', 'agents', () => agentPool.close());

const api = createApi({ config, database, log, temporal, agentPool, events });
shutdown.at('intake', 'api', () => api.close());
const { port, metricsPort } = await api.listen();
log.info({ port, metricsPort, address: config.BERTH_PUBLIC_URL }, 'listening');
