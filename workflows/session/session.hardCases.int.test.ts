import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { jest } from '@jest/globals';
import { createRuntimeActivities } from '#activities/createActivities.ts';
import { createEventListener } from '#platform/events/createEventListener.ts';
import { closeAbandonedSession } from '#platform/db/repositories/sessionRequests.ts';
import type { SessionRecord } from '#platform/db/repositories/sessions.ts';
import { killAgent } from '#tests/support/localPods.ts';
import { createSessionStack, fileOnVolume, sessionRun, type SessionStack } from '#tests/support/sessionStack.ts';
import { waitFor } from '#tests/support/waitFor.ts';

jest.setTimeout(120_000);

let stack: SessionStack;
beforeAll(async () => {
  stack = await createSessionStack();
});
afterAll(() => stack.stop());

/**
 * Starts a program that outlives SIGHUP, so that the close has to wait for it: five seconds of `saving`. It writes the
 * file itself, so that it has set its trap once the file is there.
 */
const stubborn = (file: string): string => `(trap '' HUP; echo newer > ${file}; sleep 300) &`;

async function opened(): Promise<SessionRecord> {
  const session = await stack.newSession();
  await stack.open(session);
  return stack.reaches(session, 'running');
}

/** Runs a line in a terminal and resolves once the file that it makes holds something: a shell creates it empty. */
async function make(session: SessionRecord, line: string, file: string): Promise<void> {
  await stack.type(session, line);
  await waitFor(() => fileOnVolume(stack, session, file), { what: `${file} on the volume` });
}

/** Writes a file beside the agent, as a program that still runs while the session is being saved would. */
async function writeBeside(session: SessionRecord, file: string): Promise<void> {
  await writeFile(path.join(stack.config.BERTH_DATA_DIR, 'volumes', session.uuid, 'workspace', file), 'newer\n');
}

/** Gives the session so many files that loading them takes a while. */
async function addManyFiles(session: SessionRecord): Promise<void> {
  await stack.database.query(
    `WITH file AS (SELECT n::text AS text, convert_to(n::text, 'UTF8') AS bytes FROM generate_series(1, 3000) AS n),
       blob AS (INSERT INTO blobs (sha256, bytes) SELECT encode(sha256(bytes), 'hex'), bytes FROM file
                ON CONFLICT (sha256) DO UPDATE SET touched_at = now())
     INSERT INTO workspace_items (session_id, name, type, content, sha256, size, full_path)
     SELECT $1, 'file-' || text, 'file', text, encode(sha256(bytes), 'hex'), length(bytes), '' FROM file`,
    [session.id],
  );
}

/** Whether the close that was asked for has come to the session's run. */
async function knowsOfClose(session: SessionRecord): Promise<boolean> {
  const run = sessionRun(stack, session);
  const { currentDetails } = await run.query<{ currentDetails: string }>('__temporal_workflow_metadata');
  return currentDetails.includes('asked to close by alice');
}

/** How often the session was in that phase. */
async function timesIn(session: SessionRecord, phase: string): Promise<number> {
  const rows = await stack.database.query(
    `SELECT 1 FROM events WHERE subject = 'session' AND subject_id = $1 AND kind = 'phase' AND payload ->> 'phase' = $2`,
    [session.id, phase],
  );
  return rows.length;
}

async function countItems(session: SessionRecord): Promise<number> {
  const rows = await stack.database.query(`SELECT id FROM workspace_items WHERE session_id = $1`, [session.id]);
  return rows.length;
}

async function closed(session: SessionRecord): Promise<void> {
  await stack.close(session);
  await stack.reaches(session, 'closed');
}

/** Nothing of the session is left but its rows. */
async function expectNothingLeft(session: SessionRecord): Promise<void> {
  const { pods, volumes } = await stack.runtime.list();
  expect([...pods, ...volumes].filter((object) => object.uuid === session.uuid)).toEqual([]);
  // The dispatcher looks for the effect of what it sent only from time to time.
  await waitFor(
    async () => {
      const intents = await stack.database.query(`SELECT id FROM intents WHERE subject_id = $1`, [session.id]);
      return intents.length === 0;
    },
    { what: 'the end of the intents' },
  );
}

