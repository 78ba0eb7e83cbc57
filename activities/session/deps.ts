import type { Logger } from 'pino';
import type { AgentPool } from '#platform/agent/AgentClient.ts';
import type { Config } from '#platform/config/config.ts';
import type { Database } from '#platform/db/database.ts';
import type { EventListener } from '#platform/events/listener.ts';
import type { Runtime } from '#platform/runtime/Runtime.ts';
import type { Temporal } from '#platform/temporal/client.ts';

/** What the activities work with; made once per process. */
export interface ActivityDeps {
  config: Config;
  database: Database;
  runtime: Runtime;
  agentPool: AgentPool;
  temporal: Temporal;
  events: EventListener;
  log: Logger;
}
