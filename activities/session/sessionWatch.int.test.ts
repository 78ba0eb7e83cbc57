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

describe('a watch of a session whose person went away', () => {
  /** Looks on until the watch ends; what was told meanwhile. */
  async function watchToItsEnd(command: string, spans: { idleSeconds: number; jobSeconds: number }) {
    const session = await stack.newSession();
    await stack.open(session);
    const { generation } = await stack.reaches(session, 'running');
    const { bootId } = await stack.agent(session);
    const events = createEventListener({ config: stack.config, database: stack.database, log: stack.log });
    const deps = {
      ...stack,
      config: { ...stack.config, SESSION_JOB_SECONDS: spans.jobSeconds, SESSION_CLOSING_SOON_SECONDS: 300 },
      events,
      reconcile: () => Promise.reject(new Error('a watch that only looks')),
    };
    const input = { sessionId: session.id, uuid: session.uuid, generation, idleSeconds: spans.idleSeconds, bootId };
    const typedAt = Date.now();
    await stack.type(session, command);
    const watch = new SessionWatch(deps, input, () => undefined);
    try {
      const verdict = await waitFor(() => watch.look(), { deadlineMs: 30_000, what: 'the watch to end' });
      const endedAt = Date.now();
      const told = await stack.database.query<{ payload: Record<string, string> }>(
        `SELECT payload FROM events WHERE subject = 'session' AND subject_id = $1 AND kind = 'closingSoon' ORDER BY change_seq`,
        [session.id],
      );
      return { verdict, tookMs: endedAt - typedAt, warning: told.at(-1)?.payload };
    } finally {
      watch.stop();
      await events.close();
      await stack.close(session);
    }
  }

  it.concurrent('lets a command hold it open up to the cap, and says which one', async () => {
    const { verdict, tookMs, warning } = await watchToItsEnd('sleep 600', { idleSeconds: 1, jobSeconds: 4 });
    expect(verdict).toEqual({ end: 'expired', cause: null });
    expect(tookMs).toBeGreaterThan(3_900);
    expect(warning).toMatchObject({ reason: 'job', job: 'sleep' });
  });

  it.concurrent('counts the idle time from the end of the last command, and says which one', async () => {
    const { verdict, tookMs, warning } = await watchToItsEnd('sleep 2', { idleSeconds: 2, jobSeconds: 600 });
    expect(verdict).toEqual({ end: 'idle', cause: null });
    expect(tookMs).toBeGreaterThan(3_900);
    expect(warning).toMatchObject({ reason: 'idle', since: expect.any(String) });
  });

  it.concurrent('lets no output of a background job hold it open beyond the cap', async () => {
    const { verdict, warning } = await watchToItsEnd('(while sleep 0.2; do echo tick; done) &', {
      idleSeconds: 1,
      jobSeconds: 4,
    });
    expect(verdict).toEqual({ end: 'expired', cause: null });
    expect(warning).toMatchObject({ reason: 'job' });
  });
});
