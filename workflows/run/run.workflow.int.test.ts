import { createHash } from 'node:crypto';
import { manifestText } from '#shared/domain/reviewManifest.ts';
import { loseAbandonedRuns } from '#platform/db/repositories/retention.ts';
import type { RunRecord } from '#platform/db/repositories/runs.ts';
import type { SessionRecord } from '#platform/db/repositories/sessions.ts';
import { readManifest } from '#platform/db/repositories/snapshots.ts';
import { killAgent } from '#tests/support/localPods.ts';
import {
  readRun,
  receiptOf,
  requestCancel,
  requestRun,
  startOf,
  workflowOf,
  type Receipt,
} from '#tests/support/runStage.ts';
import { saveInEditor } from '#tests/support/saveInEditor.ts';
import { createSessionStack, fileOnVolume, type SessionStack } from '#tests/support/sessionStack.ts';
import { waitFor } from '#tests/support/waitFor.ts';
import { cancelRunSignal, runStateQuery } from '#workflows/run/run.messages.ts';

let stack: SessionStack;
let session: SessionRecord;

beforeAll(async () => {
  stack = await createSessionStack({ SESSION_LIVE_LIMIT: '2', RUNS_AT_ONCE: '8' });
  session = await stack.newSession();
});
afterAll(() => stack.stop());

const started = async (wanted: Parameters<typeof requestRun>[2]): Promise<RunRecord> =>
  startOf(stack, await requestRun(stack, session, wanted));
const receipt = async (wanted: Parameters<typeof requestRun>[2]): Promise<Receipt> =>
  receiptOf(stack, await requestRun(stack, session, wanted));

// Those of the first two descriptions run at once: the first that comes opens their session for all.
describe('a run of a session that is closed', () => {
  it.concurrent('opens it, runs the file by its language, and names the files that it ran on', async () => {
    const own = await stack.newSession();
    const run = await requestRun(stack, own, { file: 'main.py' });
    expect(run.status).toBe('queued');
    const ended = await receiptOf(stack, run);
    expect(ended).toMatchObject({ status: 'succeeded', exitCode: 0, reason: null, limitsHit: [] });
    expect([ended.out, ended.err]).toEqual(['Hello from Berth!\n', '']);
    const text = manifestText(await readManifest(stack.database, own.id, null));
    expect(ended.manifestSha256).toBe(createHash('sha256').update(text).digest('hex'));
    expect((await stack.read(own)).phase).toBe('running');
    const [row] = await stack.database.query<{ input: unknown }>('SELECT input FROM runs WHERE id = $1', [run.id]);
    expect(row?.input).toBeNull();
    // What is saved by an editor is on the volume when the next one begins.
    await saveInEditor(stack, own, { path: 'main.py', content: 'print("changed")\n' });
    const second = await receiptOf(stack, await requestRun(stack, own, { file: 'main.py' }));
    expect(second.out).toBe('changed\n');
    expect(second.manifestSha256).not.toBe(ended.manifestSha256);
  });
});

