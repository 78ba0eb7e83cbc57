import { ApplicationFailure } from '@temporalio/activity';
import { WorkflowFailedError } from '@temporalio/client';
import { createStepRunner, untilCancelled, type StartedSession, type StepRunner } from '#tests/support/sessionSteps.ts';
import { waitFor } from '#tests/support/waitFor.ts';
import {
  closeAndWaitUpdate,
  closeSignal,
  extendSignal,
  openSignal,
  requestSyncSignal,
  stateQuery,
  syncNowUpdate,
} from '#workflows/session/session.messages.ts';

let runner: StepRunner;
beforeAll(async () => {
  runner = await createStepRunner();
});
afterAll(() => runner.close());

const OPENING = [
  'admit',
  'ensureVolume',
  'ensurePod',
  'awaitAgent',
  'recordPhase:loading',
  'inspectVolume',
  'loadFiles',
];

const called = (session: StartedSession, name: string) =>
  waitFor(() => session.calls.includes(name), { what: `${name} in ${session.calls.join(' ')}` });
const running = (session: StartedSession) => called(session, 'watchSession');
/** What was called from the first `saving` on. */
const ending = (session: StartedSession) => session.calls.slice(session.calls.indexOf('recordPhase:saving'));
const live = { inspectVolume: async () => ({ state: 'live' as const }) };

// Each has a session of its own and waits for the server more than it works: those of one description run at once.
describe('a whole life', () => {
  it.concurrent('opens, runs and closes step by step', async () => {
    const session = await runner.start();
    await running(session);
    expect(session.calls).toEqual([...OPENING, 'recordPhase:running', 'watchSession']);
    await session.handle.signal(closeSignal, { reason: 'user', actor: 'alice' });
    expect(await session.handle.result()).toEqual({ generation: 1, phase: 'closed', reason: 'user' });
    expect(ending(session)).toEqual([
      'recordPhase:saving',
      'inspectVolume',
      'recordPhase:closing',
      'deletePod',
      'deleteVolume',
      'recordEnd:closed',
    ]);
  });

  it.concurrent('saves before it deletes when the volume was loaded', async () => {
    const session = await runner.start(live);
    await running(session);
    await session.handle.signal(closeSignal);
    await session.handle.result();
    expect(ending(session)).toEqual([
      'recordPhase:saving',
      'inspectVolume',
      'quiesce',
      'saveFiles',
      'recordPhase:closing',
      'deletePod',
      'deleteVolume',
      'recordEnd:closed',
    ]);
  });

  it.concurrent('reconciles a volume that was loaded before instead of loading it', async () => {
    const session = await runner.start(live);
    await running(session);
    expect(session.calls).toContain('reconcile');
    expect(session.calls).not.toContain('loadFiles');
    await session.handle.signal(closeSignal);
    await session.handle.result();
  });
});

describe('a stale run', () => {
  it('that is not admitted touches nothing', async () => {
    const session = await runner.start({
      admit: async () => ({
        admitted: false,
        summary: '',
        ownerId: 0,
        idleSeconds: 0,
        expiresAt: null,
        kind: 'workspace',
      }),
    });
    await session.handle.result();
    expect(session.calls).toEqual(['admit']);
  });
});

describe('a close before the session runs', () => {
  it.concurrent.each(['ensureVolume', 'ensurePod', 'awaitAgent', 'loadFiles'] as const)(
    'during %s cancels it, saves nothing and deletes what was never loaded',
    async (step) => {
      const session = await runner.start({ [step]: untilCancelled });
      await called(session, step);
      // The step is long only here; a real one ends by itself within its 20 s.
      await session.handle.signal(closeSignal, { reason: 'user' });
      expect(await session.handle.result()).toMatchObject({ phase: 'closed', reason: 'user' });
      expect(session.calls).not.toContain('saveFiles');
      expect(session.calls).not.toContain('recordPhase:running');
      expect(ending(session).slice(-3)).toEqual(['deletePod', 'deleteVolume', 'recordEnd:closed']);
    },
  );
});

