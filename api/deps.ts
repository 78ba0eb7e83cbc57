import type { Logger } from 'pino';
import type { AgentPool } from '#platform/agent/AgentClient.ts';
import type { Config } from '#platform/config/config.ts';
import type { Database } from '#platform/db/database.ts';
import type { EventListener } from '#platform/events/listener.ts';
import type { Temporal } from '#platform/temporal/client.ts';

/** What the api's routes and sockets work with; made once in main.ts. */
export interface ApiDeps {
  config: Config;
  database: Database;
  log: Logger;
  temporal: Temporal;
  agentPool: AgentPool;
  events: EventListener;
}