// They wait for programs and processes to end far more than they work: some of them wait at once.
describe('a session', () => {
  it.concurrent('that is opened while it closes has all that was on the volume in the new generation', async () => {
    const session = await opened();
    await make(session, stubborn('newer.txt'), 'newer.txt');
    await stack.close(session);
    await stack.reaches(session, 'saving');
    await stack.open(session);
    await stack.reaches(session, 'running', 2);
    expect(await fileOnVolume(stack, session, 'newer.txt')).toBe('newer\n');
    await waitFor(async () => (await stack.fileInDatabase(session, 'newer.txt')) === 'newer\n');
    await closed(session);
    await expectNothingLeft(session);
  });

  it.concurrent('whose agent is killed while it is open recovers, and saves what its volume had newer', async () => {
    const session = await opened();
    await make(session, 'echo newer > newer.txt', 'newer.txt');
    await killAgent(stack.config, session.uuid);
    await waitFor(async () => (await timesIn(session, 'recovering')) === 1, { deadlineMs: 20_000 });
    await stack.reaches(session, 'running', 1);
    await waitFor(async () => (await stack.fileInDatabase(session, 'newer.txt')) === 'newer\n');
    await closed(session);
    await expectNothingLeft(session);
  });

  it.concurrent('whose agent is killed while it closes saves what its volume had newer, by another pod', async () => {
    const session = await opened();
    await make(session, stubborn('ready.txt'), 'ready.txt');
    await stack.close(session);
    await stack.reaches(session, 'saving');
    await writeBeside(session, 'newer.txt');
    await killAgent(stack.config, session.uuid);
    await stack.reaches(session, 'closed');
    expect(await stack.fileInDatabase(session, 'newer.txt')).toBe('newer\n');
    await expectNothingLeft(session);
  });

  it.concurrent('whose agent is killed while it opens gets another pod and runs', async () => {
    const session = await stack.newSession();
    await addManyFiles(session);
    await stack.open(session);
    await waitFor(() => fileOnVolume(stack, session, 'file-1'), { deadlineMs: 40_000, what: 'the first file' });
    await killAgent(stack.config, session.uuid);
    await stack.reaches(session, 'running');
    expect(await fileOnVolume(stack, session, 'file-3000')).toBe('3000');
    await closed(session);
    await expectNothingLeft(session);
  });

  it.concurrent('ends a job before the last scan of a close, and saves every line written until then', async () => {
    const session = await opened();
    const job = `(trap '' HUP; i=0; while :; do i=$((i+1)); echo $i $SECONDS >> job.txt; sleep 0.005; done) & disown`;
    await make(session, job, 'job.txt');
    await closed(session);
    const lines = (await stack.fileInDatabase(session, 'job.txt'))!.trimEnd().split('\n');
    const written = lines.map((line) => line.split(' ').map(Number) as [number, number]);
    const seconds = written.map(([, second]) => second);
    // It went on for the five seconds between SIGHUP and SIGKILL, however many lines a busy machine makes in them.
    expect(seconds.at(-1)! - seconds[0]!).toBeGreaterThanOrEqual(4);
    expect(written.map(([number]) => number)).toEqual(written.map((_, index) => index + 1));
    await expectNothingLeft(session);
  });

  it.concurrent('whose run was terminated closes in another run that saves what is on the volume', async () => {
    const session = await opened();
    await make(session, 'echo newer > newer.txt', 'newer.txt');
    await sessionRun(stack, session).terminate('an operator pressed the wrong button');
    await closed(session);
    expect(await stack.fileInDatabase(session, 'newer.txt')).toBe('newer\n');
    await expectNothingLeft(session);
  });

  it.concurrent('whose run was terminated while it saved is saved by another once the reaper asks', async () => {
    const session = await opened();
    await make(session, stubborn('ready.txt'), 'ready.txt');
    await stack.close(session);
    const saving = await stack.reaches(session, 'saving');
    await sessionRun(stack, session).terminate('an operator pressed the wrong button');
    await writeBeside(session, 'newer.txt');
    await stack.database.transaction((tx) =>
      closeAbandonedSession(stack.database, saving, { actor: 'the reaper', reason: 'operator' }, tx),
    );
    await stack.reaches(session, 'closed', 2);
    expect(await stack.fileInDatabase(session, 'newer.txt')).toBe('newer\n');
    await expectNothingLeft(session);
  });
});

