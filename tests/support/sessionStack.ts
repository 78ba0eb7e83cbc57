import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { WorkflowExecutionStatusName } from '@temporalio/client';
import type { Logger } from 'pino';
import { sessionWorkflowId, type SessionPhase } from '#shared/domain/session.ts';
import type { AgentClient, AgentPool } from '#platform/agent/AgentClient.ts';
import { createAgentPool } from '#platform/agent/agentPool.ts';
import type { Config } from '#platform/config/config.ts';
import type { Database } from '#platform/db/database.ts';
import { createStarterItems } from '#platform/db/repositories/items.ts';
import { requestClose, requestOpen } from '#platform/db/repositories/sessionRequests.ts';
import { findSessionById, insertSession, type SessionRecord } from '#platform/db/repositories/sessions.ts';
import { createEventListener } from '#platform/events/createEventListener.ts';
import { createLog } from '#platform/observability/log.ts';
import { findInstallationId } from '#platform/db/repositories/installation.ts';
import { createRuntime } from '#platform/runtime/createRuntime.ts';
import type { Runtime } from '#platform/runtime/Runtime.ts';
import { createTemporal, type Temporal } from '#platform/temporal/client.ts';
import { registerSearchAttributes } from '#platform/temporal/registerSearchAttributes.ts';
import { createWorkers, type Workers } from '#workers/createWorkers.ts';
import { installWorkerLog } from '#workers/workerLog.ts';
import { createTestDatabase } from '#tests/support/database.ts';
import { build } from '#tests/support/factories.ts';
import { TEST_BUNDLES } from '#tests/support/sessionSteps.ts';
import { waitFor } from '#tests/support/waitFor.ts';

/** Everything that sessions need, in this process: database, runtime, workers of all roles. Nothing is a stand-in. */
export interface SessionStack {
  config: Config;
  database: Database;
  temporal: Temporal;
  runtime: Runtime;
  agentPool: AgentPool;
  log: Logger;
  /** A closed session with its starter files. */
  newSession(): Promise<SessionRecord>;
  open(session: SessionRecord): Promise<SessionRecord>;
  close(session: SessionRecord): Promise<SessionRecord>;
  read(session: SessionRecord): Promise<SessionRecord>;
  /** Resolves once the session is in that phase of that generation (the present one when not given). */
  reaches(session: SessionRecord, phase: SessionPhase, generation?: number): Promise<SessionRecord>;
  agent(session: SessionRecord): Promise<AgentClient>;
  /** Types a line into a new terminal of the session. */
  type(session: SessionRecord, line: string): Promise<void>;
  /** The text of a file in the database, null when it has no row. */
  fileInDatabase(session: SessionRecord, fullPath: string): Promise<string | null>;
  /** The present state of the session's volume row, null when it has none. */
  volumeState(session: SessionRecord): Promise<string | null>;
  startWorkers(): void;
  stopWorkers(): Promise<void>;
  stop(): Promise<void>;
}

/** How a stack differs from the usual one. */
export interface SessionStackOptions {
  /** Puts something before the runtime that workers and tests share. */
  wrapRuntime?(runtime: Runtime): Runtime;
  /** Another way to the cluster than KUBECONFIG; stacks that have one must be made one after the other. */
  kubeconfig?: string;
}

/** How long, in milliseconds, a phase may take to come: pods start and end slower than processes. */
const PHASE_DEADLINE_MS = { local: 40_000, kubernetes: 120_000 };

/** Stacks that are up in this process. */
let stacks = 0;