describe('an open while closing', () => {
  it.concurrent('goes on as a new run of the new generation, which is admitted anew', async () => {
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    const session = await runner.start({
      ...live,
      saveFiles: async () => (await held, { drained: false, superseded: true, notSaved: 0 }),
    });
    await running(session);
    await session.handle.signal(closeSignal);
    await called(session, 'saveFiles');
    await session.handle.signal(openSignal, { opId: 'second', generation: 2 });
    release();
    await waitFor(() => session.calls.filter((call) => call === 'watchSession').length === 2);
    const state = await session.handle.query(stateQuery);
    expect(state).toMatchObject({ generation: 2, phase: 'running' });
    const first = session.calls.slice(0, session.calls.lastIndexOf('admit'));
    // A superseded run says neither closing nor closed.
    expect(first.slice(first.indexOf('saveFiles'))).toEqual(['saveFiles', 'deletePod', 'deleteVolume']);
    await session.handle.signal(openSignal, { opId: 'third', generation: 3 });
    await waitFor(() => session.calls.filter((call) => call === 'watchSession').length === 3);
    await session.handle.signal(closeSignal);
    await waitFor(async () => (await session.handle.describe()).status.name !== 'RUNNING');
  });

  it.concurrent('saves no more once a write meets another generation', async () => {
    const session = await runner.start({
      ...live,
      recordPhase: async ({ phase }) => ({ current: phase !== 'saving' }),
    });
    await running(session);
    await session.handle.signal(closeSignal);
    await session.handle.result();
    expect(ending(session)).toEqual(['recordPhase:saving', 'deletePod', 'deleteVolume']);
  });
});

describe('a lost pod', () => {
  it.concurrent('is made again on the same volume and reconciled', async () => {
    let lost = 0;
    const session = await runner.start({
      ...live,
      watchSession: async () => (lost++ === 0 ? { end: 'pod-lost' } : untilCancelled()),
    });
    await waitFor(() => session.calls.filter((call) => call === 'watchSession').length === 2);
    const recovery = session.calls.slice(session.calls.indexOf('recordPhase:recovering'));
    expect(recovery).toEqual([
      'recordPhase:recovering',
      'ensureVolume',
      'ensurePod',
      'awaitAgent',
      'reconcile',
      'recordPhase:running',
      'watchSession',
    ]);
    await session.handle.signal(closeSignal);
    await session.handle.result();
  });

  it.concurrent('that is lost again and again ends in a close that saves', async () => {
    const session = await runner.start({ ...live, watchSession: async () => ({ end: 'pod-lost' }) });
    expect(await session.handle.result()).toMatchObject({ phase: 'closed', reason: 'pod-lost' });
    expect(session.calls.filter((call) => call === 'recordPhase:recovering')).toHaveLength(3);
    expect(ending(session)).toContain('saveFiles');
  });
});

describe('a close that cannot reach the agent', () => {
  const unreachable = async () => {
    throw ApplicationFailure.nonRetryable('no agent', 'AGENT_UNREACHABLE');
  };

  it.concurrent('starts a recovery pod and saves from it', async () => {
    let asked = 0;
    const session = await runner.start({ ...live, quiesce: async () => (asked++ === 0 ? unreachable() : undefined) });
    await running(session);
    await session.handle.signal(closeSignal);
    await session.handle.result();
    expect(ending(session)).toEqual([
      'recordPhase:saving',
      'inspectVolume',
      'quiesce',
      'ensureVolume',
      'ensurePod',
      'awaitAgent',
      'quiesce',
      'saveFiles',
      'recordPhase:closing',
      'deletePod',
      'deleteVolume',
      'recordEnd:closed',
    ]);
  });

  it.concurrent('keeps the volume and asks for attention when that fails too', async () => {
    const session = await runner.start({ ...live, quiesce: unreachable });
    await running(session);
    await session.handle.signal(closeSignal);
    await session.handle.result();
    expect(ending(session).slice(-3)).toEqual(['deletePod', 'keepVolume', 'recordEnd:closed']);
    expect(session.calls).not.toContain('deleteVolume');
    const { typedSearchAttributes } = await session.handle.describe();
    const shown = Object.fromEntries(typedSearchAttributes.getAll().map(({ key, value }) => [key.name, value]));
    expect(shown).toMatchObject({ NeedsAttention: true, SessionPhase: 'closed', EndReason: 'operator' });
  });
});