describe('close while loading', () => {
  it('deletes nothing in the database, and opening again brings everything', async () => {
    const session = await stack.newSession();
    await addManyFiles(session);
    const before = await countItems(session);
    await stack.database.transaction(async (tx) => {
      // A load needs the blobs: as long as nobody can read them it goes on, however fast the machine is.
      await stack.database.query('LOCK TABLE blobs IN ACCESS EXCLUSIVE MODE', [], tx);
      await stack.open(session);
      await stack.reaches(session, 'loading');
      await stack.close(session);
      await waitFor(() => knowsOfClose(session), { what: 'the close in the details of the run' });
    });
    await stack.reaches(session, 'closed');
    expect(await timesIn(session, 'running')).toBe(0);
    expect(await countItems(session)).toBe(before);
    await expectNothingLeft(session);
    await stack.open(session);
    await stack.reaches(session, 'running', 2);
    expect(await fileOnVolume(stack, session, 'file-3000')).toBe('3000');
    await closed(session);
    expect(await countItems(session)).toBe(before);
  });
});

describe('a stale generation that writes late', () => {
  it('changes neither row nor pod nor volume of the one that replaced it', async () => {
    const session = await opened();
    await closed(session);
    await stack.open(session);
    const second = await stack.reaches(session, 'running', 2);
    const events = createEventListener({ config: stack.config, database: stack.database, log: stack.log });
    const late = createRuntimeActivities({ ...stack, events });
    const ref = { sessionId: session.id, uuid: session.uuid, generation: 1 };
    const before = await stack.runtime.list();
    try {
      expect(await late.recordPhase({ ...ref, phase: 'saving', reason: null })).toEqual({ current: false });
      expect(await late.recordEnd({ ...ref, phase: 'closed', reason: 'user' })).toEqual({ current: false });
      expect((await late.admit(ref)).admitted).toBe(false);
      await late.keepVolume({ ...ref, days: null });
      await late.deletePod(ref);
      expect(await late.deleteVolume(ref)).toEqual({ deleted: false });
      await expect(late.ensureVolume(ref)).rejects.toMatchObject({ type: 'STALE_GENERATION', nonRetryable: true });
      await expect(late.ensurePod({ ...ref, volumeId: 1, claimUid: 'x' })).rejects.toMatchObject({
        type: 'STALE_GENERATION',
      });
    } finally {
      await events.close();
    }
    expect(await stack.read(session)).toMatchObject({ phase: 'running', generation: 2, phaseReason: null });
    expect(await stack.volumeState(session)).toBe('live');
    const identities = (list: typeof before) => [...list.pods, ...list.volumes].map((object) => object.uid);
    expect(identities(await stack.runtime.list())).toEqual(identities(before));
    expect((await stack.agent(second)).closed).toBe(false);
    await closed(session);
  });
});

describe('a close before the open reached Temporal', () => {
  it('is carried out after it, and the session ends closed with nothing left over', async () => {
    await stack.stopWorkers();
    const session = await stack.newSession();
    await stack.open(session);
    await stack.close(session);
    expect(await stack.read(session)).toMatchObject({ phase: 'requested', generation: 1 });
    stack.startWorkers();
    await stack.reaches(session, 'closed', 1);
    await expectNothingLeft(session);
  });
});