/** Starts it all. `settings` are environment variables that replace the defaults of tests. */
export async function createSessionStack(
  settings: Record<string, string> = {},
  { wrapRuntime = (runtime) => runtime, kubeconfig }: SessionStackOptions = {},
): Promise<SessionStack> {
  const { config, database, drop } = await createTestDatabase(settings);
  const log = createLog(config, 'worker');
  // The SDK takes one log for the whole process, and none while workers run.
  if (stacks === 0) installWorkerLog(log);
  stacks += 1;
  const temporal = createTemporal(config);
  if (settings['TEMPORAL_ADDRESS'] === undefined) await registerSearchAttributes(temporal, 'default');
  const events = createEventListener({ config, database, log });
  const make = () => createRuntime({ config, log, installationId: () => findInstallationId(database) });
  const runtime = wrapRuntime(await (kubeconfig === undefined ? make() : withKubeconfig(kubeconfig, make)));
  const agentPool = createAgentPool({ runtime, secret: config.BERTH_SECRET, log });
  const deps = { config, database, temporal, events, runtime, agentPool, log };
  let workers: Workers | null = null;
  let running: Promise<void> = Promise.resolve();

  const read = async (session: SessionRecord): Promise<SessionRecord> => {
    const found = await findSessionById(database, session.id);
    if (found === null) throw new Error(`session ${session.uuid} is gone`);
    return found;
  };
  const stack: SessionStack = {
    config,
    database,
    temporal,
    runtime,
    agentPool,
    log,
    async newSession() {
      const { id: userId } = await build.user(database);
      return database.transaction(async (tx) => {
        const session = await insertSession(database, { userId, name: 'fractals', language: 'python' }, tx);
        await createStarterItems(database, session, 'python', tx);
        return session;
      });
    },
    async open(session) {
      return (await database.transaction((tx) => requestOpen(database, session, tx))).session;
    },
    async close(session) {
      const asked = { actor: 'alice', reason: 'user' as const };
      return (await database.transaction((tx) => requestClose(database, session, asked, tx))).session;
    },
    read,
    async reaches(session, phase, generation) {
      const wanted = generation ?? (await read(session)).generation;
      let last: SessionRecord | null = null;
      await waitFor(
        async () => {
          last = await read(session);
          return last.phase === phase && last.generation === wanted;
        },
        { deadlineMs: PHASE_DEADLINE_MS[config.BERTH_RUNTIME], what: `phase ${phase} of generation ${wanted}` },
      ).catch((error: unknown) => {
        throw new Error(
          `Phase ${phase} of generation ${wanted} was not reached; the row says ${JSON.stringify(last)}`,
          {
            cause: error,
          },
        );
      });
      return read(session);
    },
    async agent(session) {
      return agentPool.get(session.uuid, (await read(session)).generation);
    },
    async type(session, line) {
      const client = await stack.agent(session);
      const terminal = await client.openTerminal({ name: null, size: { cols: 80, rows: 24 } });
      const attachment = await client.attach(
        terminal.id,
        { clientId: randomUUID(), offset: null, size: { cols: 80, rows: 24 }, counts: false },
        { output: () => undefined, reset: () => undefined, exit: () => undefined, closed: () => undefined },
      );
      attachment.input(attachment.lastInputSeq + 1, Buffer.from(`${line}\n`));
    },
    async fileInDatabase(session, fullPath) {
      const rows = await database.query<{ content: string }>(
        `SELECT content FROM workspace_items WHERE session_id = $1 AND full_path = $2 AND type = 'file'`,
        [session.id, fullPath],
      );
      return rows[0]?.content ?? null;
    },
    async volumeState(session) {
      const rows = await database.query<{ state: string }>(`SELECT state FROM volumes WHERE session_id = $1`, [
        session.id,
      ]);
      return rows[0]?.state ?? null;
    },
    startWorkers() {
      workers = createWorkers({ ...deps, bundleFolder: TEST_BUNDLES });
      running = workers.run();
    },
    async stopWorkers() {
      await workers?.shutdown();
      workers = null;
      await running;
    },
    async stop() {
      await stack.stopWorkers();
      stacks -= 1;
      const { pods } = await runtime.list();
      await Promise.all(pods.map((pod) => runtime.destroyPod(pod.uuid)));
      await agentPool.close();
      await runtime.close();
      await events.close();
      await temporal.close();
      await drop();
    },
  };
  stack.startWorkers();
  return stack;
}

/** The client of the cluster reads KUBECONFIG when it is made, and never again. */
async function withKubeconfig<T>(file: string, make: () => Promise<T>): Promise<T> {
  const before = process.env['KUBECONFIG'];
  process.env['KUBECONFIG'] = file;
  try {
    return await make();
  } finally {
    if (before === undefined) delete process.env['KUBECONFIG'];
    else process.env['KUBECONFIG'] = before;
  }
}

/** The session's present run in Temporal. */
export function sessionRun(stack: SessionStack, session: SessionRecord) {
  return stack.temporal.client.workflow.getHandle(sessionWorkflowId(session.uuid));
}

/**
 * How the session's present run ended, once it has: the row says `closed` a moment before the workflow that wrote it is
 * done.
 */
export async function runEnd(stack: SessionStack, session: SessionRecord): Promise<WorkflowExecutionStatusName> {
  const run = sessionRun(stack, session);
  return waitFor(
    async () => {
      const { name } = (await run.describe()).status;
      return name !== 'RUNNING' && name;
    },
    { deadlineMs: PHASE_DEADLINE_MS[stack.config.BERTH_RUNTIME], what: 'the end of the run' },
  );
}

/** The text of a file on the session's volume, null when it is not there: from the folder of a local one, else through the agent. */
export async function fileOnVolume(stack: SessionStack, session: SessionRecord, name: string): Promise<string | null> {
  if (stack.config.BERTH_RUNTIME === 'local') {
    const file = path.join(stack.config.BERTH_DATA_DIR, 'volumes', session.uuid, 'workspace', name);
    return existsSync(file) ? readFile(file, 'utf8') : null;
  }
  const client = await stack.agent(session);
  for await (const file of client.read([name])) return Buffer.from(file.bytes).toString('utf8');
  return null;
}
