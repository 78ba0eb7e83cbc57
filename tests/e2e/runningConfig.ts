import { readFileSync } from 'node:fs';
import { loadConfig, type Config } from '#platform/config/config.ts';
import { processOf } from '#tests/e2e/berthStart.ts';

/** The settings that a running start gave its api, read from that process. */
export function runningConfig(dataFolder: string): Config {
  const api = processOf(dataFolder, 'api');
  if (api === null) throw new Error('the api does not run');
  const lines = readFileSync(`/proc/${String(api.pid)}/environ`, 'utf8').split('\0');
  return loadConfig(Object.fromEntries(lines.map((line) => [line.split('=')[0] ?? '', line.replace(/^[^=]*=/, '')])));
}
