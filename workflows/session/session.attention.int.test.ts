import { Context } from '@temporalio/activity';
import { createStepRunner, untilCancelled, type StartedSession, type StepRunner } from '#tests/support/sessionSteps.ts';
import { waitFor } from '#tests/support/waitFor.ts';
import { closeSignal, openSignal, syncNowUpdate } from '#workflows/session/session.messages.ts';

let runner: StepRunner;
beforeAll(async () => {
  runner = await createStepRunner();
});
afterAll(() => runner.close());

/** A watch of a lost node. */
async function nodeBackAfter(isBack: Promise<void>): Promise<{ end: 'node-back' }> {
  const context = Context.current();
  const beat = setInterval(() => context.heartbeat(), 50);
  try {
    await Promise.race([isBack, context.cancelled]);
    return { end: 'node-back' };
  } finally {
    clearInterval(beat);
  }
}

const live = { inspectVolume: async () => ({ state: 'live' as const }) };

describe('the flag that asks operators for attention', () => {
  const attention = async (session: StartedSession): Promise<unknown> => {
    const { searchAttributes } = await session.handle.describe();
    return searchAttributes['NeedsAttention']?.[0];
  };
  const shows = (session: StartedSession, needed: boolean) =>
    waitFor(async () => (await attention(session)) === needed, { what: `NeedsAttention ${needed}` });

  it('is lowered when the node is back, also after the history became long', async () => {
    let back: () => void = () => undefined;
    const isBack = new Promise<void>((resolve) => (back = resolve));
    let watches = 0;
    const session = await runner.start(
      {
        ...live,
        watchSession: async ({ nodeLost }) => {
          watches += 1;
          if (watches === 1) return { end: 'node-lost', cause: 'node-lost' };
          return nodeLost === true ? nodeBackAfter(isBack) : untilCancelled();
        },
      },
      { limits: { historyEvents: 60 } },
    );
    await shows(session, true);
    const first = (await session.handle.describe()).runId;
    let synced = 0;
    while ((await session.handle.describe()).runId === first) {
      await session.handle.executeUpdate(syncNowUpdate, { args: [{ opId: `sync-${(synced += 1)}` }] });
    }
    await waitFor(() => watches === 3);
    expect(await attention(session)).toBe(true);
    back();
    await shows(session, false);
    await session.handle.signal(closeSignal);
    await waitFor(async () => (await session.handle.describe()).status.name === 'COMPLETED');
  });

  it('is lowered when the generation after it runs', async () => {
    let watches = 0;
    const session = await runner.start({
      ...live,
      watchSession: async () => ((watches += 1) === 1 ? { end: 'node-lost', cause: 'node-lost' } : untilCancelled()),
    });
    await shows(session, true);
    await session.handle.signal(openSignal, { opId: 'second', generation: 2 });
    await waitFor(() => watches === 3);
    await shows(session, false);
    await session.handle.signal(closeSignal);
    await waitFor(async () => (await session.handle.describe()).status.name === 'COMPLETED');
  });
});
