import { createHash } from 'node:crypto';
import { createTestDatabase, type TestDatabase } from '#tests/support/database.ts';
import { build, type BuiltSession, type BuiltUser } from '#tests/support/factories.ts';
import type { Database } from '#platform/db/database.ts';
import { insertComment, publishDrafts, setResolved, updateDraft } from '#platform/db/repositories/reviewComments.ts';
import {
  appendHistory,
  findHistoryByOpId,
  listHistory,
  verifyHistory,
} from '#platform/db/repositories/reviewHistory.ts';
import {
  claimReview,
  decideReview,
  findReview,
  insertReview,
  listReviews,
  lockReview,
  releaseReview,
  setSnapshot,
  withdrawReview,
  type NewReview,
} from '#platform/db/repositories/reviews.ts';
import {
  createSnapshot,
  findSnapshotItem,
  listSnapshotItems,
  manifestHash,
} from '#platform/db/repositories/snapshots.ts';

let test: TestDatabase;
let database: Database;
let author: BuiltUser;
let reviewer: BuiltUser;
let session: BuiltSession;

beforeAll(async () => {
  test = await createTestDatabase();
  database = test.database;
});
afterAll(() => test.drop());
beforeEach(async () => {
  author = await build.user(database);
  reviewer = await build.user(database, { reviewerLevel: 1 });
  session = await build.session(database, { userId: author.id });
});

function submission(change: Partial<NewReview> = {}): NewReview {
  return {
    sessionUuid: session.uuid,
    submittedBy: author.id,
    title: 'Please look',
    description: '',
    priority: 'medium',
    round: 1,
    previousReviewId: null,
    dueSeconds: 86_400,
    ...change,
  };
}

async function openReview(change: Partial<NewReview> = {}): Promise<number> {
  const id = await database.transaction((tx) => insertReview(database, submission(change), tx));
  if (id === null) throw new Error('the session has an open review');
  return id;
}

async function reviewWithSnapshot(): Promise<{ reviewId: number; snapshotId: number }> {
  const reviewId = await openReview();
  const snapshotId = await freeze();
  await setSnapshot(database, { reviewId, snapshotId }, null);
  return { reviewId, snapshotId };
}

async function freeze(): Promise<number> {
  const snapshot = await database.transaction((tx) =>
    createSnapshot(database, { sessionId: session.id, createdBy: author.id }, tx),
  );
  return snapshot.id;
}

describe('an open review', () => {
  it('is the only one of its session until it is decided or withdrawn', async () => {
    const first = await openReview();
    await expect(openReview()).rejects.toThrow('the session has an open review');
    await expect(build.review(database, { sessionUuid: session.uuid, submittedBy: author.id })).rejects.toThrow();
    await withdrawReview(database, first, null);
    const second = await openReview({ round: 2, previousReviewId: first });
    expect((await findReview(database, second))?.previousReviewId).toBe(first);
  });

  it('is inserted once by ten submissions at the same time', async () => {
    const ids = await Promise.all(
      Array.from({ length: 10 }, () => database.transaction((tx) => insertReview(database, submission(), tx))),
    );
    expect(ids.filter((id) => id !== null)).toHaveLength(1);
  });

  it('goes forward only, whoever writes', async () => {
    const { reviewId } = await reviewWithSnapshot();
    const setStatus = (status: string) =>
      database.query('UPDATE review_requests SET status = $2 WHERE id = $1', [reviewId, status]);
    await expect(setStatus('approved')).rejects.toThrow('cannot go from pending to approved');
    await claimReview(database, { reviewId, userId: reviewer.id, leaseSeconds: 86_400 }, null);
    await expect(setStatus('pending')).rejects.toThrow('cannot go from in_review to pending');
    await decideReview(database, { reviewId, status: 'rejected' }, null);
    await expect(setStatus('approved')).rejects.toThrow('cannot go from rejected to approved');
    await expect(setStatus('in_review')).rejects.toThrow('cannot go from rejected to in_review');
  });
});

