import { describeFile } from '#platform/db/content.ts';
import { readTreeAt } from '#platform/db/repositories/itemPeriods.ts';
import { readTree, writeTree } from '#platform/db/repositories/itemBatches.ts';
import { storeBlobs } from '#platform/db/repositories/blobs.ts';
import { removeUnreferencedBlobs } from '#platform/db/repositories/retention.ts';
import { createSnapshot } from '#platform/db/repositories/snapshots.ts';
import { listTrashedSessions, trashSession, untrashSession } from '#platform/db/repositories/sessionTrash.ts';
import { lockSessionById } from '#platform/db/repositories/sessions.ts';
import { tellExpiringVolumes } from '#platform/db/repositories/volumeNotices.ts';
import { insertVolume } from '#platform/db/repositories/volumes.ts';
import { purgeTrash, retainVersions } from '#activities/maintenance/retainFiles.ts';
import { createLog } from '#platform/observability/log.ts';
import type { Tx } from '#platform/db/database.ts';
import { createTestDatabase, type TestDatabase } from '#tests/support/database.ts';
import { build, type BuiltSession } from '#tests/support/factories.ts';

let test: TestDatabase;
beforeAll(async () => {
  test = await createTestDatabase({ MAX_VERSION_BYTES: '1048576' });
});
afterAll(() => test.drop());

let session: BuiltSession;
beforeEach(async () => {
  session = await build.session(test.database);
});

const retain = () => retainVersions({ ...test, log: createLog(test.config, 'test') });
const purge = () => purgeTrash({ ...test, log: createLog(test.config, 'test') });

function locked<T>(sessionId: number, work: (tx: Tx) => Promise<T>): Promise<T> {
  return test.database.transaction(async (tx) => {
    await lockSessionById(test.database, sessionId, tx);
    return work(tx);
  });
}

/** What a terminal wrote, so many seconds after the start of a day some days ago. */
async function written(path: string, content: string, { days, seconds }: { days: number; seconds: number }) {
  const file = describeFile(Buffer.from(content));
  await locked(session.id, async (tx) => {
    const at = `date_trunc('day', now(), 'UTC') - make_interval(days => ${days}) + make_interval(secs => ${seconds})`;
    const set = `SELECT set_config('berth.tree_moment', (${at})::text, true)`;
    await test.database.query(set, [], tx);
    await storeBlobs(test.database, [file], tx);
    const rows = await readTree(test.database, session.id, tx);
    const { sha256, size, encoding } = file;
    const files = [{ path, sha256, size, encoding, executable: false, source: 'terminal' as const }];
    await writeTree(test.database, { sessionId: session.id, rows, removed: [], folders: [], files }, tx);
    await test.database.query(
      `UPDATE file_versions SET created_at = ${at} WHERE id = (SELECT max(id) FROM file_versions WHERE session_id = $1)`,
      [session.id],
      tx,
    );
  });
}

async function kept(): Promise<string[]> {
  const rows = await test.database.query<{ text: string }>(
    `SELECT left(convert_from(b.bytes, 'UTF8'), 20) AS text FROM file_versions v JOIN blobs b USING (sha256)
     WHERE v.session_id = $1 ORDER BY v.id`,
    [session.id],
  );
  return rows.map((row) => row.text);
}

async function contentAt(path: string, { days, seconds }: { days: number; seconds: number }): Promise<string | null> {
  const [row] = await test.database.query<{ at: string }>(
    `SELECT (date_trunc('day', now(), 'UTC') - make_interval(days => $1) + make_interval(secs => $2))::text AS at`,
    [days, seconds],
  );
  const entry = (await readTreeAt(test.database, { sessionId: session.id, at: row!.at })).get(path);
  const [blob] = await test.database.query<{ text: string }>(
    `SELECT convert_from(bytes, 'UTF8') AS text FROM blobs WHERE sha256 = $1`,
    [entry?.sha256 ?? null],
  );
  return blob?.text ?? null;
}

