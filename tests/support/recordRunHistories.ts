import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { writeHistory } from '#tests/support/histories.ts';
import type { RunRecord } from '#platform/db/repositories/runs.ts';
import type { SessionRecord } from '#platform/db/repositories/sessions.ts';
import { startTestServers } from '#tests/support/servers.ts';
import { readRun, receiptOf, requestCancel, requestRun, startOf, workflowOf } from '#tests/support/runStage.ts';
import { createSessionStack, type SessionStack } from '#tests/support/sessionStack.ts';
import { waitFor } from '#tests/support/waitFor.ts';
import { cancelRunSignal } from '#workflows/run/run.messages.ts';

const FOLDER = fileURLToPath(new URL('../../workflows/run/histories', import.meta.url));

/** The lives of runs whose histories every later version of the workflow must be able to replay; the first one opens the session. */
const SCENARIOS: Readonly<Record<string, (stack: SessionStack, session: SessionRecord) => Promise<RunRecord>>> = {
  async 'cancelled-while-opening'(stack, session) {
    const run = await requestRun(stack, session, { command: 'true' });
    await waitFor(async () => (await readRun(stack, run)).status === 'starting');
    await requestCancel(stack, run);
    return run;
  },
  succeeded: (stack, session) => requestRun(stack, session, { file: 'main.py' }),
  'timed-out': (stack, session) => requestRun(stack, session, { command: 'sleep 300', timeLimitSeconds: 1 }),
  async 'cancelled-while-running'(stack, session) {
    const run = await requestRun(stack, session, { command: 'sleep 300' });
    await startOf(stack, run);
    await requestCancel(stack, run);
    return run;
  },
  async 'workflow-cancelled'(stack, session) {
    const run = await requestRun(stack, session, { command: 'sleep 300' });
    await startOf(stack, run);
    await workflowOf(stack, run).cancel();
    return run;
  },
  async 'started-again-after-terminate'(stack, session) {
    const run = await requestRun(stack, session, { command: 'sleep 300' });
    await startOf(stack, run);
    await workflowOf(stack, run).terminate();
    await requestCancel(stack, run);
    return run;
  },
  async 'strange-signals'(stack, session) {
    const run = await requestRun(stack, session, { command: 'sleep 300' });
    await startOf(stack, run);
    const handle = workflowOf(stack, run);
    for (const args of [[], ['now'], [7], [null]]) await handle.signal<unknown[]>('noSuchSignal', ...args);
    await handle.signal<unknown[]>('cancel', 'now');
    await handle.signal(cancelRunSignal, { actor: 'alice' });
    return run;
  },
  async 'refused-to-open'(stack, session) {
    await stack.close(session);
    await stack.reaches(session, 'closed');
    for (let number = 0; number < stack.config.SESSION_LIVE_LIMIT; number += 1) {
      await stack.database.query(
        `INSERT INTO sessions (user_id, name, phase, generation) VALUES ($1, 'other', 'running', 1)`,
        [session.userId],
      );
    }
    return requestRun(stack, session, { command: 'true' });
  },
};

/** Lives every scenario on servers of its own and writes their histories, without the names of this machine. */
async function record(): Promise<void> {
  const servers = await startTestServers();
  process.env['BERTH_TEST_POSTGRES_URL'] = servers.postgresUrl;
  process.env['BERTH_TEST_TEMPORAL_ADDRESS'] = servers.temporalAddress;
  mkdirSync(FOLDER, { recursive: true });
  try {
    const stack = await createSessionStack();
    const session = await stack.newSession();
    for (const [name, live] of Object.entries(SCENARIOS)) {
      const run = await live(stack, session);
      await receiptOf(stack, run);
      const handle = workflowOf(stack, run);
      await handle.result();
      writeHistory(FOLDER, name, await handle.fetchHistory());
    }
    await stack.stop();
  } finally {
    await servers.stop();
  }
}

await record();
