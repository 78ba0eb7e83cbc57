import { randomUUID } from 'node:crypto';
import { pino } from 'pino';
import type { VolumeState } from '#shared/domain/session.ts';
import { createAgentPool } from '#platform/agent/agentPool.ts';
import type { AgentPool } from '#platform/agent/AgentClient.ts';
import { deleteVolumeRow, insertVolume, setClaimUid, setVolumeState } from '#platform/db/repositories/volumes.ts';
import { findInstallationId } from '#platform/db/repositories/installation.ts';
import { createRuntime } from '#platform/runtime/createRuntime.ts';
import { createLayout } from '#platform/runtime/local/layout.ts';
import { workspaceFolder } from '#platform/runtime/local/volumes.ts';
import type { Runtime } from '#platform/runtime/Runtime.ts';
import { loadFiles } from '#activities/session/loadFiles.ts';
import { reconcile } from '#activities/session/reconcile.ts';
import { saveFiles } from '#activities/session/saveFiles.ts';
import type { SyncDeps } from '#activities/session/syncCycle.ts';
import type { SessionRef } from '#workflows/session/session.ports.ts';
import type { TestDatabase } from '#tests/support/database.ts';
import { build } from '#tests/support/factories.ts';
import { WorkspaceFolder } from '#tests/support/workspaceFolder.ts';

/** Sessions with real agents and real volumes, but without Temporal: what the activities of files work on. */
export interface AgentGround {
  test: TestDatabase;
  runtime: Runtime;
  agentPool: AgentPool;
  deps: SyncDeps;
  /** Makes a session whose agent answers and whose volume is in that state; its rows come from `plant`. */
  open(options?: { state?: VolumeState; plant?: (session: GroundSession) => Promise<void> }): Promise<GroundSession>;
  close(): Promise<void>;
}

/** One session of the ground. */
export interface GroundSession {
  ref: SessionRef;
  userId: number;
  readonly volumeId: number;
  /** The volume's files, as a program in the session changes them. */
  workspace: WorkspaceFolder;
  load(): ReturnType<typeof loadFiles>;
  reconcile(): ReturnType<typeof reconcile>;
  save(): ReturnType<typeof saveFiles>;
  /** Ends its pod and makes another on the same volume. */
  replacePod(): Promise<void>;
  /** Ends its pod and its volume, as after a close or when a disk is lost, and loads the files onto a new volume. */
  replaceVolume(): Promise<void>;
  /** Ends its pod and its volume. */
  end(): Promise<void>;
}

const beat = (): void => undefined;
/** An activity waits a few seconds for an agent; one that has only begun to start may need longer on a busy machine. */
const AGENT_START_MS = 60_000;

/** Starts a runtime and a pool on a test's database. */
export async function createAgentGround(test: TestDatabase): Promise<AgentGround> {
  const log = pino({ level: test.config.BERTH_LOG_LEVEL });
  const runtime = await createRuntime({
    config: test.config,
    log,
    installationId: () => findInstallationId(test.database),
  });
  const agentPool = createAgentPool({ runtime, secret: test.config.BERTH_SECRET, log });
  const deps: SyncDeps = { database: test.database, agentPool, config: test.config, log, secondScanMs: 50 };
  const ended: Array<() => Promise<void>> = [];

  return {
    test,
    runtime,
    agentPool,
    deps,
    async open({ state = 'live', plant } = {}) {
      const made = await build.session(test.database, { phase: 'running', generation: 1, uuid: randomUUID() });
      const ref = { sessionId: made.id, uuid: made.uuid, generation: 1 };
      const makeVolume = async (): Promise<{ id: number; claimUid: string }> => {
        const { id } = await insertVolume(test.database, made.id);
        const { claimUid } = await runtime.ensureVolume(ref.uuid, id);
        await setClaimUid(test.database, { id, claimUid });
        return { id, claimUid };
      };
      let volume = await makeVolume();
      const startPod = async (): Promise<void> => {
        const { id: volumeId, claimUid } = volume;
        await runtime.ensurePod({ uuid: ref.uuid, generation: 1, volumeId, claimUid, language: 'python' });
        await agentPool.get(ref.uuid, 1, AGENT_START_MS);
      };
      await startPod();
      const session: GroundSession = {
        ref,
        userId: made.userId,
        get volumeId() {
          return volume.id;
        },
        workspace: new WorkspaceFolder(workspaceFolder(createLayout(test.config.BERTH_DATA_DIR).volumes, ref.uuid)),
        load: () => loadFiles(deps, ref, beat),
        reconcile: () => reconcile(deps, { ...ref, cause: 'test' }, beat),
        save: () => saveFiles(deps, ref, beat),
        async replacePod() {
          await runtime.destroyPod(ref.uuid);
          await startPod();
        },
        async replaceVolume() {
          await session.end();
          await deleteVolumeRow(test.database, volume.id);
          volume = await makeVolume();
          await startPod();
          await session.load();
        },
        async end() {
          await runtime.destroyPod(ref.uuid);
          await runtime.destroyVolume(ref.uuid, volume.claimUid);
        },
      };
      ended.push(() => session.end());
      await plant?.(session);
      if (state === 'live') await session.load();
      else await setVolumeState(test.database, { id: volume.id, state });
      return session;
    },
    async close() {
      await agentPool.close();
      for (const end of ended) await end();
      await runtime.close();
    },
  };
}