describe('versions that a terminal made', () => {
  it('thin out with age, and the past goes on with those that are left', async () => {
    await written('log', 'first', { days: 3, seconds: 10 });
    await written('log', 'second', { days: 3, seconds: 3_500 });
    await written('log', 'third', { days: 3, seconds: 3_700 });
    await written('log', 'fourth', { days: 3, seconds: 3_710 });
    await written('log', 'live', { days: 0, seconds: 0 });
    expect(await retain()).toBe(2);
    expect(await kept()).toEqual(['second', 'fourth', 'live']);
    expect(await retain()).toBe(0);
    await test.database.query(`UPDATE blobs SET touched_at = now() - interval '2 hours'`);
    expect(await removeUnreferencedBlobs(test.database)).toBe(2);
    expect(await contentAt('log', { days: 3, seconds: 20 })).toBe('second');
    expect(await contentAt('log', { days: 3, seconds: 3_705 })).toBe('second');
    expect(await contentAt('log', { days: 3, seconds: 3_720 })).toBe('fourth');
    expect(await contentAt('log', { days: 3, seconds: 5 })).toBeNull();
    const periods = await test.database.query(`SELECT 1 FROM item_periods WHERE session_id = $1`, [session.id]);
    expect(periods).toHaveLength(3);
  });

  it('stay while a file, a snapshot or the base of a volume has their content', async () => {
    for (const [index, text] of ['frozen', 'agreed', 'thinned', 'live', 'newest'].entries()) {
      await written('a', text, { days: 3, seconds: index });
      if (text === 'frozen') {
        await locked(session.id, (tx) =>
          createSnapshot(test.database, { sessionId: session.id, createdBy: session.userId }, tx),
        );
      }
      if (text === 'agreed') {
        const { id } = await insertVolume(test.database, session.id);
        await test.database.query(
          `INSERT INTO sync_base (volume_id, path, type, sha256) SELECT $1, 'moved', 'file', sha256 FROM workspace_items WHERE session_id = $2`,
          [id, session.id],
        );
      }
    }
    await test.database.query(
      `UPDATE workspace_items SET sha256 = encode(sha256('live'), 'hex'), content = 'live' WHERE session_id = $1`,
      [session.id],
    );
    expect(await retain()).toBe(1);
    expect(await kept()).toEqual(['frozen', 'agreed', 'live', 'newest']);
  });

  it('go from the oldest on when there are too many bytes, and leave the trash with their last content', async () => {
    const text = (letter: string) => letter.repeat(400_000);
    await written('gone', text('a'), { days: 5, seconds: 0 });
    await test.database.query(`DELETE FROM workspace_items WHERE session_id = $1`, [session.id]);
    await written('b', text('b'), { days: 4, seconds: 0 });
    await written('b', text('c'), { days: 2, seconds: 0 });
    expect(await retain()).toBe(1);
    expect(await kept()).toEqual([text('b').slice(0, 20), text('c').slice(0, 20)]);
    expect(await test.database.query(`SELECT 1 FROM deleted_files WHERE session_id = $1`, [session.id])).toEqual([]);
    expect(await contentAt('gone', { days: 4, seconds: 60 })).toBeNull();
  });
});

describe('a kept volume', () => {
  const keep = (until: string) =>
    test.database.query(`UPDATE volumes SET state = 'kept', kept_until = now() + $2::interval WHERE session_id = $1`, [
      session.id,
      until,
    ]);
  const told = () =>
    test.database.query(`SELECT payload FROM events WHERE subject_id = $1 AND kind = 'volumeExpires'`, [session.id]);

  it('is announced to go once, in its last day, and again when it is kept anew', async () => {
    await insertVolume(test.database, session.id);
    await keep('25 hours');
    await tellExpiringVolumes(test.database);
    expect(await told()).toEqual([]);
    await keep('23 hours');
    expect([await tellExpiringVolumes(test.database), await tellExpiringVolumes(test.database)]).toEqual([1, 0]);
    expect(await told()).toEqual([{ payload: { until: expect.any(String) } }]);
    await keep('22 hours');
    await tellExpiringVolumes(test.database);
    expect(await told()).toHaveLength(2);
  });
});