describe('a claim', () => {
  it('is won by exactly one of twenty at the same time', async () => {
    const { reviewId } = await reviewWithSnapshot();
    const claimants = await Promise.all(Array.from({ length: 20 }, () => build.user(database, { reviewerLevel: 1 })));
    const won = await Promise.all(
      claimants.map((claimant) => claimReview(database, { reviewId, userId: claimant.id, leaseSeconds: 86_400 }, null)),
    );
    expect(won.filter(Boolean)).toHaveLength(1);
    const review = await findReview(database, reviewId);
    expect(review?.assignedTo?.id).toBe(claimants[won.indexOf(true)]?.id);
    expect(review?.status).toBe('in_review');
  });

  it('needs a snapshot and lasts 24 hours; an unexpired one is not taken by the timer', async () => {
    const reviewId = await openReview();
    expect(await claimReview(database, { reviewId, userId: reviewer.id, leaseSeconds: 86_400 }, null)).toBe(false);
    await setSnapshot(database, { reviewId, snapshotId: await freeze() }, null);
    expect(await claimReview(database, { reviewId, userId: reviewer.id, leaseSeconds: 86_400 }, null)).toBe(true);
    const expires = (await findReview(database, reviewId))?.claimExpiresAt?.getTime() ?? 0;
    expect(Math.abs(expires - Date.now() - 24 * 3_600_000)).toBeLessThan(60_000);
    expect(await releaseReview(database, { reviewId, onlyExpired: true }, null)).toBe(false);
    await database.query(`UPDATE review_requests SET claim_expires_at = now() - interval '1 second' WHERE id = $1`, [
      reviewId,
    ]);
    expect(await releaseReview(database, { reviewId, onlyExpired: true }, null)).toBe(true);
    expect((await findReview(database, reviewId))?.status).toBe('in_review');
  });
});

describe('the history', () => {
  const row = (reviewId: number, opId: string) => ({
    reviewId,
    opId,
    changedBy: author.id,
    oldStatus: null,
    newStatus: 'pending' as const,
    description: `did ${opId}`,
  });

  it('numbers its rows without gaps under twenty writers at once, and its chain verifies', async () => {
    const { reviewId } = await reviewWithSnapshot();
    await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        database.transaction(async (tx) => {
          await lockReview(database, reviewId, tx);
          await appendHistory(database, row(reviewId, `op-${index}`), tx);
        }),
      ),
    );
    const rows = await listHistory(database, reviewId);
    expect(rows.map((each) => each.seq)).toEqual(Array.from({ length: 20 }, (_, index) => index + 1));
    expect(await verifyHistory(database, reviewId)).toEqual({ valid: true, rows: 20, firstBadSeq: null });
    expect((await findHistoryByOpId(database, { reviewId, opId: 'op-7' }, null))?.description).toBe('did op-7');
  });

  it('takes an operation once', async () => {
    const { reviewId } = await reviewWithSnapshot();
    await appendHistory(database, row(reviewId, 'same'), null);
    await expect(appendHistory(database, row(reviewId, 'same'), null)).rejects.toThrow();
  });

  it('refuses UPDATE, DELETE and TRUNCATE, also through the tables around it', async () => {
    const { reviewId } = await reviewWithSnapshot();
    await appendHistory(database, row(reviewId, 'one'), null);
    const statements = [
      `UPDATE review_history SET change_description = 'nothing happened'`,
      'DELETE FROM review_history',
      'TRUNCATE review_history',
      'TRUNCATE review_requests CASCADE',
    ];
    for (const statement of statements) await expect(database.query(statement)).rejects.toThrow('append-only');
    expect(await listHistory(database, reviewId)).toHaveLength(1);
  });

  it('shows the first row that was altered by somebody who switched the triggers off', async () => {
    const { reviewId } = await reviewWithSnapshot();
    for (const opId of ['one', 'two', 'three']) await appendHistory(database, row(reviewId, opId), null);
    await database.transaction(async (tx) => {
      await database.query('ALTER TABLE review_history DISABLE TRIGGER review_history_append_only', [], tx);
      await database.query(
        `UPDATE review_history SET change_description = 'nothing happened' WHERE review_request_id = $1 AND seq = 2`,
        [reviewId],
        tx,
      );
      await database.query('ALTER TABLE review_history ENABLE TRIGGER review_history_append_only', [], tx);
    });
    expect(await verifyHistory(database, reviewId)).toEqual({ valid: false, rows: 3, firstBadSeq: 2 });
  });

  it('shows a row that is missing in the middle, and a status that no row tells of', async () => {
    const { reviewId } = await reviewWithSnapshot();
    for (const opId of ['one', 'two', 'three']) await appendHistory(database, row(reviewId, opId), null);
    await claimReview(database, { reviewId, userId: reviewer.id, leaseSeconds: 86_400 }, null);
    expect(await verifyHistory(database, reviewId)).toEqual({ valid: false, rows: 3, firstBadSeq: 4 });
    await database.transaction(async (tx) => {
      await database.query('ALTER TABLE review_history DISABLE TRIGGER review_history_append_only', [], tx);
      await database.query('DELETE FROM review_history WHERE review_request_id = $1 AND seq = 2', [reviewId], tx);
      await database.query('ALTER TABLE review_history ENABLE TRIGGER review_history_append_only', [], tx);
    });
    expect(await verifyHistory(database, reviewId)).toEqual({ valid: false, rows: 2, firstBadSeq: 2 });
  });

  it('goes with an erased session, and only so', async () => {
    const { reviewId } = await reviewWithSnapshot();
    await appendHistory(database, row(reviewId, 'one'), null);
    await database.query('DELETE FROM sessions WHERE id = $1', [session.id]);
    expect(await listHistory(database, reviewId)).toHaveLength(0);
  });
});

