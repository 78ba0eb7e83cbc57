import type { Logger } from 'pino';
import { ConfigError, type Config } from '#platform/config/config.ts';
import { createLocalRuntime } from '#platform/runtime/local/localRuntime.ts';
import type { Runtime } from '#platform/runtime/Runtime.ts';

/** The runtime that the configuration asks for. Throws a ConfigError when it cannot work here. */
export async function createRuntime(config: Config, log: Logger): Promise<Runtime> {
  if (config.BERTH_RUNTIME === 'local') return createLocalRuntime(config, log);
  throw new ConfigError(['BERTH_RUNTIME: got "kubernetes"; this version of Berth runs sessions locally only']);
}
