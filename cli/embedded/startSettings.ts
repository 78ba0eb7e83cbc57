import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { isLoopback, type Config } from '#platform/config/config.ts';
import { freePort } from '#cli/embedded/freePort.ts';
import { reachableDataFolder } from '#cli/embedded/postgresFolder.ts';

/** Where Berth's own files are. */
export const PROJECT_ROOT = path.dirname(path.dirname(path.dirname(fileURLToPath(import.meta.url))));

const DEFAULT_PORT = 4_600;
const DEFAULT_METRICS_PORT = 4_601;

/** Where an embedded start keeps things. */
export interface StartFolders {
  data: string;
  run: string;
  logs: string;
}

/** The environment that Berth's processes get. */
export type Environment = Record<string, string | undefined>;

/** Makes the folders of a start. */
export function prepareFolders(given: Environment): StartFolders {
  const data = reachableDataFolder(path.resolve(PROJECT_ROOT, given['BERTH_DATA_DIR'] ?? '.berth'));
  const folders = { data, run: path.join(data, 'run'), logs: path.join(data, 'logs') };
  for (const folder of [folders.run, folders.logs]) mkdirSync(folder, { recursive: true, mode: 0o700 });
  return folders;
}

/** Completes what the environment does not say: a secret that is kept, ports, the public address. */
export async function completeEnvironment(given: Environment, folders: StartFolders): Promise<Environment> {
  const port = await listeningPort(given['BERTH_PORT']);
  return {
    ...given,
    BERTH_DATA_DIR: folders.data,
    BERTH_SECRET: given['BERTH_SECRET'] ?? keptSecret(path.join(folders.data, 'secret')),
    BERTH_PORT: String(port),
    BERTH_METRICS_PORT: given['BERTH_METRICS_PORT'] ?? String(await freePort(DEFAULT_METRICS_PORT)),
    BERTH_PUBLIC_URL: given['BERTH_PUBLIC_URL'] ?? `http://localhost:${String(port)}`,
  };
}

/** What the first account has to know when Berth can be reached from other machines; empty when it need not know anything. */
export function operatorCode(config: Config, firstAccount: boolean): string {
  if (!firstAccount || isLoopback(config)) return '';
  return config.BERTH_OPERATOR_CODE || randomBytes(5).toString('hex');
}

/** The agents' keys are derived from the secret: with a new one at each start, shells that still run would be lost. */
function keptSecret(file: string): string {
  if (!existsSync(file)) {
    const aside = `${file}.${String(process.pid)}`;
    writeFileSync(aside, randomBytes(32).toString('hex'), { mode: 0o600 });
    renameSync(aside, file);
  }
  return readFileSync(file, 'utf8').trim();
}

/** The api's port: 0 takes any that is free, any other has to be free, for people open it by its number. */
async function listeningPort(wanted: string | undefined): Promise<number> {
  const port = Number(wanted ?? DEFAULT_PORT);
  const free = await freePort(port);
  if (port !== 0 && free !== port) {
    throw new Error(`Port ${String(port)} is in use by another program. Set BERTH_PORT to a free one, or to 0.`);
  }
  return free;
}
