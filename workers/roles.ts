import type { Config } from '#platform/config/config.ts';

/** What a worker process can run: workflows and the dispatcher, short activities, or the watches of open sessions. */
export type WorkerRole = 'orchestration' | 'runtime' | 'watch';

/** The roles of a process by its configuration, each once. */
export function readRoles(config: Pick<Config, 'BERTH_WORKER_ROLES'>): Set<WorkerRole> {
  return new Set(config.BERTH_WORKER_ROLES.split(',') as WorkerRole[]);
}
