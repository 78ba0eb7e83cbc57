import { jest } from '@jest/globals';
import type { V1Pod, V1ResourceQuota } from '@kubernetes/client-node';
import { podName } from '#shared/domain/podNames.ts';
import type { PodCause } from '#shared/domain/podCause.ts';
import type { Config } from '#platform/config/config.ts';
import { findInstallationId } from '#platform/db/repositories/installation.ts';
import type { SessionRecord } from '#platform/db/repositories/sessions.ts';
import { createRuntime } from '#platform/runtime/createRuntime.ts';
import type { PodSpec, Runtime } from '#platform/runtime/Runtime.ts';
import { createTestNamespace, type TestNamespace } from '#tests/support/cluster.ts';
import { runInPod } from '#tests/support/podPrograms.ts';
import { createSessionStack, fileOnVolume, sessionRun, type SessionStack } from '#tests/support/sessionStack.ts';
import { waitFor } from '#tests/support/waitFor.ts';

const MINUTE = 60_000;
jest.setTimeout(6 * MINUTE);

let namespace: TestNamespace;
let stack: SessionStack;
/** Makes the pods instead of the stack's own runtime while it is set: what an operator has configured wrongly. */
let misconfigured: Runtime | null = null;

beforeAll(async () => {
  namespace = await createTestNamespace();
  stack = await createSessionStack(namespace.settings, { wrapRuntime: withWrongPods });
}, 16 * MINUTE);
afterAll(async () => {
  await stack?.stop();
  await namespace?.drop();
}, 5 * MINUTE);

function withWrongPods(runtime: Runtime): Runtime {
  return new Proxy(runtime, {
    get(target, name: keyof Runtime) {
      if (name === 'ensurePod') return (spec: PodSpec) => (misconfigured ?? target).ensurePod(spec);
      const value = target[name];
      return typeof value === 'function' ? (value as (...given: unknown[]) => unknown).bind(target) : value;
    },
  });
}

/** Does the work while new pods are made with other settings than the right ones. */
async function whileMisconfigured(settings: Partial<Config>, work: () => Promise<void>): Promise<void> {
  const { config, log, database } = stack;
  const installationId = (): Promise<string> => findInstallationId(database);
  misconfigured = await createRuntime({ config: { ...config, ...settings }, log, installationId });
  try {
    await work();
  } finally {
    await misconfigured.close();
    misconfigured = null;
  }
}

async function opened(): Promise<SessionRecord> {
  const session = await stack.newSession();
  await stack.open(session);
  return stack.reaches(session, 'running');
}

async function closed(session: SessionRecord): Promise<void> {
  await stack.close(session);
  await stack.reaches(session, 'closed');
  expect(await stack.volumeState(session)).toBeNull();
}

/** What a person does once the cause is gone: Retry. */
async function retried(session: SessionRecord): Promise<void> {
  await stack.open(session);
  const running = await stack.reaches(session, 'running', 2);
  expect(running.phaseCause).toBeNull();
  expect(await fileOnVolume(stack, session, 'main.py')).toBe(await stack.fileInDatabase(session, 'main.py'));
  await closed(session);
}

/** How often the open waited for an agent. */
async function waits(session: SessionRecord): Promise<number> {
  const { events } = await sessionRun(stack, session).fetchHistory();
  const names = (events ?? []).map((event) => event.activityTaskScheduledEventAttributes?.activityType?.name);
  return names.filter((name) => name === 'awaitAgent').length;
}

/** The causes that the session was in the phase `recovering` for, in order. */
async function losses(session: SessionRecord): Promise<(PodCause | null)[]> {
  const rows = await stack.database.query<{ cause: PodCause | null }>(
    `SELECT payload ->> 'cause' AS cause FROM events
     WHERE subject = 'session' AND subject_id = $1 AND kind = 'phase' AND payload ->> 'phase' = 'recovering'
     ORDER BY change_seq`,
    [session.id],
  );
  return rows.map((row) => row.cause);
}

/** Resolves with the cause once the session has lost its pod and is running again. */
async function recovered(session: SessionRecord): Promise<PodCause | null | undefined> {
  await waitFor(async () => (await losses(session)).length > 0, {
    deadlineMs: 2 * MINUTE,
    what: 'the loss of the pod',
  });
  await stack.reaches(session, 'running', 1);
  return (await losses(session))[0];
}

/** Ends the agent as a crash would. The shell that does it ends with its container, so its own end says nothing. */
async function endMainProgram(session: SessionRecord, signal: 'KILL' | 'ALRM'): Promise<void> {
  await runInPod(namespace, session.uuid, `kill -${signal} $(pgrep -f "[a]gent.mjs")`).catch(() => undefined);
}

async function savedFile(session: SessionRecord): Promise<void> {
  await stack.type(session, 'echo mine > mine.txt');
  await waitFor(async () => (await stack.fileInDatabase(session, 'mine.txt')) === 'mine\n', {
    deadlineMs: MINUTE,
    what: 'mine.txt in the database',
  });
}

