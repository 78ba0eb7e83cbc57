import type { Logger } from 'pino';
import { ConfigError, type Config } from '#platform/config/config.ts';
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
export async function createRuntime({ config, log }: RuntimeOptions): Promise<Runtime> {
  if (config.BERTH_RUNTIME === 'local') return createLocalRuntime(config, log);
  throw new ConfigError(['BERTH_RUNTIME: got "kubernetes"; this version of Berth runs sessions locally only']);
}
