import { WorkflowNotFoundError } from '@temporalio/client';
import { intentBacklog } from '#platform/db/repositories/intents.ts';
import { createTemporal } from '#platform/temporal/client.ts';
import { freePort } from '#cli/embedded/freePort.ts';
import { createEventListener } from '#platform/events/createEventListener.ts';
import { createSessionStack, sessionRun, type SessionStack } from '#tests/support/sessionStack.ts';
import { waitFor } from '#tests/support/waitFor.ts';
import { createDispatcher } from '#workers/dispatcher.ts';

let stack: SessionStack;
beforeAll(async () => {
  stack = await createSessionStack();
  await stack.stopWorkers();
});
afterAll(() => stack.stop());

describe('the dispatcher', () => {
  it('keeps an intent with the cause while Temporal is away, and carries it out at its return', async () => {
    const session = await stack.newSession();
    await stack.open(session);
    const away = createTemporal({ TEMPORAL_ADDRESS: `127.0.0.1:${await freePort(0)}`, TEMPORAL_NAMESPACE: 'default' });
    const events = createEventListener({ config: stack.config, database: stack.database, log: stack.log });
    const dispatcher = createDispatcher({ ...stack, events, temporal: away });
    dispatcher.start();
    const waiting = await waitFor(
      async () => {
        const [intent] = await stack.database.query<{ attempts: number; lastError: string }>(
          `SELECT attempts, last_error AS "lastError" FROM intents WHERE attempts > 0`,
        );
        return intent;
      },
      { deadlineMs: 20_000, what: 'a failed attempt' },
    );
    expect(waiting.lastError).not.toBe('');
    expect((await stack.read(session)).phase).toBe('requested');
    await dispatcher.stop();
    await away.close();
    await events.close();
    stack.startWorkers();
    await stack.reaches(session, 'running');
    await waitFor(async () => (await intentBacklog(stack.database)).waiting === 0);
    await stack.close(session);
    await stack.reaches(session, 'closed');
    await stack.stopWorkers();
  });

  it('carries each intent once, though two of them run', async () => {
    const sessions = await Promise.all(Array.from({ length: 6 }, () => stack.newSession()));
    for (const session of sessions) await stack.open(session);
    const events = createEventListener({ config: stack.config, database: stack.database, log: stack.log });
    const dispatchers = [createDispatcher({ ...stack, events }), createDispatcher({ ...stack, events })];
    for (const dispatcher of dispatchers) dispatcher.start();
    const started = async (): Promise<boolean> => {
      const found = await Promise.all(
        sessions.map((session) =>
          sessionRun(stack, session)
            .describe()
            .catch((error: unknown) => {
              if (error instanceof WorkflowNotFoundError) return null;
              throw error;
            }),
        ),
      );
      return found.every((run) => run !== null);
    };
    await waitFor(started, { deadlineMs: 20_000, what: 'six runs' });
    for (const dispatcher of dispatchers) await dispatcher.stop();
    for (const session of sessions) {
      const { events: history } = await sessionRun(stack, session).fetchHistory();
      const signals = history!.filter((event) => event.workflowExecutionSignaledEventAttributes?.signalName === 'open');
      expect(signals).toHaveLength(1);
    }
    await events.close();
    stack.startWorkers();
    for (const session of sessions) await stack.close(session);
    for (const session of sessions) await stack.reaches(session, 'closed');
    await waitFor(async () => (await intentBacklog(stack.database)).waiting === 0, { what: 'an empty outbox' });
    expect(await stack.runtime.list()).toEqual({ pods: [], volumes: [] });
  });
});
