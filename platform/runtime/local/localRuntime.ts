import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import type { Logger } from 'pino';
import { AppError } from '#shared/domain/errors.ts';
import { agentKey } from '#platform/agent/agentKey.ts';
import type { Config } from '#platform/config/config.ts';
import { connectSocket } from '#platform/runtime/connectSocket.ts';
import { createLayout, SOCKET_NAME, type Layout } from '#platform/runtime/local/layout.ts';
import { chooseIsolation, type Isolation } from '#platform/runtime/local/launcher.ts';
import { withLock } from '#platform/runtime/local/lock.ts';
import { isPodAlive, listPods, podFolder, readPod, removePod, writePod } from '#platform/runtime/local/podRecord.ts';
import type { PodRecord } from '#platform/runtime/local/podRecord.ts';
import { awaitEnd, findMarkedProcesses, killProcess } from '#platform/runtime/local/processes.ts';
import { isRoot, SANDBOX_USER } from '#platform/runtime/local/sandbox.ts';
import { nodeOptions, startAgent } from '#platform/runtime/local/startAgent.ts';
import {
  destroyVolume,
  ensureVolume,
  findClaimUid,
  giveWorkspace,
  listVolumes,
  workspaceFolder,
} from '#platform/runtime/local/volumes.ts';
import type { PodSpec, PodState, Runtime } from '#platform/runtime/Runtime.ts';
import { specificationOf } from '#platform/runtime/specification.ts';

const END_MS = 10_000;
const LOOK_EVERY_MS = 500;

/** The local runtime, and how it isolates sessions. */
export interface LocalRuntime extends Runtime {
  readonly sandbox: Isolation['sandbox'];
}

/** Sessions as detached processes of this machine, each with a folder as its volume. Throws a ConfigError when they cannot be isolated as asked. */
export async function createLocalRuntime(config: Config, log: Logger): Promise<LocalRuntime> {
  const layout = createLayout(config.BERTH_DATA_DIR);
  const isolation = await chooseIsolation(config, layout.sandbox, log);
  return new DetachedProcesses(config, layout, isolation);
}

class DetachedProcesses implements LocalRuntime {
  readonly sandbox: Isolation['sandbox'];
  readonly warning: string | null;
  readonly specification: string;
  #config: Config;
  #layout: Layout;
  #isolation: Isolation;
  #stops = new Set<() => void>();

  constructor(config: Config, layout: Layout, isolation: Isolation) {
    this.sandbox = isolation.sandbox;
    this.warning = isolation.warning;
    this.specification = specificationOf(config.BERTH_SECRET, madeFrom(config, isolation));
    this.#config = config;
    this.#layout = layout;
    this.#isolation = isolation;
  }

  async ensureVolume(uuid: string, volumeId: number): Promise<{ claimUid: string }> {
    return ensureVolume(this.#layout.volumes, { uuid, volumeId, owner: this.#owner });
  }

  async ensurePod(spec: PodSpec): Promise<{ podUid: string }> {
    return this.#exclusively(spec.uuid, async () => {
      const present = readPod(this.#layout.pods, spec.uuid);
      if (present !== null && isPodAlive(present)) {
        if (present.generation > spec.generation) throw new AppError('STALE_GENERATION');
        const onItsVolume = (present.volumeId ?? spec.volumeId) === spec.volumeId;
        if (present.generation === spec.generation && onItsVolume) return { podUid: present.podUid };
      }
      // What an older generation left, which has ended, whatever became of its workflow; or what is on a volume that was lost.
      if (present !== null) await this.#end(present);
      return this.#start(spec);
    });
  }