describe('an open that cannot succeed', () => {
  it('fails at its first try with an image that is never pulled, and succeeds with the right one', async () => {
    const session = await stack.newSession();
    const wrong = { BERTH_WORKSPACE_IMAGE: 'does-not-exist:1', BERTH_IMAGE_PULL_POLICY: 'Never' as const };
    await whileMisconfigured(wrong, async () => {
      await stack.open(session);
      const failed = await stack.reaches(session, 'failed');
      expect(failed).toMatchObject({ phaseReason: 'agent-unreachable', phaseCause: 'image-pull' });
    });
    expect(await waits(session)).toBe(1);
    await retried(session);
  });

  it('says that no room is left in the quota, and succeeds once there is', async () => {
    const spec = { hard: { pods: '0' } };
    await namespace.apply({ apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name: 'used-up' }, spec });
    await waitFor(
      async () => (await namespace.get<V1ResourceQuota>('resourcequota', 'used-up')).status?.hard?.['pods'] === '0',
      { deadlineMs: MINUTE, what: 'the quota to count' },
    );
    const session = await stack.newSession();
    try {
      await stack.open(session);
      const failed = await stack.reaches(session, 'failed');
      expect(failed).toMatchObject({ phaseReason: 'provisioning-failed', phaseCause: 'quota' });
    } finally {
      await namespace.kubectl('delete', 'resourcequota', 'used-up');
    }
    expect(await waits(session)).toBe(0);
    await retried(session);
  });

  it('gives up a program that crashes again and again, and succeeds with one that does not', async () => {
    const session = await stack.newSession();
    // The agent refuses to start with a limit that makes no sense.
    await whileMisconfigured({ MAX_FILE_BYTES: -1 }, async () => {
      await stack.open(session);
      await waitFor(async () => (await stack.read(session)).phase === 'failed', {
        deadlineMs: 4 * MINUTE,
        what: 'the end of the open',
      });
      expect(await stack.read(session)).toMatchObject({ phase: 'failed', phaseCause: 'crash-loop' });
    });
    await retried(session);
  });
});

describe('an open that has to wait', () => {
  it('says what it waits for while it does, and goes on by itself', async () => {
    const session = await stack.newSession();
    await whileMisconfigured({ BERTH_NODE_SELECTOR: `berth.dev/place=${session.uuid}` }, async () => {
      await stack.open(session);
      await waitFor(async () => (await stack.read(session)).phaseCause === 'unschedulable', {
        deadlineMs: MINUTE,
        what: 'the cause unschedulable',
      });
      expect((await stack.read(session)).phase).toBe('provisioning');
    });
    const [node] = (await namespace.kubectl('get', 'nodes', '-o', 'name')).trim().split('\n');
    try {
      await namespace.kubectl('label', node!, `berth.dev/place=${session.uuid}`);
      const running = await stack.reaches(session, 'running', 1);
      expect(running.phaseCause).toBeNull();
    } finally {
      await namespace.kubectl('label', node!, 'berth.dev/place-');
    }
    await closed(session);
  });
});

describe('a pod that is lost', () => {
  it('deleted by hand is made again with the same files', async () => {
    const session = await opened();
    await savedFile(session);
    await namespace.kubectl('delete', 'pod', podName(session.uuid), '--wait=false');
    expect(await recovered(session)).toBe('pod-deleted');
    expect(await fileOnVolume(stack, session, 'mine.txt')).toBe('mine\n');
    await closed(session);
  });

  it('by the end of its main program runs again on the same volume', async () => {
    const session = await opened();
    await savedFile(session);
    await endMainProgram(session, 'KILL');
    expect(await recovered(session)).toBe('process-ended');
    expect(await fileOnVolume(stack, session, 'mine.txt')).toBe('mine\n');
    await closed(session);
  });
});

describe('a program that takes more memory than there is', () => {
  it('ends alone, or with its container, as the node has it, and the session goes on', async () => {
    const session = await opened();
    await savedFile(session);
    // `ended` is printed by the shell: the program alone was ended. Without it the whole container was.
    const greedy = `python3 -c 'held = bytearray(2 * 1024**3)'; echo ended > ended.txt`;
    await stack.type(session, greedy);
    await waitFor(
      async () =>
        (await stack.fileInDatabase(session, 'ended.txt')) !== null ||
        (await losses(session)).includes('out-of-memory'),
      { deadlineMs: 3 * MINUTE, what: 'the end of the program or of its container' },
    );
    await stack.reaches(session, 'running', 1);
    expect((await losses(session)).filter((cause) => cause !== 'out-of-memory')).toEqual([]);
    expect(await fileOnVolume(stack, session, 'mine.txt')).toBe('mine\n');
    // Where the program ended alone, the node may note it at the container all the same: no later end came of it.
    if ((await losses(session)).length === 0) {
      await endMainProgram(session, 'ALRM');
      expect(await recovered(session)).toBe('process-ended');
    }
    await closed(session);
  });

  it('opens the session again as out of memory when the kernel takes its main program', async () => {
    const session = await opened();
    await savedFile(session);
    // Of equals the largest goes first, and that is the agent; nothing here ends it but the kernel.
    const greedy = 'python3 -c "held = b\'x\' * 2**24; import time; time.sleep(600)"';
    await stack.type(session, `echo 1000 > /proc/$PPID/oom_score_adj; for n in $(seq 60); do ${greedy} & done`);
    expect(await recovered(session)).toBe('out-of-memory');
    // The node tells it a moment after the agent answers.
    const end = await waitFor(
      async () => {
        const { status } = await namespace.get<V1Pod>('pod', podName(session.uuid));
        return status?.containerStatuses?.[0]?.lastState?.terminated;
      },
      { deadlineMs: MINUTE, what: 'the end of the container to be told' },
    );
    expect(end).toMatchObject({ reason: 'OOMKilled', exitCode: 137 });
    expect(await fileOnVolume(stack, session, 'mine.txt')).toBe('mine\n');
    await closed(session);
  });
});
