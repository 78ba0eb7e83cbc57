import { pino, type Logger } from 'pino';
import type { Config } from '#platform/config/config.ts';

// Secrets have their own names everywhere, so that one list keeps them out of every log.
const SECRET_NAMES = ['password', 'secret', 'token', 'cookie', 'authorization', 'passwordHash', 'operatorCode'];

/** The log of a process: one JSON object a line on standard output, named after the process, without secrets. */
export function createLog(config: Pick<Config, 'BERTH_LOG_LEVEL'>, name: string): Logger {
  return pino({
    name,
    level: config.BERTH_LOG_LEVEL,
    redact: {
      paths: SECRET_NAMES.flatMap((secret) => [secret, `*.${secret}`, `*.*.${secret}`]),
      censor: '[not logged]',
    },
  });
}
