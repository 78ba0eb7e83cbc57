import { jest } from '@jest/globals';
import { ApplicationFailure } from '@temporalio/activity';
import { createStepRunner, type StartedSession, type StepRunner } from '#tests/support/sessionSteps.ts';
import { waitFor } from '#tests/support/waitFor.ts';
import { closeSignal, requestSyncSignal, stateQuery } from '#workflows/session/session.messages.ts';

jest.setTimeout(90_000);

let runner: StepRunner;
beforeAll(async () => {
  runner = await createStepRunner();
});
afterAll(() => runner.close());

const live = { inspectVolume: async () => ({ state: 'live' as const }) };

/** A step that fails as it does while the cluster does not answer, as long as it is told to. */
function silentWhile(isSilent: () => boolean): () => Promise<void> {
  return async () => {
    if (!isSilent()) return;
    throw ApplicationFailure.create({
      message: 'the API server does not answer in time',
      type: 'RUNTIME_UNAVAILABLE',
      // At once, so that the test need not wait for the tries of the step itself.
      nonRetryable: true,
      details: [{ cause: 'cluster-unreachable', hopeless: false }],
    });
  };
}

/** A step that fails as it does while the database does not answer. */
function withoutDatabaseWhile(isAway: () => boolean): () => Promise<void> {
  return async () => {
    if (!isAway()) return;
    // At once, so that the test need not wait for the tries of the step itself.
    throw ApplicationFailure.nonRetryable('connect ECONNREFUSED', 'DATABASE_UNAVAILABLE');
  };
}

const times = (session: StartedSession, call: string): number => session.calls.filter((one) => one === call).length;

// Each waits for timers of its own: all of them wait at once.
describe('a session', () => {
  it.concurrent('waits with an open while the cluster does not answer, and goes on once it does', async () => {
    let silent = true;
    const fail = silentWhile(() => silent);
    const session = await runner.start({ ensurePod: async () => (await fail(), { podUid: 'pod' }) });
    // Any other failure would have ended the open with the third.
    await waitFor(() => times(session, 'ensurePod') === 3, { deadlineMs: 60_000 });
    expect((await session.handle.query(stateQuery)).phase).toBe('provisioning');
    silent = false;
    await waitFor(() => session.calls.includes('watchSession'), { deadlineMs: 60_000 });
    expect(session.calls).not.toContain('recordEnd:failed');
    await session.handle.signal(closeSignal);
    expect(await session.handle.result()).toMatchObject({ phase: 'closed' });
  });

  it.concurrent('gives up an open that waits for the cluster when it is closed', async () => {
    const fail = silentWhile(() => true);
    const session = await runner.start({
      ensureVolume: async () => (await fail(), Promise.reject(new Error('never'))),
    });
    await waitFor(() => times(session, 'ensureVolume') > 1, { deadlineMs: 60_000 });
    await session.handle.signal(closeSignal, { reason: 'user' });
    expect(await session.handle.result()).toMatchObject({ phase: 'closed', reason: 'user' });
  });

  it.concurrent('gives up no volume at a close that waits for the cluster: it saves, with no second pod', async () => {
    let silent = true;
    const session = await runner.start({ ...live, quiesce: silentWhile(() => silent) });
    await waitFor(() => session.calls.includes('watchSession'));
    await session.handle.signal(closeSignal);
    await waitFor(() => times(session, 'quiesce') > 1, { deadlineMs: 60_000 });
    silent = false;
    expect(await session.handle.result()).toMatchObject({ phase: 'closed' });
    expect(times(session, 'ensurePod')).toBe(1);
    expect(session.calls).not.toContain('keepVolume');
    expect(session.calls.indexOf('saveFiles')).toBeGreaterThan(session.calls.lastIndexOf('quiesce'));
  });

  it.concurrent('waits with open and close while the database does not answer, and goes on once it does', async () => {
    let away = true;
    const fail = withoutDatabaseWhile(() => away);
    const session = await runner.start({
      ...live,
      ensureVolume: async () => (await fail(), { volumeId: 1, claimUid: 'claim', state: 'live' }),
      saveFiles: async () => (await fail(), { drained: true, superseded: false, notSaved: 0 }),
    });
    // Any other failure would have ended the open with the third.
    await waitFor(() => times(session, 'ensureVolume') === 3, { deadlineMs: 60_000 });
    away = false;
    await waitFor(() => session.calls.includes('watchSession'), { deadlineMs: 60_000 });
    away = true;
    await session.handle.signal(closeSignal);
    await waitFor(() => times(session, 'saveFiles') > 2, { deadlineMs: 60_000 });
    away = false;
    expect(await session.handle.result()).toMatchObject({ phase: 'closed' });
    expect(times(session, 'ensurePod')).toBe(1);
    expect(session.calls).not.toContain('keepVolume');
  });

  it.concurrent('does a sync that failed again within half a minute though nobody asks', async () => {
    let fails = false;
    const session = await runner.start({
      ...live,
      reconcile: async () => {
        if (fails) throw ApplicationFailure.nonRetryable('no agent', 'AGENT_UNREACHABLE');
        return { changed: 1, conflicts: 0, notSaved: 0, more: false };
      },
    });
    await waitFor(() => session.calls.includes('watchSession'), { deadlineMs: 60_000 });
    fails = true;
    const before = times(session, 'reconcile');
    await session.handle.signal(requestSyncSignal);
    await waitFor(() => times(session, 'reconcile') > before, { deadlineMs: 60_000 });
    fails = false;
    await waitFor(async () => (await session.handle.query(stateQuery)).syncSeq === 1, {
      deadlineMs: 30_000,
      what: 'a sync that succeeds',
    });
    await session.handle.signal(closeSignal);
    expect(await session.handle.result()).toMatchObject({ phase: 'closed' });
  });
});
