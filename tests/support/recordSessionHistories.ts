import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ApplicationFailure } from '@temporalio/activity';
import { writeHistory } from '#tests/support/histories.ts';
import type { WorkflowHandle } from '@temporalio/client';
import { buildFrozenReview, decideFrozenReview, openHoldersCopy } from '#tests/support/frozenReview.ts';
import { killAgent } from '#tests/support/localPods.ts';
import { startTestServers } from '#tests/support/servers.ts';
import { createSessionStack, fileOnVolume, sessionRun, type SessionStack } from '#tests/support/sessionStack.ts';
import { createStepRunner, untilCancelled, type StartedSession, type StepRunner } from '#tests/support/sessionSteps.ts';
import { waitFor } from '#tests/support/waitFor.ts';
import {
  closeAndWaitUpdate,
  closeSignal,
  extendSignal,
  requestSyncSignal,
  syncNowUpdate,
} from '#workflows/session/session.messages.ts';

const FOLDER = fileURLToPath(new URL('../../workflows/session/histories', import.meta.url));
/** Outlives SIGHUP, so that the close has to wait for it. */
const STUBBORN = `(trap '' HUP; sleep 300) &`;

/** Lives on the real parts. Each leaves its session ended and answers the runs whose histories are kept. */
const LIVES: Readonly<Record<string, (stack: SessionStack) => Promise<WorkflowHandle[]>>> = {
  async 'opened-synced-closed'(stack) {
    const session = await opened(stack);
    const run = sessionRun(stack, session);
    await stack.type(session, 'echo hi > hi.txt');
    await waitFor(async () => (await stack.fileInDatabase(session, 'hi.txt')) === 'hi\n');
    await run.executeUpdate(syncNowUpdate, { args: [{ opId: 'sync' }] });
    await run.signal(extendSignal, { opId: 'extend', until: new Date(Date.now() + 3_600_000).toISOString() });
    await waitFor(async () => (await stack.read(session)).expiresAt !== null);
    await stack.close(session);
    await stack.reaches(session, 'closed');
    return [run];
  },
  async 'opened-while-closing'(stack) {
    const session = await opened(stack);
    const { runId } = await sessionRun(stack, session).describe();
    await stack.type(session, `${STUBBORN} echo hi > hi.txt`);
    await waitFor(async () => (await fileOnVolume(stack, session, 'hi.txt')) !== null);
    await stack.close(session);
    await stack.reaches(session, 'saving');
    await stack.open(session);
    await stack.reaches(session, 'running', 2);
    await stack.close(session);
    await stack.reaches(session, 'closed');
    return [runOf(stack, session.uuid, runId), sessionRun(stack, session)];
  },
  async recovered(stack) {
    const session = await opened(stack);
    await killAgent(stack.config, session.uuid);
    await stack.reaches(session, 'recovering');
    await stack.reaches(session, 'running');
    await stack.close(session);
    await stack.reaches(session, 'closed');
    return [sessionRun(stack, session)];
  },
  async 'copy-thrown-away'(stack) {
    const review = await buildFrozenReview(stack.database);
    const copy = await openHoldersCopy(stack, review);
    await stack.reaches(copy, 'running');
    await decideFrozenReview(stack, review);
    await stack.reaches(copy, 'closed');
    return [sessionRun(stack, copy)];
  },
  async 'copy-given-back'(stack) {
    const review = await buildFrozenReview(stack.database);
    const copy = await openHoldersCopy(stack, review);
    await stack.reaches(copy, 'running');
    await stack.database.query('UPDATE review_requests SET assigned_to = NULL WHERE id = $1', [review.id]);
    await stack.reaches(copy, 'closed');
    return [sessionRun(stack, copy)];
  },
  async 'strange-signals'(stack) {
    const session = await opened(stack);
    const run = sessionRun(stack, session);
    for (const name of ['open', 'extend', 'requestSync', 'nobody-knows-this']) {
      for (const args of [[], [{}], ['text'], [{ opId: 5, generation: 'x', until: 7 }]]) {
        await run.signal<unknown[]>(name, ...args);
      }
    }
    await run.signal<unknown[]>('close', 'text');
    await run.executeUpdate(closeAndWaitUpdate, { args: [{ opId: 'close' }] });
    return [run];
  },
};

/** Lives whose turns no real part takes on demand; their steps are plain objects. */
const TURNS: Readonly<
  Record<string, (runner: StepRunner) => Promise<{ uuid: string; runIds: (string | undefined)[] }>>
