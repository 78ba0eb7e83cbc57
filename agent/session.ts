import { randomUUID } from 'node:crypto';
import { stat } from 'node:fs/promises';
import type { SessionLimits } from '#shared/domain/limits.ts';
import { Epochs } from '#agent/epochs.ts';
import { DisplacedFiles } from '#agent/files/displaced.ts';
import { ScanFlush } from '#agent/files/flush.ts';
import { Workspace } from '#agent/files/folders.ts';
import { ignoreOwnFilesInGit, prepareHome } from '#agent/files/home.ts';
import { Scanner } from '#agent/files/scan.ts';
import { writeSentinel } from '#agent/files/sentinel.ts';
import { WorkspaceWatch } from '#agent/files/watch.ts';
import { Ports } from '#agent/ports/ports.ts';
import type { ProcessScope } from '#agent/processes/quiesce.ts';
import { createPtyStarter } from '#agent/pty/nativePty.ts';
import { Terminals } from '#agent/pty/terminals.ts';
import { Runs } from '#agent/runs/runs.ts';
import { Recordings } from '#agent/recordings/recordings.ts';
import type { AgentSettings } from '#agent/settings.ts';

/** Everything that one agent holds; shared by all its callers. */
export interface AgentSession {
  bootId: string;
  startedAt: number;
  epochs: Epochs;
  limits: SessionLimits;
  workspace: Workspace;
  scanner: Scanner;
  flush: ScanFlush;
  displaced: DisplacedFiles;
  watch: WorkspaceWatch;
  terminals: Terminals;
  runs: Runs;
  recordings: Recordings;
  ports: Ports;
  scope: ProcessScope;
  /** Changes of all callers are made one after the other. */
  changes: Turns;
}

/** Runs work one after the other, in the order of asking. */
class Turns {
  #last: Promise<unknown> = Promise.resolve();

  /** Resolves or rejects as the work does, once its turn has come. */
  async take<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#last.then(work);
    // The next one runs whatever became of this one; the failure reaches whoever asked for it.
    this.#last = mine.catch(() => undefined);
    return mine;
  }
}

/** Opens the workspace and prepares everything that callers may ask for. */
export async function createAgentSession(settings: AgentSettings): Promise<AgentSession> {
  const workspace = new Workspace(settings.BERTH_AGENT_ROOT);
  const limits = {
    maxFileBytes: settings.MAX_FILE_BYTES,
    maxSessionBytes: settings.MAX_SESSION_BYTES,
    maxSessionItems: settings.MAX_SESSION_ITEMS,
  };
  const displaced = new DisplacedFiles(workspace);
  await startThreads(settings.BERTH_AGENT_ROOT);
  await displaced.recover();
  if (settings.BERTH_AGENT_VOLUME_ID !== undefined) writeSentinel(workspace, settings.BERTH_AGENT_VOLUME_ID);
  if (settings.BERTH_AGENT_HOME_TEMPLATE !== undefined) {
    prepareHome(settings.BERTH_AGENT_HOME, settings.BERTH_AGENT_HOME_TEMPLATE);
  }
  ignoreOwnFilesInGit(settings.BERTH_AGENT_HOME);
  const mark = settings.BERTH_AGENT_MARK ?? null;
  const place = { folder: settings.BERTH_AGENT_ROOT, home: settings.BERTH_AGENT_HOME, mark };
  const terminals = new Terminals({ start: createPtyStarter(settings.BERTH_AGENT_PTY), ...place });
  const recordings = new Recordings(workspace, terminals);
  recordings.recover();
  const scope = { ownsAll: settings.BERTH_AGENT_OWNS_PROCESSES, mark };
  return {
    bootId: randomUUID(),
    startedAt: performance.now(),
    epochs: new Epochs(settings.BERTH_AGENT_GENERATION),
    limits,
    workspace,
    scanner: new Scanner(workspace, limits),
    flush: new ScanFlush(workspace.path),
    displaced,
    watch: new WorkspaceWatch(workspace, () => terminals.quietMs),
    terminals,
    runs: new Runs(workspace, place),
    recordings,
    ports: new Ports(scope),
    scope,
    changes: new Turns(),
  };
}

/**
 * Node makes its threads at their first use, and aborts when the system refuses it one: that must not wait until a
 * person's programs have taken every process that the session may have.
 */
async function startThreads(folder: string): Promise<void> {
  await stat(folder);
}
