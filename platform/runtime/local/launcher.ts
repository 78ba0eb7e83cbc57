import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Logger } from 'pino';
import { ConfigError, isLoopback, type Config } from '#platform/config/config.ts';
import {
  canLimitSize,
  probeSandbox,
  sandboxArguments,
  writeSandboxUsers,
  type SandboxSources,
} from '#platform/runtime/local/sandbox.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const BUNDLE = join(ROOT, 'agent/dist/agent.mjs');

/** How sessions are isolated on this machine, and from what their agents are started. */
export interface Isolation {
  sandbox: 'bubblewrap' | 'none';
  warning: string | null;
  sources: SandboxSources;
  canLimit: boolean;
}

/** Finds out how sessions can be isolated. Throws a ConfigError when that is not what the configuration asks for. */
export async function chooseIsolation(config: Config, etc: string, log: Logger): Promise<Isolation> {
  const sources = { node: realpathSync(process.execPath), bundle: await findBundle(), ptyModule: findPtyModule(), etc };
  writeSandboxUsers(etc);
  const base = { sources, canLimit: false };
  if (config.BERTH_SANDBOX === 'none') return withoutSandbox(config, base, 'BERTH_SANDBOX is none');
  const tried = await trySandbox(sources);
  if (tried.problem === null) return { ...base, sandbox: 'bubblewrap', warning: null, canLimit: tried.canLimit };
  if (config.BERTH_SANDBOX === 'bubblewrap') {
    throw new ConfigError([`BERTH_SANDBOX: got "bubblewrap"; it does not work here: ${tried.problem}`]);
  }
  const isolation = withoutSandbox(config, base, `bubblewrap does not work here: ${tried.problem}`);
  log.warn({ reason: tried.problem }, isolation.warning ?? '');
  return isolation;
}

async function trySandbox(sources: SandboxSources): Promise<{ problem: string | null; canLimit: boolean }> {
  const folder = join(sources.etc, 'probe');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  try {
    const canLimit = await canLimitSize();
    const args = sandboxArguments(sources, { workspace: folder, socketFolder: folder, canLimit });
    return { problem: await probeSandbox(args), canLimit };
  } catch {
    return { problem: 'bwrap is not installed', canLimit: false };
  }
}

function withoutSandbox(config: Config, base: Pick<Isolation, 'sources' | 'canLimit'>, reason: string): Isolation {
  if (!isLoopback(config)) {
    throw new ConfigError([
      `BERTH_SANDBOX: got ${JSON.stringify(config.BERTH_SANDBOX)}; without a sandbox every session can read this machine, ` +
        `which is allowed only when BERTH_PUBLIC_URL is loopback (${reason}). Install bubblewrap, or use kubernetes.`,
    ]);
  }
  const warning =
    `Sessions are not isolated: ${reason}. Programs in a session can read and change whatever the user who runs Berth can. ` +
    'Install bubblewrap (apt install bubblewrap) and start again.';
  return { ...base, sandbox: 'none', warning };
}

/** The agent's bundle; built when it is missing or older than its sources. */
async function findBundle(): Promise<string> {
  const builder = join(ROOT, 'agent/build.ts');
  // An installed image brings the bundle without the means to build it.
  if (existsSync(builder)) await promisify(execFile)(process.execPath, [builder], { cwd: ROOT, timeout: 60_000 });
  return realpathSync(BUNDLE);
}

function findPtyModule(): string {
  const require = createRequire(import.meta.url);
  const wrapper = createRequire(require.resolve('@lydell/node-pty'));
  return realpathSync(wrapper.resolve(`@lydell/node-pty-${process.platform}-${process.arch}/pty.node`));
}
