import path from 'node:path';
import { PROJECT_ROOT } from '#cli/embedded/startSettings.ts';

/**
 * Options of Node for the api and the worker. The api keeps a small young generation: what it relays is garbage a moment
 * later, and V8 would let 64 MiB of it lie before it looks. `k8s/base/api.yaml` says the same; docs/adr/0033 has the figures.
 */
export const NODE_OPTIONS_OF = { api: ['--max-semi-space-size=8'], worker: [] } as const;

/** What to give to Node so that it runs this program of Berth. */
export function programArguments(name: 'api' | 'worker'): string[] {
  return [...NODE_OPTIONS_OF[name], path.join(PROJECT_ROOT, name === 'api' ? 'api' : 'workers', 'main.ts')];
}