describe('a session in the trash', () => {
  const trash = () => locked(session.id, (tx) => trashSession(test.database, { id: session.id, actor: 'alice' }, tx));
  const age = (days: number) =>
    test.database.query(`UPDATE sessions SET deleted_at = now() - make_interval(hours => $2) WHERE id = $1`, [
      session.id,
      days * 24,
    ]);
  const left = async () => {
    const tables = ['sessions WHERE id', 'workspace_items WHERE session_id', 'file_versions WHERE session_id'];
    const more = ['item_periods', 'deleted_files', 'recordings', 'volumes', 'snapshots'].map(
      (table) => `${table} WHERE session_id`,
    );
    const counts = [...tables, ...more].map(async (table) => {
      const [row] = await test.database.query<{ count: number }>(
        `SELECT count(*)::integer AS count FROM ${table} = $1`,
        [session.id],
      );
      return [table.split(' ')[0], row!.count] as const;
    });
    return Object.fromEntries(await Promise.all(counts));
  };
  const mine = () => listTrashedSessions(test.database, { userId: session.userId, cursor: null, limit: 10 });

  beforeEach(async () => {
    await build.file(test.database, { sessionId: session.id, name: 'a.txt' });
    const gone = await build.file(test.database, { sessionId: session.id, name: 'b.txt' });
    await test.database.query(`DELETE FROM workspace_items WHERE id = $1`, [gone.id]);
    await insertVolume(test.database, session.id);
    await test.database.query(
      `INSERT INTO recordings (id, session_id, terminal_id, terminal_name, with_input) VALUES (gen_random_uuid(), $1, 'a', 'a', false)`,
      [session.id],
    );
    await trash();
  });

  it('waits 30 days, and whoever takes it out in time has all of it', async () => {
    await age(29);
    await purge();
    expect(await left()).toMatchObject({ sessions: 1, workspace_items: 1, deleted_files: 1, volumes: 1 });
    expect(await mine()).toMatchObject([{ uuid: session.uuid, isReviewed: false }]);
    await locked(session.id, (tx) => untrashSession(test.database, session.id, tx));
    await purge();
    expect(await left()).toMatchObject({ sessions: 1, workspace_items: 1 });
    expect(await mine()).toEqual([]);
  });

  it('goes with all that is its own after that, unless it is still closing', async () => {
    await age(31);
    await locked(session.id, (tx) =>
      createSnapshot(test.database, { sessionId: session.id, createdBy: session.userId }, tx),
    );
    await test.database.query(`UPDATE sessions SET phase = 'saving' WHERE id = $1`, [session.id]);
    expect(await purge()).toBe(0);
    await test.database.query(`UPDATE sessions SET phase = 'closed' WHERE id = $1`, [session.id]);
    expect(await purge()).toBe(1);
    expect(new Set(Object.values(await left()))).toEqual(new Set([0]));
  });

  it('keeps its row, its snapshots and the review that refers to it, and loses its files', async () => {
    await age(31);
    const snapshot = await locked(session.id, (tx) =>
      createSnapshot(test.database, { sessionId: session.id, createdBy: session.userId }, tx),
    );
    const given = { sessionUuid: session.uuid, submittedBy: session.userId, snapshotId: snapshot.id };
    const review = await build.review(test.database, given);
    await test.database.query(`UPDATE review_requests SET withdrawn_at = now() WHERE id = $1`, [review.id]);
    expect(await mine()).toMatchObject([{ isReviewed: true }]);
    expect(await purge()).toBe(1);
    expect(await left()).toEqual({
      sessions: 1,
      snapshots: 1,
      workspace_items: 0,
      file_versions: 0,
      item_periods: 0,
      deleted_files: 0,
      recordings: 0,
      volumes: 0,
    });
    expect(await test.database.query(`SELECT 1 FROM review_requests WHERE id = $1`, [review.id])).toHaveLength(1);
    expect(await mine()).toEqual([]);
    expect(await purge()).toBe(0);
  });
});
