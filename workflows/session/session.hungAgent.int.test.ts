import { jest } from '@jest/globals';
import type { Runtime } from '#platform/runtime/Runtime.ts';
import { freezeAgent } from '#tests/support/localPods.ts';
import { createSessionStack, type SessionStack } from '#tests/support/sessionStack.ts';
import { waitFor } from '#tests/support/waitFor.ts';

jest.setTimeout(180_000);

/** The pods that were made, by uid. The first one of all hangs before anybody has spoken with its agent. */
const made: string[] = [];

function hangingAtFirst(runtime: Runtime): Runtime {
  const ensurePod: Runtime['ensurePod'] = async (spec) => {
    const { podUid } = await runtime.ensurePod(spec);
    if (made.length === 0) {
      await waitFor(async () => (await runtime.status(spec.uuid)).status === 'running');
      freezeAgent(stack.config, spec.uuid);
    }
    if (!made.includes(podUid)) made.push(podUid);
    return { podUid };
  };
  return new Proxy(runtime, {
    get(target, name: keyof Runtime) {
      if (name === 'ensurePod') return ensurePod;
      const value = target[name];
      return typeof value === 'function' ? (value as (...given: unknown[]) => unknown).bind(target) : value;
    },
  });
}

let stack: SessionStack;
beforeAll(async () => {
  // Short, for so long it waits for the agent that hangs; yet a busy machine needs seconds to start one.
  stack = await createSessionStack({ POD_START_SECONDS: '10' }, { wrapRuntime: hangingAtFirst });
});
afterAll(() => stack.stop());

describe('an agent that hangs in a pod that runs', () => {
  it('is given up with its pod, and the session opens in another', async () => {
    const session = await stack.newSession();
    await stack.open(session);
    await waitFor(async () => (await stack.read(session)).phase === 'running', { deadlineMs: 60_000, what: 'running' });
    expect(made).toHaveLength(2);
    expect((await stack.runtime.status(session.uuid)).podUid).toBe(made[1]);
    await stack.close(session);
    await stack.reaches(session, 'closed');
  });
});
