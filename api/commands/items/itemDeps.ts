import type { ApiDeps } from '#api/deps.ts';

/** What the commands of files work with. */
export type ItemDeps = Pick<ApiDeps, 'database' | 'config' | 'agentPool' | 'log'>;
