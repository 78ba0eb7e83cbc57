import { listWarmSlots } from '#platform/db/repositories/warmSlots.ts';
import { createSessionStack, type SessionStack } from '#tests/support/sessionStack.ts';
import { createNodeSwitch } from '#tests/support/unreachableNode.ts';
import { createAndOpen, runPool } from '#tests/support/warmPool.ts';

const node = createNodeSwitch();
let stack: SessionStack;
beforeAll(async () => {
  stack = await createSessionStack({}, { wrapRuntime: node.around });
});
afterAll(() => stack.stop());
afterEach(() => runPool(stack, 0));

describe('a slot on a node that is lost', () => {
  it('is replaced, and nothing of it is left', async () => {
    await runPool(stack, 2);
    const [lost, sound] = await listWarmSlots(stack.database, 'ready');
    node.lose(lost!.uuid);
    expect(await runPool(stack, 2)).toMatchObject({ ready: 2, made: 1, removed: 1, problem: null });
    const ready = (await listWarmSlots(stack.database, 'ready')).map(({ uuid }) => uuid);
    expect(ready).toContain(sound!.uuid);
    expect(ready).not.toContain(lost!.uuid);
    const { pods, volumes } = await stack.runtime.list();
    expect([...pods, ...volumes].map(({ uuid }) => uuid)).not.toContain(lost!.uuid);
  });

  it('gives a session that took it before a new pod at once: there is nothing on its volume', async () => {
    await runPool(stack, 1);
    const [slot] = await listWarmSlots(stack.database, 'ready');
    node.lose(slot!.uuid);
    const session = await createAndOpen(stack);
    expect(session.uuid).toBe(slot!.uuid);
    await stack.reaches(session, 'running');
    expect((await stack.runtime.status(session.uuid)).podUid).not.toBe(slot!.podUid);
    await stack.close(session);
    await stack.reaches(session, 'closed');
  });
});