describe('an open that fails', () => {
  it('tears down and ends as failed, with the cause for the operator', async () => {
    const session = await runner.start({
      ensurePod: async () => {
        throw ApplicationFailure.nonRetryable('the quota is used up', 'QuotaExceeded');
      },
    });
    const failure = await session.handle.result().catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(WorkflowFailedError);
    expect((failure as WorkflowFailedError).cause?.message).toContain('the quota is used up');
    expect(ending(session).slice(-3)).toEqual(['deletePod', 'deleteVolume', 'recordEnd:failed']);
  });
});

describe('a cancellation from outside', () => {
  it('saves, tears down and ends as cancelled', async () => {
    const session = await runner.start(live);
    await running(session);
    await session.handle.cancel();
    await expect(session.handle.result()).rejects.toThrow('cancelled');
    expect(ending(session)).toContain('saveFiles');
    expect(session.calls.at(-1)).toBe('recordEnd:closed');
    expect((await session.handle.describe()).status.name).toBe('CANCELLED');
  });
});

describe('signals from outside', () => {
  const payloads: [string, unknown[]][] = [
    ['no input', []],
    ['{}', [{}]],
    ['a string', ['please']],
    ['a wrong type', [{ opId: 5, until: 7, reason: 3, cause: [], generation: 'x' }]],
  ];

  it.concurrent.each(payloads)('with %s leave the session working, and are told in its details', async (name, args) => {
    const session = await runner.start(live);
    await running(session);
    const signal = (signalName: string) => session.handle.signal(signalName, ...args);
    const before = session.calls.filter((call) => call === 'reconcile').length;
    await signal('open');
    await signal('extend');
    await signal('requestSync');
    await signal('nobody-knows-this');
    await waitFor(() => session.calls.filter((call) => call === 'reconcile').length === before + 1);
    const { currentDetails } = await describeDetails(session);
    const noted =
      name === 'no input' || name === '{}'
        ? ['open', 'nobody-knows']
        : ['open', 'extend', 'requestSync', 'nobody-knows'];
    for (const word of noted) expect(currentDetails).toMatch(new RegExp(`${word}.*(ignored|synced)`));
    expect(await session.handle.executeUpdate(syncNowUpdate, { args: [{ opId: 'still-there' }] })).toMatchObject({
      changed: 0,
    });
    await signal('close');
    if (noted.includes('extend')) await session.handle.signal(closeSignal);
    expect(await session.handle.result()).toMatchObject({ phase: 'closed', reason: 'operator' });
  });
});

