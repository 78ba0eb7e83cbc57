import { createHash } from 'node:crypto';
import { manifestText } from '#shared/domain/reviewManifest.ts';
import { findSessionIntent } from '#platform/db/repositories/intents.ts';
import { loseAbandonedRuns } from '#platform/db/repositories/retention.ts';
import type { SessionRecord } from '#platform/db/repositories/sessions.ts';
import { readManifest } from '#platform/db/repositories/snapshots.ts';
import { killAgent } from '#tests/support/localPods.ts';
import { readRun, receiptOf, requestCancel, requestRun, startOf, workflowOf } from '#tests/support/runStage.ts';
import { createSessionStack, type SessionStack } from '#tests/support/sessionStack.ts';
import { waitFor } from '#tests/support/waitFor.ts';
import { cancelRunSignal, runStateQuery } from '#workflows/run/run.messages.ts';

let stack: SessionStack;
let session: SessionRecord;

beforeAll(async () => {
  stack = await createSessionStack({ SESSION_LIVE_LIMIT: '2' });
  session = await stack.newSession();
});
afterAll(() => stack.stop());

/** A line that says that it has begun, and waits for a file. */
const WAITING = 'echo begun; until [ -e go ]; do sleep 0.05; done; echo went on';

describe('a run of a session that is closed', () => {
  it('opens it, runs the file by its language, and names the files that it ran on', async () => {
    const run = await requestRun(stack, session, { file: 'main.py' });
    expect(run.status).toBe('queued');
    const receipt = await receiptOf(stack, run);
    expect(receipt).toMatchObject({ status: 'succeeded', exitCode: 0, reason: null, limitsHit: [] });
    expect([receipt.out, receipt.err]).toEqual(['Hello from Berth!\n', '']);
    const text = manifestText(await readManifest(stack.database, session.id, null));
    expect(receipt.manifestSha256).toBe(createHash('sha256').update(text).digest('hex'));
    expect((await stack.read(session)).phase).toBe('running');
    const [row] = await stack.database.query<{ input: unknown }>('SELECT input FROM runs WHERE id = $1', [run.id]);
    expect(row?.input).toBeNull();
  });
});

