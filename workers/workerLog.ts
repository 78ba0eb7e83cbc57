import { DefaultLogger, Runtime } from '@temporalio/worker';
import type { Logger } from 'pino';

/** Brings what the Temporal SDK tells into the process's log. Must run before the first worker is made. */
export function installWorkerLog(log: Logger): void {
  Runtime.install({
    logger: new DefaultLogger('INFO', ({ level, message, meta }) => {
      const known = level.toLowerCase() as Lowercase<typeof level>;
      const { error, ...rest } = meta ?? {};
      // The log writes an error out under this name only.
      log[known](error === undefined ? rest : { ...rest, err: error }, message);
    }),
    // Signals are the process's own business: its shutdown has an order.
    shutdownSignals: [],
  });
}