describe('a run of an open session', () => {
  it.concurrent('has what was asked for, and ends as its program does', async () => {
    const ended = await receipt({
      command: 'mkdir -p made; read line; echo "$line $WORD"; echo wrong >&2; exit 7',
      stdin: 'hello\n',
      environment: { WORD: 'world' },
    });
    expect(ended).toMatchObject({ status: 'failed', exitCode: 7, out: 'hello world\n', err: 'wrong\n' });
    const [inside, missing] = await Promise.all([
      receipt({ command: 'pwd', folder: 'made' }),
      receipt({ command: 'true', folder: 'nothing' }),
    ]);
    expect(inside.out).toMatch(/\/made\n$/);
    expect(missing).toMatchObject({ status: 'failed', exitCode: null });
    expect(missing.reason).toContain('"nothing"');
  });

  it.concurrent('is ended by its time limit and cut by its output limit, and says so', async () => {
    const command = "trap '' TERM; yes";
    const ended = await receipt({ command, timeLimitSeconds: 1, outputLimitBytes: 2_048 });
    expect(ended).toMatchObject({ status: 'timed_out', limitsHit: ['time', 'output'], stdout: { kept: 2_048 } });
    expect(ended.stdout.bytes).toBeGreaterThan(1_000_000);
    expect(ended.out).toBe('y\n'.repeat(1_024));
  });

  it.concurrent('is ended by a person, with everything that it started', async () => {
    const run = await started({ command: '(sleep 300; echo late) & sleep 300' });
    await requestCancel(stack, run);
    expect(await receiptOf(stack, run)).toMatchObject({ status: 'cancelled', out: '' });
    // Asking again changes nothing.
    expect(await requestCancel(stack, run)).toMatchObject({ status: 'cancelled' });
  });

  it.concurrent('is ended by an operator who clicks on Send without any input', async () => {
    const run = await started({ command: 'sleep 300' });
    const handle = workflowOf(stack, run);
    expect(await handle.query(runStateQuery)).toMatchObject({ step: 'running', cancelRequested: false });
    await handle.signal<unknown[]>('nobody-knows-this', 7);
    await handle.signal(cancelRunSignal);
    expect(await receiptOf(stack, run)).toMatchObject({ status: 'cancelled' });
    expect(await handle.result()).toEqual({ status: 'cancelled' });
  });

  it.concurrent('takes the cancel of its workflow as its own', async () => {
    const run = await started({ command: 'sleep 300' });
    await workflowOf(stack, run).cancel();
    expect(await receiptOf(stack, run)).toMatchObject({ status: 'cancelled' });
  });

  it.concurrent('whose workflow was terminated is ended by a cancel all the same', async () => {
    const run = await started({ command: 'sleep 300' });
    await workflowOf(stack, run).terminate();
    await requestCancel(stack, run);
    expect(await receiptOf(stack, run)).toMatchObject({ status: 'cancelled', reason: null });
  });

  it('is found again, and was started once, by workers that begin anew', async () => {
    const waiting = 'echo begun; until [ -e go ]; do sleep 0.05; done; echo went on';
    const run = await started({ command: `echo once >> once.txt; ${waiting}; cat once.txt` });
    await stack.stopWorkers();
    stack.startWorkers();
    expect((await receipt({ command: 'touch go' })).status).toBe('succeeded');
    expect(await receiptOf(stack, run)).toMatchObject({ status: 'succeeded', out: 'begun\nwent on\nonce\n' });
  });

  it('of which nobody has heard for a day is given up', async () => {
    const run = await started({ command: 'sleep 300' });
    await workflowOf(stack, run).terminate();
    const lose = (): Promise<number> => loseAbandonedRuns(stack.database);
    expect(await lose()).toBe(0);
    await stack.database.query(`UPDATE runs SET updated_at = now() - interval '25 hours' WHERE id = $1`, [run.id]);
    await waitFor(async () => (await lose()) === 1, { what: 'the end of its request' });
    expect(await readRun(stack, run)).toMatchObject({ status: 'lost', exitCode: null });
  });

  it('is lost when its agent is started again, and says so', async () => {
    const run = await started({ command: 'echo twice >> twice.txt; sleep 300' });
    await waitFor(async () => (await fileOnVolume(stack, session, 'twice.txt')) !== null);
    await killAgent(stack.config, session.uuid);
    const ended = await receiptOf(stack, run);
    expect(ended.status).toBe('lost');
    expect(ended.reason).toContain('started again');
    await stack.reaches(session, 'running');
    expect(await fileOnVolume(stack, session, 'twice.txt')).toBe('twice\n');
  });

  it('has failed when the session is closed under it, and keeps what it had put out', async () => {
    const run = await started({ command: 'echo begun; touch begun.txt; sleep 300' });
    await waitFor(async () => (await fileOnVolume(stack, session, 'begun.txt')) !== null);
    await stack.close(session);
    const ended = await receiptOf(stack, run);
    expect(ended).toMatchObject({ status: 'failed', reason: 'The session was closed while it ran.', out: 'begun\n' });
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
    const ended = await receipt({ command: 'true' });
    expect(ended).toMatchObject({ status: 'failed', startedAt: null, manifestSha256: null });
    expect(ended.reason).toMatch(/could not be opened.*2.*"other 1".*Close one/);
    await stack.database.query(`DELETE FROM sessions WHERE name LIKE 'other %'`);
  });
});