  async status(uuid: string): Promise<PodState> {
    const record = readPod(this.#layout.pods, uuid);
    if (record === null) return { status: 'gone', cause: null, podUid: null };
    const { podUid } = record;
    if (!isPodAlive(record)) return { status: 'gone', cause: 'process-ended', podUid };
    return { status: existsSync(record.socket) ? 'running' : 'starting', cause: null, podUid };
  }

  async connect(uuid: string, generation: number): Promise<Duplex> {
    const record = readPod(this.#layout.pods, uuid);
    if (record === null || record.generation !== generation || !isPodAlive(record)) {
      throw new AppError('AGENT_UNREACHABLE', { detail: 'The session has no running agent.' });
    }
    try {
      return await connectSocket({ path: record.socket });
    } catch (cause) {
      throw new AppError('AGENT_UNREACHABLE', { detail: "The session's agent does not answer.", cause });
    }
  }

  async destroyPod(uuid: string, podUid?: string, { upTo = Infinity }: { upTo?: number } = {}): Promise<void> {
    await this.#exclusively(uuid, async () => {
      const record = readPod(this.#layout.pods, uuid);
      if (record === null) this.#forget(uuid);
      else if ((podUid === undefined || record.podUid === podUid) && record.generation <= upTo) await this.#end(record);
    });
  }

  async destroyVolume(uuid: string, claimUid: string): Promise<void> {
    await destroyVolume(this.#layout.volumes, { uuid, claimUid });
  }

  async list(): ReturnType<Runtime['list']> {
    const pods = listPods(this.#layout.pods).map(({ uuid, podUid, generation, createdAt }) => {
      return { uuid, uid: podUid, generation, ageSeconds: (Date.now() - createdAt) / 1_000 };
    });
    return { pods, volumes: listVolumes(this.#layout.volumes) };
  }

  watch(changed: (uuid: string) => void): () => void {
    let known = this.#states();
    const timer = setInterval(() => {
      const now = this.#states();
      for (const uuid of new Set([...known.keys(), ...now.keys()])) {
        if (known.get(uuid) !== now.get(uuid)) changed(uuid);
      }
      known = now;
    }, LOOK_EVERY_MS);
    const stop = (): void => {
      clearInterval(timer);
      this.#stops.delete(stop);
    };
    this.#stops.add(stop);
    return stop;
  }

  async close(): Promise<void> {
    for (const stop of [...this.#stops]) stop();
  }

  /** The user of the sessions' programs, null where that is our own. */
  get #owner(): number | null {
    return this.sandbox === 'bubblewrap' && isRoot() ? SANDBOX_USER : null;
  }

  #states(): Map<string, string> {
    return new Map(
      listPods(this.#layout.pods).map((record) => [
        record.uuid,
        `${record.podUid} ${isPodAlive(record)} ${existsSync(record.socket)}`,
      ]),
    );
  }

  async #exclusively<T>(uuid: string, work: () => Promise<T>): Promise<T> {
    return withLock(join(this.#layout.pods, `${uuid}.lock`), work);
  }

  async #start(spec: PodSpec): Promise<{ podUid: string }> {
    const { uuid, generation, volumeId } = spec;
    if (findClaimUid(this.#layout.volumes, uuid) !== spec.claimUid) {
      throw new AppError('INTERNAL', { detail: `The volume of session ${uuid} is not the one that was asked for.` });
    }
    const podUid = randomUUID();
    const socketFolder = this.#layout.socketFolder(uuid);
    const workspace = workspaceFolder(this.#layout.volumes, uuid);
    if (this.#owner !== null) await giveWorkspace(workspace, this.#owner);
    await startAgent(
      {
        config: this.#config,
        isolation: this.#isolation,
        podUid,
        generation,
        key: agentKey(this.#config.BERTH_SECRET, { uuid, generation }),
        workspace,
        socketFolder,
        folder: podFolder(this.#layout.pods, uuid),
      },
      (identity) => {
        const socket = join(socketFolder, SOCKET_NAME);
        const record = { podUid, uuid, generation, volumeId, process: identity, socket, createdAt: Date.now() };
        writePod(this.#layout.pods, record);
      },
    );
    return { podUid };
  }

  async #end(record: PodRecord): Promise<void> {
    killProcess(record.process);
    await awaitEnd(record.process, END_MS);
    await endMarked(record.podUid);
    this.#forget(record.uuid);
  }

  #forget(uuid: string): void {
    rmSync(this.#layout.socketFolder(uuid), { recursive: true, force: true });
    removePod(this.#layout.pods, uuid);
  }
}

/** All that an agent is started with, but what is its session's own. */
function madeFrom(config: Config, { sandbox, sources, canLimit }: Isolation): unknown {
  const { MAX_FILE_BYTES, MAX_SESSION_BYTES, MAX_SESSION_ITEMS } = config;
  const limits = [MAX_FILE_BYTES, MAX_SESSION_BYTES, MAX_SESSION_ITEMS];
  return {
    sandbox,
    canLimit,
    limits,
    node: [process.version, ...nodeOptions()],
    agent: readFileSync(sources.bundle, 'base64'),
  };
}

/** A pod may have been started without a sandbox, where its programs do not end with its first process; new ones may start until none is left. */
async function endMarked(podUid: string): Promise<void> {
  const deadline = Date.now() + END_MS;
  for (let found = findMarkedProcesses(podUid); found.length > 0; found = findMarkedProcesses(podUid)) {
    if (Date.now() > deadline) throw new Error(`Processes of pod ${podUid} do not end.`);
    for (const identity of found) killProcess(identity);
    await Promise.all(found.map((identity) => awaitEnd(identity, END_MS)));
  }
}