describe('a run of an open session', () => {
  it('has what was asked for, and ends as its program does', async () => {
    const receipt = await receiptOf(
      stack,
      await requestRun(stack, session, {
        command: 'mkdir -p made; read line; echo "$line $WORD"; echo wrong >&2; exit 7',
        stdin: 'hello\n',
        environment: { WORD: 'world' },
      }),
    );
    expect(receipt).toMatchObject({ status: 'failed', exitCode: 7, out: 'hello world\n', err: 'wrong\n' });
    // What it left on the volume is there for the next one, and in the database.
    const inside = await receiptOf(stack, await requestRun(stack, session, { command: 'pwd', folder: 'made' }));
    expect(inside.out).toMatch(/\/made\n$/);
    const missing = await receiptOf(stack, await requestRun(stack, session, { command: 'true', folder: 'nothing' }));
    expect(missing).toMatchObject({ status: 'failed', exitCode: null, startedAt: expect.any(Date) as Date });
    expect(missing.reason).toContain('"nothing"');
  });

  it('is ended by its time limit and cut by its output limit, and says so', async () => {
    const run = await requestRun(stack, session, {
      command: "trap '' TERM; yes",
      timeLimitSeconds: 1,
      outputLimitBytes: 2_048,
    });
    const receipt = await receiptOf(stack, run);
    expect(receipt).toMatchObject({ status: 'timed_out', limitsHit: ['time', 'output'], stdout: { kept: 2_048 } });
    expect(receipt.stdout.bytes).toBeGreaterThan(1_000_000);
    expect(receipt.out).toBe('y\n'.repeat(1_024));
  });

  it('is ended by a cancel, by a person or an operator, with everything that it started', async () => {
    const byPerson = await requestRun(stack, session, { command: '(sleep 300; echo late) & sleep 300' });
    await startOf(stack, byPerson);
    await requestCancel(stack, byPerson);
    expect(await receiptOf(stack, byPerson)).toMatchObject({ status: 'cancelled', out: '' });
    const byOperator = await requestRun(stack, session, { command: 'sleep 300' });
    await startOf(stack, byOperator);
    const handle = workflowOf(stack, byOperator);
    expect(await handle.query(runStateQuery)).toMatchObject({ step: 'running', cancelRequested: false });
    await handle.signal<unknown[]>('nobody-knows-this', 7);
    // A click on Send without any input.
    await handle.signal(cancelRunSignal);
    expect(await receiptOf(stack, byOperator)).toMatchObject({ status: 'cancelled' });
    expect(await handle.result()).toEqual({ status: 'cancelled' });
    // Asking again changes nothing.
    expect(await requestCancel(stack, byOperator)).toMatchObject({ status: 'cancelled' });
  });

  it('takes the cancel of its workflow as its own', async () => {
    const run = await requestRun(stack, session, { command: 'sleep 300' });
    await startOf(stack, run);
    await workflowOf(stack, run).cancel();
    expect(await receiptOf(stack, run)).toMatchObject({ status: 'cancelled' });
  });

  it('is found again, and started once, by workers that begin anew', async () => {
    const run = await requestRun(stack, session, { command: `echo once >> once.txt; ${WAITING}; cat once.txt` });
    await startOf(stack, run);
    await waitFor(async () => (await stack.agent(session)).runs.wait !== undefined);
    await stack.stopWorkers();
    stack.startWorkers();
    const other = await requestRun(stack, session, { command: 'touch go' });
    expect((await receiptOf(stack, other)).status).toBe('succeeded');
    expect(await receiptOf(stack, run)).toMatchObject({ status: 'succeeded', out: 'begun\nwent on\nonce\n' });
  });

  it('whose workflow was terminated is ended by a cancel all the same', async () => {
    const run = await requestRun(stack, session, { command: 'sleep 300' });
    await startOf(stack, run);
    await workflowOf(stack, run).terminate();
    await requestCancel(stack, run);
    expect(await receiptOf(stack, run)).toMatchObject({ status: 'cancelled', reason: null });
  });

  it('of which nobody has heard for a day is given up', async () => {
    const run = await requestRun(stack, session, { command: 'sleep 300' });
    await startOf(stack, run);
    await workflowOf(stack, run).terminate();
    expect(await loseAbandonedRuns(stack.database)).toBe(0);
    await stack.database.query(`UPDATE runs SET updated_at = now() - interval '25 hours' WHERE id = $1`, [run.id]);
    expect(await loseAbandonedRuns(stack.database)).toBe(1);
    expect(await readRun(stack, run)).toMatchObject({ status: 'lost', exitCode: null });
  });

  it('is lost when its agent is started again, and says so', async () => {
    const run = await requestRun(stack, session, { command: `echo twice >> twice.txt; sleep 300` });
    await startOf(stack, run);
    await killAgent(stack.config, session.uuid);
    const receipt = await receiptOf(stack, run);
    expect(receipt.status).toBe('lost');
    expect(receipt.reason).toContain('started again');
    await stack.reaches(session, 'running');
    const count = await receiptOf(stack, await requestRun(stack, session, { command: 'cat twice.txt' }));
    expect(count.out).toBe('twice\n');
  });

  it('has failed when the session is closed under it, and keeps what it had put out', async () => {
    const run = await requestRun(stack, session, { command: 'echo begun; sleep 300' });
    await startOf(stack, run);
    await waitFor(async () => (await stack.agent(session)).activity().then(({ foregroundJob }) => foregroundJob));
    await stack.close(session);
    const receipt = await receiptOf(stack, run);
    expect(receipt).toMatchObject({ status: 'failed', reason: 'The session was closed while it ran.', out: 'begun\n' });
    await stack.reaches(session, 'closed');
  });
});

describe('a run that cannot begin', () => {
  it('is cancelled at once while nobody has begun with it', async () => {
    await stack.stopWorkers();
    const run = await requestRun(stack, session, { command: 'touch never' });
    expect(await requestCancel(stack, run)).toMatchObject({ status: 'cancelled', startedAt: null });
    stack.startWorkers();
    await waitFor(async () => {
      const intents = await stack.database.query(`SELECT 1 FROM intents WHERE subject = 'run'`);
      return intents.length === 0;
    });
    expect(await findSessionIntent(stack.database, { sessionId: session.id, generation: 2, kind: 'open' })).toBeNull();
    expect((await stack.read(session)).phase).toBe('closed');
  });

  it('has failed with the reason when its person has too many open sessions', async () => {
    const others = [1, 2].map((number) => `other ${String(number)}`);
    for (const name of others) {
      await stack.database.query(
        `INSERT INTO sessions (user_id, name, phase, generation) VALUES ($1, $2, 'running', 1)`,
        [session.userId, name],
      );
    }
    const receipt = await receiptOf(stack, await requestRun(stack, session, { command: 'true' }));
    expect(receipt).toMatchObject({ status: 'failed', startedAt: null, manifestSha256: null });
    expect(receipt.reason).toMatch(/could not be opened.*2.*"other 1".*Close one/);
    await stack.database.query(`DELETE FROM sessions WHERE name LIKE 'other %'`);
  });
});
