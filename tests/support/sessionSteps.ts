import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Context } from '@temporalio/activity';
import type { WorkflowHandle } from '@temporalio/client';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { taskQueues } from '#shared/domain/queues.ts';
import { sessionWorkflowId } from '#shared/domain/session.ts';
import type { Temporal } from '#platform/temporal/client.ts';
import { registerSearchAttributes } from '#platform/temporal/registerSearchAttributes.ts';
import { openSignal, SESSION_WORKFLOW, type SessionWorkflowInput } from '#workflows/session/session.messages.ts';
import type { SessionActivities, WatchActivities } from '#workflows/session/session.ports.ts';
import { bundleWorkflows } from '#workers/bundle.ts';
import { testTemporal } from '#tests/support/temporal.ts';

/** Every activity of a session, as plain objects: for the order of steps alone, on the real Temporal server. */
export type Steps = SessionActivities & WatchActivities;

/** Sessions whose steps are plain objects that write down what was called. */
export interface StepRunner {
  temporal: Temporal;
  /** Starts a session with these steps; those that are not given succeed at once, and the watch goes on until cancelled. */
  start(steps?: Partial<Steps>, input?: Partial<SessionWorkflowInput>): Promise<StartedSession>;
  close(): Promise<void>;
}

/** A started session. */
export interface StartedSession {
  uuid: string;
  handle: WorkflowHandle;
  /** What was called, in order: `name`, or `name:detail` for phases. */
  calls: string[];
}

/** The folder in which test files share the workflows' bundle. */
export const TEST_BUNDLES = path.join(tmpdir(), 'berth-test-bundles');

/** Runs workers for sessions with plain steps. */
export async function createStepRunner(): Promise<StepRunner> {
  // Tests provoke failures on purpose; the SDK would tell each of them.
  Runtime.install({ logger: new DefaultLogger('ERROR') });
  const { address, taskQueuePrefix, temporal, close } = testTemporal();
  await registerSearchAttributes(temporal, 'default');
  const sessions = new Map<string, Partial<Steps> & { calls: string[] }>();
  const connection = await NativeConnection.connect({ address });
  const queues = taskQueues(taskQueuePrefix);
  const activities = { ...dispatchSteps(sessions) };
  const shared = { connection, namespace: 'default', maxHeartbeatThrottleInterval: 200 };
  const workers = [
    await Worker.create({
      ...shared,
      taskQueue: queues.orchestration,
      workflowBundle: { codePath: await bundleWorkflows(TEST_BUNDLES) },
    }),
    await Worker.create({ ...shared, taskQueue: queues.runtime, activities }),
    await Worker.create({ ...shared, taskQueue: queues.watch, activities }),
  ];
  const running = Promise.all(workers.map((worker) => worker.run()));

  return {
    temporal,
    async start(steps = {}, input = {}) {
      const uuid = randomUUID();
      const calls: string[] = [];
      sessions.set(uuid, { ...steps, calls });
      const handle = await temporal.client.workflow.signalWithStart(SESSION_WORKFLOW, {
        workflowId: sessionWorkflowId(uuid),
        taskQueue: queues.orchestration,
        args: [{ sessionId: 1, uuid, generation: 1, ...input }],
        signal: openSignal,
        signalArgs: [{ opId: randomUUID(), generation: input.generation ?? 1 }],
      });
      return { uuid, handle: temporal.client.workflow.getHandle(handle.workflowId), calls };
    },
    async close() {
      for (const worker of workers) worker.shutdown();
      await running;
      await connection.close();
      await close();
    },
  };
}

/** Calls the step of the session that the input names, and writes it down. */
function dispatchSteps(sessions: Map<string, Partial<Steps> & { calls: string[] }>): Steps {
  const usual = usualSteps();
  const names = Object.keys(usual) as (keyof Steps)[];
  return Object.fromEntries(
    names.map((name) => [
      name,
      async (input: { uuid: string; phase?: string }) => {
        const session = sessions.get(input.uuid);
        if (session === undefined) throw new Error(`nobody started ${input.uuid}`);
        session.calls.push(input.phase === undefined ? name : `${name}:${input.phase}`);
        const step = (session[name] ?? usual[name]) as (given: unknown) => Promise<unknown>;
        return step(input);
      },
    ]),
  ) as unknown as Steps;
}

function usualSteps(): Steps {
  return {
    admit: async () => ({
      admitted: true,
      summary: 'alice · python · "fractals"',
      ownerId: 1,
      idleSeconds: 1_800,
      expiresAt: null,
      kind: 'workspace',
    }),
    recordPhase: async () => ({ current: true }),
    recordEnd: async () => ({ current: true }),
    recordExtension: async () => undefined,
    ensureVolume: async () => ({ volumeId: 1, claimUid: 'claim', state: 'new' }),
    inspectVolume: async () => ({ state: 'new' }),
    ensurePod: async () => ({ podUid: 'pod' }),
    awaitAgent: async () => ({ bootId: 'boot' }),
    loadFiles: async () => ({ files: 1 }),
    reconcile: async () => ({ changed: 0, conflicts: 0, notSaved: 0, more: false }),
    quiesce: async () => undefined,
    saveFiles: async () => ({ drained: true, superseded: false, notSaved: 0 }),
    deletePod: async () => undefined,
    deleteVolume: async () => ({ deleted: true }),
    keepVolume: async () => undefined,
    watchSession: () => untilCancelled(),
  };
}

/** A step that heartbeats and ends only when it is cancelled. */
export async function untilCancelled(): Promise<never> {
  const context = Context.current();
  const beat = setInterval(() => context.heartbeat(), 50);
  try {
    return await context.cancelled;
  } finally {
    clearInterval(beat);
  }
}
