import type { Logger } from 'pino';
import type { Config } from '#platform/config/config.ts';
import { createLocalRuntime } from '#platform/runtime/local/localRuntime.ts';
import type { Runtime } from '#platform/runtime/Runtime.ts';

/** What a runtime is made from. */
export interface RuntimeOptions {
  config: Config;
  log: Logger;
  /** The id that every object of this installation carries; asked for once, when the first object is made or listed. */
  installationId(): Promise<string>;
}

/** The runtime that the configuration asks for. Throws a ConfigError when it cannot work here. */
export async function createRuntime(options: RuntimeOptions): Promise<Runtime> {
  if (options.config.BERTH_RUNTIME === 'local') return createLocalRuntime(options.config, options.log);
  // Its library is large, and nobody needs it for local sessions.
  const { createKubernetesRuntime } = await import('#platform/runtime/kubernetes/kubernetesRuntime.ts');
  return createKubernetesRuntime(options);
}
