import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { reconcile } from '#activities/session/reconcile.ts';
import { SessionWatch } from '#activities/session/sessionWatch.ts';
import { createEventListener } from '#platform/events/createEventListener.ts';
import { createSessionStack, type SessionStack } from '#tests/support/sessionStack.ts';
import { waitFor } from '#tests/support/waitFor.ts';

let stack: SessionStack;
beforeAll(async () => {
  stack = await createSessionStack();
});
afterAll(() => stack.stop());

describe('a watch while Temporal takes signals and nobody acts on them', () => {
  it('saves what a program writes that never pauses for long', async () => {
    const session = await stack.newSession();
    await stack.open(session);
    const { generation } = await stack.reaches(session, 'running');
    const { bootId } = await stack.agent(session);
    await stack.stopWorkers();
    const ref = { sessionId: session.id, uuid: session.uuid, generation };
    const events = createEventListener({ config: stack.config, database: stack.database, log: stack.log });
    const watch = new SessionWatch(
      { ...stack, events, reconcile: (input) => reconcile(stack, input, () => undefined) },
      { ...ref, idleSeconds: 600, bootId },
      () => undefined,
    );
    const file = path.join(stack.config.BERTH_DATA_DIR, 'volumes', session.uuid, 'workspace', 'log.txt');
    try {
      await waitFor(
        async () => {
          await writeFile(file, String(Date.now()));
          expect(await watch.look()).toBeNull();
          await watch.sync();
          return (await stack.fileInDatabase(session, 'log.txt')) !== null;
        },
        { deadlineMs: 40_000, what: 'the file in the database' },
      );
    } finally {
      watch.stop();
      await events.close();
    }
    stack.startWorkers();
    await stack.close(session);
    await stack.reaches(session, 'closed');
  });
});
