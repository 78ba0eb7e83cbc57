import { jest } from '@jest/globals';
import { createTestNamespace, type TestNamespace } from '#tests/support/cluster.ts';
import { workspaceImage } from '#tests/support/images.ts';
import { createSessionStack, type SessionStack } from '#tests/support/sessionStack.ts';

const MINUTE = 60_000;
const AT_ONCE = 20;

jest.setTimeout(6 * MINUTE);

describe('many opens at once', () => {
  let namespace: TestNamespace;
  let stack: SessionStack;
  beforeAll(async () => {
    namespace = await createTestNamespace({ BERTH_WORKSPACE_IMAGE: await workspaceImage() });
    stack = await createSessionStack(namespace.settings);
  }, 16 * MINUTE);
  afterAll(async () => {
    await stack.stop();
    await namespace.drop();
  }, 3 * MINUTE);

  it(`all succeed: ${String(AT_ONCE)} sessions run, each with the one pod of its first opening`, async () => {
    const sessions = await Promise.all(Array.from({ length: AT_ONCE }, () => stack.newSession()));
    const askedAt = Date.now();
    await Promise.all(sessions.map((session) => stack.open(session)));
    await Promise.all(sessions.map((session) => stack.reaches(session, 'running', 1)));
    console.log(`${String(AT_ONCE)} opens at once took ${String(Date.now() - askedAt)} ms`);
    const { pods } = await stack.runtime.list();
    expect(pods.map(({ uuid }) => uuid).sort()).toEqual(sessions.map(({ uuid }) => uuid).sort());
  });
});
