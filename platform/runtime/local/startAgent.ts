import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { AppError } from '#shared/domain/errors.ts';
import type { Config } from '#platform/config/config.ts';
import { SOCKET_NAME } from '#platform/runtime/local/layout.ts';
import type { Isolation } from '#platform/runtime/local/launcher.ts';
import { identifyProcess, killProcess, type ProcessIdentity } from '#platform/runtime/local/processes.ts';
import {
  HOME_MOUNT,
  isRoot,
  SANDBOX_PATHS,
  SANDBOX_USER,
  sandboxArguments,
  WORKSPACE_MOUNT,
} from '#platform/runtime/local/sandbox.ts';

/** Descriptor on which bwrap tells the id of the sandbox's first process. */
const INFO_DESCRIPTOR = 3;
const START_MS = 10_000;

/** What an agent is started with. */
export interface AgentStart {
  config: Config;
  isolation: Isolation;
  podUid: string;
  generation: number;
  key: Buffer;
  workspace: string;
  socketFolder: string;
  /** The pod's own folder: its log, and a home folder where there is no sandbox. */
  folder: string;
}

/**
 * Starts a detached agent, which outlives this process. `started` is called with its identity before it gets its key, so
 * an agent that nobody has written down ends by itself: its standard input closes without a key.
 */
export async function startAgent(start: AgentStart, started: (identity: ProcessIdentity) => void): Promise<void> {
  rmSync(start.socketFolder, { recursive: true, force: true });
  mkdirSync(start.socketFolder, { recursive: true, mode: 0o755 });
  mkdirSync(join(start.folder, 'home'), { recursive: true, mode: 0o700 });
  const logFile = join(start.folder, 'agent.log');
  const log = openSync(logFile, 'a', 0o600);
  const child = launch(start, log);
  closeSync(log);
  let identity: ProcessIdentity | null = null;
  try {
    identity = await identify(child, start.isolation.sandbox);
    started(identity);
    await writeKey(child, start.key);
  } catch (error) {
    if (identity !== null) killProcess(identity);
    child.kill('SIGKILL');
    const detail = `The session's agent could not be started: ${lastLine(logFile)}`;
    throw new AppError('AGENT_UNREACHABLE', { detail, cause: error });
  } finally {
    child.unref();
  }
}

function launch(start: AgentStart, log: number): ChildProcess {
  const sandboxed = start.isolation.sandbox === 'bubblewrap';
  const { sources, canLimit } = start.isolation;
  const [command, args] = sandboxed
    ? [
        'bwrap',
        [
          ...sandboxArguments(sources, { ...start, canLimit }),
          ...['--info-fd', String(INFO_DESCRIPTOR), SANDBOX_PATHS.node, ...nodeOptions(), SANDBOX_PATHS.bundle],
        ],
      ]
    : [sources.node, [...nodeOptions(), sources.bundle]];
  return spawn(command, args, {
    detached: true,
    cwd: start.workspace,
    env: agentEnvironment(start),
    stdio: ['pipe', log, log, 'pipe'],
  });
}

/** Small heaps: an agent has little to remember, and there is one for each open session. */
export function nodeOptions(): string[] {
  return ['--max-semi-space-size=1', '--max-old-space-size=96', '--disable-warning=ExperimentalWarning'];
}

function agentEnvironment(start: AgentStart): Record<string, string> {
  const { config, isolation } = start;
  const sandboxed = isolation.sandbox === 'bubblewrap';
  return {
    PATH: '/usr/local/bin:/usr/bin:/bin',
    LANG: 'C.UTF-8',
    BERTH_AGENT_SOCKET: join(sandboxed ? SANDBOX_PATHS.sockets : start.socketFolder, SOCKET_NAME),
    BERTH_AGENT_KEY_FILE: '-',
    BERTH_AGENT_ROOT: sandboxed ? WORKSPACE_MOUNT : start.workspace,
    BERTH_AGENT_HOME: sandboxed ? HOME_MOUNT : join(start.folder, 'home'),
    BERTH_AGENT_GENERATION: String(start.generation),
    BERTH_AGENT_PTY: sandboxed ? SANDBOX_PATHS.ptyModule : isolation.sources.ptyModule,
    ...(sandboxed && isRoot() ? { BERTH_AGENT_DROP_TO: String(SANDBOX_USER) } : {}),
    BERTH_AGENT_OWNS_PROCESSES: String(sandboxed),
    BERTH_AGENT_MARK: start.podUid,
    MAX_FILE_BYTES: String(config.MAX_FILE_BYTES),
    MAX_SESSION_BYTES: String(config.MAX_SESSION_BYTES),
    MAX_SESSION_ITEMS: String(config.MAX_SESSION_ITEMS),
  };
}

/** In a sandbox its first process: with that one all others end. */
async function identify(child: ChildProcess, sandbox: Isolation['sandbox']): Promise<ProcessIdentity> {
  const info = child.stdio[INFO_DESCRIPTOR] as Readable;
  const failed = new Promise<never>((_, reject) => child.once('error', reject));
  try {
    const pid = sandbox === 'none' ? child.pid : await Promise.race([readSandboxPid(info), failed]);
    const identity = pid === undefined ? null : identifyProcess(pid);
    if (identity === null) throw new Error('The process ended at once.');
    return identity;
  } finally {
    info.destroy();
  }
}

async function readSandboxPid(info: Readable): Promise<number> {
  let text = '';
  const timer = setTimeout(() => info.destroy(new Error('bwrap does not start.')), START_MS);
  try {
    // To its end: bwrap dies of a pipe that closes before it has said everything.
    for await (const chunk of info) text += String(chunk);
  } finally {
    clearTimeout(timer);
  }
  const match = /"child-pid"\s*:\s*(\d+)/.exec(text);
  if (match === null) throw new Error('bwrap ended at once.');
  return Number(match[1]);
}

async function writeKey(child: ChildProcess, key: Buffer): Promise<void> {
  const input = child.stdin as Writable;
  await new Promise<void>((resolve, reject) => {
    input.on('error', reject);
    input.end(`${key.toString('hex')}\n`, resolve);
  });
  input.destroy();
}

function lastLine(logFile: string): string {
  return readFileSync(logFile, 'utf8').trim().split('\n').at(-1) ?? '';
}