describe('a snapshot', () => {
  const hashOf = (text: string) => createHash('sha256').update(text).digest('hex');

  it('is named by the SHA-256 over its sorted paths, types, bits and hashes', async () => {
    const folder = await build.folder(database, { sessionId: session.id, name: 'src' });
    await build.file(database, { sessionId: session.id, name: 'b.py', content: 'b' });
    await build.file(database, { sessionId: session.id, name: 'a.py', content: 'a', parentId: folder.id });
    const id = await freeze();
    const expected = createHash('sha256')
      .update(
        `["b.py","file",false,"${hashOf('b')}"]\n["src","folder",false,null]\n["src/a.py","file",false,"${hashOf('a')}"]\n`,
      )
      .digest('hex');
    const [row] = await database.query<{ hash: string }>('SELECT manifest_hash AS hash FROM snapshots WHERE id = $1', [
      id,
    ]);
    expect(row?.hash).toBe(expected);
    expect(manifestHash(await listSnapshotItems(database, id))).toBe(expected);
  });

  it('keeps the bytes when the live file changes, and bytes that had no blob yet', async () => {
    const file = await build.file(database, { sessionId: session.id, name: 'main.py', content: 'first' });
    await database.query(
      `INSERT INTO workspace_items (session_id, name, type, content, encoding, sha256, size) VALUES ($1, 'raw.bin', 'file', $2, 'base64', $3, 3)`,
      [
        session.id,
        Buffer.from([0, 255, 7]).toString('base64'),
        createHash('sha256')
          .update(Buffer.from([0, 255, 7]))
          .digest('hex'),
      ],
    );
    const snapshotId = await freeze();
    await database.query(`UPDATE workspace_items SET content = 'second', sha256 = $2 WHERE id = $1`, [
      file.id,
      hashOf('second'),
    ]);
    const items = await listSnapshotItems(database, snapshotId);
    const bytesOf = async (path: string) => {
      const item = items.find((each) => each.path === path);
      return (await findSnapshotItem(database, { snapshotId, snapshotItemId: item?.id ?? 0 }))?.bytes;
    };
    expect((await bytesOf('main.py'))?.toString()).toBe('first');
    expect([...((await bytesOf('raw.bin')) ?? [])]).toEqual([0, 255, 7]);
  });

  it('cannot be altered', async () => {
    await build.file(database, { sessionId: session.id, name: 'main.py' });
    const id = await freeze();
    await expect(database.query('UPDATE snapshots SET created_by = NULL WHERE id = $1', [id])).rejects.toThrow(
      'append-only',
    );
    await expect(database.query('DELETE FROM snapshots WHERE id = $1', [id])).rejects.toThrow('append-only');
    await expect(database.query(`UPDATE snapshot_items SET path = 'x' WHERE snapshot_id = $1`, [id])).rejects.toThrow(
      'append-only',
    );
    await expect(database.query('DELETE FROM snapshot_items WHERE snapshot_id = $1', [id])).rejects.toThrow(
      'append-only',
    );
    await expect(database.query('TRUNCATE snapshots CASCADE')).rejects.toThrow('append-only');
    await expect(database.query('TRUNCATE snapshot_items')).rejects.toThrow('append-only');
  });

  it('takes no path later', async () => {
    await build.file(database, { sessionId: session.id, name: 'main.py' });
    const id = await freeze();
    const add = `INSERT INTO snapshot_items (snapshot_id, item_id, path, type, encoding) VALUES ($1, 1, 'late', 'folder', 'utf8')`;
    await expect(database.query(add, [id])).rejects.toThrow('sealed');
  });

  it('records everyone who edited the session', async () => {
    const file = await build.file(database, { sessionId: session.id, name: 'main.py' });
    await database.query('UPDATE file_versions SET created_by = $2 WHERE item_id = $1', [file.id, reviewer.id]);
    const { reviewId } = await reviewWithSnapshot();
    expect((await findReview(database, reviewId))?.editorIds.sort()).toEqual([author.id, reviewer.id].sort());
  });
});

