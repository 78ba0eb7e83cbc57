import { jest } from '@jest/globals';
import { ApplicationFailure } from '@temporalio/activity';
import type { PodCause } from '#shared/domain/podCause.ts';
import type { CauseDetail } from '#workflows/session/session.ports.ts';
import { closeSignal } from '#workflows/session/session.messages.ts';
import {
  createStepRunner,
  untilCancelled,
  type StartedSession,
  type StepRunner,
  type Steps,
} from '#tests/support/sessionSteps.ts';
import { waitFor } from '#tests/support/waitFor.ts';

jest.setTimeout(120_000);

let runner: StepRunner;
beforeAll(async () => {
  runner = await createStepRunner();
});
afterAll(() => runner.close());

/** Steps that write down which cause came with which phase. */
function withCauses(steps: Partial<Steps>): { steps: Partial<Steps>; told: string[] } {
  const told: string[] = [];
  const tell = async ({ phase, cause }: { phase: string; cause?: PodCause | null }): Promise<{ current: boolean }> => {
    told.push(`${phase}: ${cause ?? 'well'}`);
    return { current: true };
  };
  return { steps: { recordPhase: tell, recordEnd: tell, ...steps }, told };
}

function failWith(detail: CauseDetail): () => Promise<never> {
  return async () => {
    throw ApplicationFailure.create({
      message: 'no',
      type: 'AGENT_UNREACHABLE',
      nonRetryable: true,
      details: [detail],
    });
  };
}

async function ended(session: StartedSession): Promise<void> {
  await session.handle.result().catch(() => undefined);
}

const count = (session: StartedSession, call: string): number => session.calls.filter((one) => one === call).length;

describe('an open that fails', () => {
  it('is not tried again when its cause is hopeless, and the cause stays in the row', async () => {
    const { steps, told } = withCauses({ awaitAgent: failWith({ cause: 'image-pull', hopeless: true }) });
    const session = await runner.start(steps);
    await ended(session);
    expect(count(session, 'awaitAgent')).toBe(1);
    expect(told).toEqual(['saving: image-pull', 'closing: image-pull', 'failed: image-pull']);
  });

  it('is tried three times when waiting may mend it', async () => {
    const { steps, told } = withCauses({ awaitAgent: failWith({ cause: 'unschedulable', hopeless: false }) });
    const session = await runner.start(steps);
    await ended(session);
    expect(count(session, 'awaitAgent')).toBe(3);
    expect(told.at(-1)).toBe('failed: unschedulable');
  });

  it.each([
    ['nothing', undefined],
    ['a text', 'image-pull'],
    ['a cause that nobody knows', { cause: 'sunspots', hopeless: 'yes' }],
  ])('tells no cause when the failure carries %s', async (_what, detail) => {
    const { steps, told } = withCauses({
      ensurePod: async () => {
        throw ApplicationFailure.create({ message: 'no', nonRetryable: true, details: [detail] });
      },
    });
    const session = await runner.start(steps);
    await ended(session);
    expect(count(session, 'ensurePod')).toBe(3);
    expect(told.at(-1)).toBe('failed: well');
  });
});

describe('a session that runs', () => {
  it('tells why its pod was lost while it recovers, and that all is well after it', async () => {
    let losses = 0;
    const { steps, told } = withCauses({
      watchSession: async () => {
        losses += 1;
        return losses === 1 ? { end: 'pod-lost', cause: 'out-of-memory' } : untilCancelled();
      },
    });
    const session = await runner.start(steps);
    await waitFor(() => count(session, 'watchSession') === 2, { deadlineMs: 60_000, what: 'the second watch' });
    await session.handle.signal(closeSignal);
    await ended(session);
    expect(told.slice(0, 4)).toEqual(['loading: well', 'running: well', 'recovering: out-of-memory', 'running: well']);
  });

  it('stays running on a node that does not answer, and its watch knows', async () => {
    const watches: unknown[] = [];
    const { steps, told } = withCauses({
      watchSession: async ({ nodeLost }) => {
        watches.push(nodeLost);
        if (watches.length === 1) return { end: 'node-lost', cause: 'node-lost' };
        return watches.length === 2 ? { end: 'node-back', cause: null } : untilCancelled();
      },
    });
    const session = await runner.start(steps);
    await waitFor(() => watches.length === 3, { deadlineMs: 60_000, what: 'the third watch' });
    await session.handle.signal(closeSignal);
    await ended(session);
    expect(watches).toEqual([false, true, false]);
    expect(told.slice(1, 4)).toEqual(['running: well', 'running: node-lost', 'running: well']);
  });
});