> = {
  async 'closed-while-loading'(runner) {
    const session = await runner.start({ loadFiles: untilCancelled });
    await waitFor(() => session.calls.includes('loadFiles'));
    await session.handle.signal(closeSignal, { reason: 'user' });
    await session.handle.result();
    return { uuid: session.uuid, runIds: [undefined] };
  },
  async 'continued-as-new'(runner) {
    const session = await runner.start(
      { inspectVolume: async () => ({ state: 'live' }) },
      { limits: { historyEvents: 60 } },
    );
    await waitFor(() => session.calls.includes('watchSession'));
    const { runId } = await session.handle.describe();
    for (let count = 1; (await session.handle.describe()).runId === runId; count += 1) {
      await session.handle.executeUpdate(syncNowUpdate, { args: [{ opId: `sync-${count}` }] });
    }
    await session.handle.signal(requestSyncSignal);
    await session.handle.signal(closeSignal);
    await ended(session);
    return { uuid: session.uuid, runIds: [runId, undefined] };
  },
  async 'open-failed'(runner) {
    const session = await runner.start({
      ensurePod: async () => {
        throw ApplicationFailure.nonRetryable('the quota is used up', 'QuotaExceeded');
      },
    });
    await ended(session);
    return { uuid: session.uuid, runIds: [undefined] };
  },
  async 'open-hopeless'(runner) {
    const session = await runner.start({
      awaitAgent: async () => {
        const details = [{ cause: 'image-pull', hopeless: true }];
        throw ApplicationFailure.create({
          message: 'no such image',
          type: 'AGENT_UNREACHABLE',
          nonRetryable: true,
          details,
        });
      },
    });
    await ended(session);
    return { uuid: session.uuid, runIds: [undefined] };
  },
  async 'node-lost-and-back'(runner) {
    const ends = [{ end: 'node-lost', cause: 'node-lost' } as const, { end: 'node-back', cause: null } as const];
    const session = await runner.start({ watchSession: async () => ends.shift() ?? untilCancelled() });
    await waitFor(() => session.calls.filter((call) => call === 'watchSession').length === 3);
    await session.handle.signal(closeSignal, { reason: 'user' });
    await ended(session);
    return { uuid: session.uuid, runIds: [undefined] };
  },
  async 'sync-failed-and-again'(runner) {
    let tries = 0;
    const session = await runner.start({
      inspectVolume: async () => ({ state: 'live' }),
      reconcile: async () => {
        tries += 1;
        if (tries === 2) throw ApplicationFailure.nonRetryable('no agent', 'AGENT_UNREACHABLE');
        return { changed: 0, conflicts: 0, notSaved: 0, more: false };
      },
    });
    await waitFor(() => session.calls.includes('watchSession'));
    tries = 1;
    await session.handle.signal(requestSyncSignal);
    await waitFor(() => tries === 3, { deadlineMs: 60_000 });
    await session.handle.signal(closeSignal, { reason: 'user' });
    await ended(session);
    return { uuid: session.uuid, runIds: [undefined] };
  },
  async 'database-away'(runner) {
    let away = true;
    const session = await runner.start({
      ensureVolume: async () => {
        if (away) throw ApplicationFailure.nonRetryable('connect ECONNREFUSED', 'DATABASE_UNAVAILABLE');
        return { volumeId: 1, claimUid: 'claim', state: 'live' };
      },
    });
    await waitFor(() => session.calls.includes('ensureVolume'));
    away = false;
    await waitFor(() => session.calls.includes('watchSession'), { deadlineMs: 60_000 });
    await session.handle.signal(closeSignal, { reason: 'user' });
    await ended(session);
    return { uuid: session.uuid, runIds: [undefined] };
  },
  async 'volume-kept'(runner) {
    const session = await runner.start({
      inspectVolume: async () => ({ state: 'live' }),
      quiesce: async () => {
        throw ApplicationFailure.nonRetryable('no agent', 'AGENT_UNREACHABLE');
      },
    });
    await waitFor(() => session.calls.includes('watchSession'));
    await session.handle.cancel();
    await ended(session);
    return { uuid: session.uuid, runIds: [undefined] };
  },
};

const ended = (session: StartedSession) =>
  waitFor(async () => (await session.handle.describe()).status.name !== 'RUNNING', { deadlineMs: 30_000 });

async function opened(stack: SessionStack) {
  const session = await stack.newSession();
  await stack.open(session);
  return stack.reaches(session, 'running');
}

function runOf(stack: SessionStack, uuid: string, runId: string | undefined): WorkflowHandle {
  return stack.temporal.client.workflow.getHandle(`session/${uuid}`, runId);
}

/** The scenarios that are named on the command line; all of them when none is. */
function chosen<Life>(lives: Readonly<Record<string, Life>>): [string, Life][] {
  const names = process.argv.slice(2);
  return Object.entries(lives).filter(([name]) => names.length === 0 || names.includes(name));
}

/** Lives every scenario on servers of its own and writes their histories, without the names of this machine. */
async function record(): Promise<void> {
  const servers = await startTestServers();
  process.env['BERTH_TEST_POSTGRES_URL'] = servers.postgresUrl;
  process.env['BERTH_TEST_TEMPORAL_ADDRESS'] = servers.temporalAddress;
  mkdirSync(FOLDER, { recursive: true });
  try {
    const stack = await createSessionStack();
    for (const [name, live] of chosen(LIVES)) await write(name, await live(stack));
    await stack.stop();
    const runner = await createStepRunner();
    for (const [name, live] of chosen(TURNS)) {
      const { uuid, runIds } = await live(runner);
      const handle = (runId: string | undefined) => runner.temporal.client.workflow.getHandle(`session/${uuid}`, runId);
      await write(name, runIds.map(handle));
    }
    await runner.close();
  } finally {
    await servers.stop();
  }
}

async function write(name: string, runs: WorkflowHandle[]): Promise<void> {
  for (const [index, run] of runs.entries()) {
    const file = runs.length === 1 ? name : `${name}-${index + 1}`;
    writeHistory(FOLDER, file, await run.fetchHistory());
  }
}

await record();