describe('updates', () => {
  it.concurrent('syncNow answers what changed, and is refused with a reason where it makes no sense', async () => {
    const session = await runner.start({
      ...live,
      reconcile: async () => ({ changed: 2, conflicts: 0, notSaved: 0, more: false }),
    });
    await running(session);
    expect(await session.handle.executeUpdate(syncNowUpdate, { args: [{ opId: 'a' }] })).toEqual({
      seq: 1,
      changed: 2,
    });
    const refused = (args: unknown) =>
      session.handle.executeUpdate('syncNow', { args: args as [] }).then(
        () => 'accepted',
        (error: { cause?: { type?: string } }) => error.cause?.type,
      );
    expect(await refused([])).toBe('INVALID_INPUT');
    expect(await refused(['text'])).toBe('INVALID_INPUT');
    expect(await refused([{ opId: 3 }])).toBe('INVALID_INPUT');
    await session.handle.signal(closeSignal);
    await session.handle.result();
  });

  it.concurrent('closeAndWait answers once all is gone, and does not hold the teardown', async () => {
    const session = await runner.start();
    await running(session);
    expect(await session.handle.executeUpdate(closeAndWaitUpdate, { args: [{ opId: 'b', actor: 'bob' }] })).toEqual({
      phase: 'closed',
    });
    expect(session.calls.at(-1)).toBe('recordEnd:closed');
  });

  it.concurrent('a syncNow that waits is answered when the session closes instead', async () => {
    const session = await runner.start({ inspectVolume: async () => ({ state: 'new' }), reconcile: untilCancelled });
    await running(session);
    const answer = session.handle
      .executeUpdate(syncNowUpdate, { args: [{ opId: 'c' }] })
      .catch((error: unknown) => error);
    await called(session, 'reconcile');
    await session.handle.signal(closeSignal);
    expect(await session.handle.result()).toMatchObject({ phase: 'closed' });
    expect(await answer).toMatchObject({ cause: { type: 'SESSION_NOT_RUNNING' } });
  });
});

describe('a long history', () => {
  it('goes on as a new run without tearing anything down', async () => {
    const session = await runner.start(live, { limits: { historyEvents: 60 } });
    await running(session);
    const first = (await session.handle.describe()).runId;
    let synced = 0;
    while ((await session.handle.describe()).runId === first) {
      await session.handle.executeUpdate(syncNowUpdate, { args: [{ opId: `sync-${(synced += 1)}` }] });
    }
    await waitFor(() => session.calls.filter((call) => call === 'watchSession').length === 2);
    expect(session.calls).not.toContain('deletePod');
    expect(session.calls.filter((call) => call === 'admit')).toHaveLength(1);
    expect((await session.handle.query(stateQuery)).syncSeq).toBe(synced);
    await session.handle.signal(extendSignal);
    await called(session, 'recordExtension');
    await session.handle.signal(requestSyncSignal);
    await session.handle.signal(closeSignal);
    await waitFor(async () => (await session.handle.describe()).status.name === 'COMPLETED');
    expect(session.calls.at(-1)).toBe('recordEnd:closed');
  });
});

describe('what an operator reads', () => {
  it('every handler says what it does, and the details say what can be done', async () => {
    const session = await runner.start();
    await running(session);
    const { definition, currentDetails } = await describeDetails(session);
    const handlers = [
      ...(definition?.signalDefinitions ?? []),
      ...(definition?.updateDefinitions ?? []),
      ...(definition?.queryDefinitions ?? []).filter((query) => !query.name?.startsWith('__')),
    ];
    expect(handlers.map((handler) => handler.name).sort()).toEqual(
      expect.arrayContaining(['close', 'closeAndWait', 'extend', 'open', 'requestSync', 'state', 'syncNow']),
    );
    for (const handler of handlers) {
      if (handler.name !== undefined && handler.name !== null && handler.name !== '') {
        expect([handler.name, handler.description?.length ?? 0]).toEqual([handler.name, expect.any(Number)]);
        expect(handler.description?.length).toBeGreaterThan(40);
      }
    }
    expect(currentDetails).toContain('**running**');
    expect(currentDetails).toContain('`requestSync`');
    await session.handle.signal(closeSignal);
    await session.handle.result();
  });
});

interface WorkflowMetadata {
  definition?: Record<
    'signalDefinitions' | 'updateDefinitions' | 'queryDefinitions',
    { name?: string | null; description?: string | null }[]
  >;
  currentDetails: string;
}

function describeDetails(session: StartedSession): Promise<WorkflowMetadata> {
  return session.handle.query<WorkflowMetadata>('__temporal_workflow_metadata');
}