describe('a comment', () => {
  const draft = (reviewId: number) => ({
    reviewId,
    commenterId: reviewer.id,
    workspaceItemId: null as number | null,
    snapshotId: null,
    path: 'main.py',
    lineNumber: 1,
    endLineNumber: 1,
    quotedText: 'x',
    text: 'why?',
    type: 'issue' as const,
    parentCommentId: null,
    published: false,
  });

  it('is frozen once published, but can be resolved', async () => {
    const { reviewId } = await reviewWithSnapshot();
    const commentId = await insertComment(database, draft(reviewId), null);
    expect(await updateDraft(database, { commentId, text: 'why so?', type: 'issue' }, null)).toBe(true);
    const [published] = await publishDrafts(database, { reviewId, commenterId: reviewer.id }, null);
    expect(published?.text).toBe('why so?');
    expect(await updateDraft(database, { commentId, text: 'never mind', type: 'issue' }, null)).toBe(false);
    for (const change of [
      `comment_text = 'x'`,
      `comment_type = 'general'`,
      'published_at = NULL',
      'line_number = 2',
      `path = 'x'`,
    ]) {
      await expect(database.query(`UPDATE review_comments SET ${change} WHERE id = $1`, [commentId])).rejects.toThrow(
        'is published',
      );
    }
    await expect(database.query('DELETE FROM review_comments WHERE id = $1', [commentId])).rejects.toThrow(
      'append-only',
    );
    expect((await findReview(database, reviewId))?.openIssues).toBe(1);
    expect(await setResolved(database, { commentId, resolved: true, userId: reviewer.id }, null)).toBe(true);
    expect((await findReview(database, reviewId))?.openIssues).toBe(0);
  });

  it('stays when the item that it is about is deleted', async () => {
    const file = await build.file(database, { sessionId: session.id, name: 'main.py' });
    const { reviewId } = await reviewWithSnapshot();
    await insertComment(database, { ...draft(reviewId), workspaceItemId: file.id, published: true }, null);
    await database.query('DELETE FROM workspace_items WHERE id = $1', [file.id]);
    const [row] = await database.query<{ workspace_item_id: number | null; path: string }>(
      'SELECT workspace_item_id, path FROM review_comments WHERE review_request_id = $1',
      [reviewId],
    );
    expect(row).toEqual({ workspace_item_id: null, path: 'main.py' });
  });
});

describe('the queue', () => {
  it('shows what the viewer could claim or holds, urgent first, in pages without gaps', async () => {
    const expert = await build.user(database, { reviewerLevel: 3 });
    const ids: Record<string, number> = {};
    for (const priority of ['low', 'urgent', 'medium', 'high'] as const) {
      session = await build.session(database, { userId: author.id });
      ids[priority] = await openReview({ priority });
      await setSnapshot(database, { reviewId: ids[priority], snapshotId: await freeze() }, null);
    }
    session = await build.session(database, { userId: author.id });
    const unready = await openReview({ priority: 'urgent' });
    const mine = Object.values(ids);
    const queueOf = async (viewer: BuiltUser, after: number | null = null, limit = 50) =>
      (await listReviews(database, { view: 'queue', viewer, status: null, after, limit }))
        .map((review) => review.id)
        .filter((id) => mine.includes(id) || id === unready);
    expect(await queueOf(expert)).toEqual([ids['urgent'], ids['high'], ids['medium'], ids['low']]);
    expect(await queueOf(expert, ids['high'])).toEqual([ids['medium'], ids['low']]);
    expect(await queueOf(reviewer)).toEqual([ids['medium'], ids['low']]);
    expect(await queueOf(author)).toEqual([]);
    await claimReview(database, { reviewId: ids['low'] ?? 0, userId: expert.id, leaseSeconds: 86_400 }, null);
    expect(await queueOf(reviewer)).toEqual([ids['medium']]);
    expect(await queueOf(expert)).toContain(ids['low']);
  });
});
