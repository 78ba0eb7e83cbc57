import { down, up } from '../../../migrations/2026.11.23T07.runs.ts';
import * as copies from '../../../migrations/2026.11.23T20.runningCopies.ts';
import * as repositories from '../../../migrations/2026.11.23T21.sessionRepositories.ts';
import {
  countLiveRuns,
  admitRun,
  bindRun,
  endRun,
  insertRun,
  requestRunCancel,
} from '#platform/db/repositories/runs.ts';
import type { RunRecord } from '#platform/db/repositories/runs.ts';
import { createTestDatabase, type TestDatabase } from '#tests/support/database.ts';
import { build, type BuiltSession } from '#tests/support/factories.ts';

let test: TestDatabase;
let session: BuiltSession;

beforeAll(async () => {
  test = await createTestDatabase();
  session = await build.session(test.database);
});
afterAll(() => test.drop());

const LOST = { status: 'lost', reason: null, program: null } as const;

function newRun(): Promise<RunRecord> {
  const command = {
    line: 'true',
    file: null,
    arguments: [],
    argv: ['true'],
    folder: '',
    environment: [],
    stdinBytes: 0,
  };
  const limits = { timeLimitSeconds: 60, outputLimitBytes: 1_024 };
  const input = { stdin: '', environment: {} };
  return test.database.transaction((tx) =>
    insertRun(test.database, { sessionId: session.id, requestedBy: session.userId, command, input, ...limits }, tx),
  );
}

describe('the row of a run', () => {
  it('is bound to one life of one agent, however many ask', async () => {
    const { id } = await newRun();
    await admitRun(test.database, id);
    const lives = Array.from({ length: 5 }, (_, number) => `boot-${String(number)}`);
    const bound = await Promise.all(lives.map((bootId) => bindRun(test.database, { id, generation: 1, bootId })));
    expect(new Set(bound.map((run) => run?.bootId)).size).toBe(1);
    expect(bound[0]).toMatchObject({ status: 'running', generation: 1 });
  });

  it('is bound to none once its end was asked for', async () => {
    const { id } = await newRun();
    await admitRun(test.database, id);
    await requestRunCancel(test.database, id);
    expect(await bindRun(test.database, { id, generation: 1, bootId: 'boot' })).toMatchObject({
      status: 'starting',
      bootId: null,
    });
  });

  it('is ended once, and nothing begins after that', async () => {
    const { id } = await newRun();
    const ends = await Promise.all([1, 2, 3].map(() => endRun(test.database, id, LOST)));
    expect(ends.filter((end) => end !== null)).toHaveLength(1);
    expect(await admitRun(test.database, id)).toBeNull();
    expect(await bindRun(test.database, { id, generation: 1, bootId: 'boot' })).toBeNull();
    expect(await requestRunCancel(test.database, id)).toBeNull();
  });

  it('waits for nobody for ever when its session is changed meanwhile', async () => {
    const runs = await Promise.all(Array.from({ length: 8 }, newRun));
    await Promise.all(
      runs.flatMap(({ id }) => [
        admitRun(test.database, id),
        requestRunCancel(test.database, id),
        endRun(test.database, id, LOST),
        test.database.query(`SELECT publish_session_event($1, 'session', '{}')`, [session.id]),
      ]),
    );
    await Promise.all(runs.map(({ id }) => endRun(test.database, id, LOST)));
    const live = await countLiveRuns(test.database, session.id, null);
    expect(live).toBe(2);
  });

  it('goes with its session', async () => {
    const { id } = await newRun();
    await test.database.query('DELETE FROM sessions WHERE id = $1', [session.id]);
    expect(await endRun(test.database, id, LOST)).toBeNull();
  });
});

describe('the migration of runs', () => {
  it('can be taken back, with what waits for it, and made again', async () => {
    const context = { name: 'runs', path: '', context: test.database.sequelize.getQueryInterface() };
    await test.database.query(
      `INSERT INTO intents (subject, subject_id, kind, op_id) VALUES ('run', 1, 'start_run', gen_random_uuid())`,
    );
    // What came later and refers to runs goes first, as the runner has it.
    await repositories.down(context);
    await copies.down(context);
    await down(context);
    expect(await test.database.query(`SELECT 1 FROM intents WHERE subject = 'run'`)).toEqual([]);
    await expect(test.database.query('SELECT 1 FROM runs')).rejects.toThrow();
    await up(context);
    await copies.up(context);
    await repositories.up(context);
    expect(await test.database.query('SELECT 1 FROM runs')).toEqual([]);
    expect(await test.database.query('SELECT 1 FROM session_repositories')).toEqual([]);
  });
});
