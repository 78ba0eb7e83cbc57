import { verifyHistory } from '#platform/db/repositories/reviewHistory.ts';
import { removeOldRuns } from '#platform/db/repositories/retention.ts';
import { removeEndedCopies } from '#platform/db/repositories/runningCopies.ts';
import { startCopyGround, type CopyGround, type HeldReview } from '#tests/support/copyGround.ts';
import type { TestPerson } from '#tests/support/testApi.ts';
import { waitFor } from '#tests/support/waitFor.ts';

let ground: CopyGround;
let held: HeldReview;

beforeAll(async () => {
  ground = await startCopyGround();
  held = await ground.heldReview();
}, 60_000);
afterAll(() => ground.close(), 60_000);

const { get, post } = {
  get: (person: TestPerson, path: string) => ground.get(person, path),
  post: (person: TestPerson, path: string, body?: unknown) => ground.post(person, path, body),
};

const objectsOf = async (uuid: string): Promise<number> => {
  const { pods, volumes } = await ground.api.runtime.list();
  return [...pods, ...volumes].filter((object) => object.uuid === uuid).length;
};

describe('a throw-away copy', () => {
  it('holds what was frozen, whatever its author does meanwhile, and is one for each person and review', async () => {
    const { author, reviewer, session, id, snapshotId } = held;
    await ground.api.database.query(`UPDATE workspace_items SET content = 'later' WHERE session_id = $1`, [session.id]);
    const opened = await Promise.all(Array.from({ length: 5 }, () => post(reviewer, `/reviews/${id}/running-copies`)));
    expect(opened.map(({ status }) => status)).toEqual([202, 202, 202, 202, 202]);
    const uuids = new Set(opened.map(({ body }) => body.uuid as string));
    expect(uuids.size).toBe(1);
    const copy = await ground.openCopy(reviewer, id);
    expect(uuids.has(copy.uuid)).toBe(true);
    expect((await get(reviewer, `/sessions/${copy.uuid}`)).body).toMatchObject({
      kind: 'review_run',
      runningCopy: { reviewId: id, snapshotId, isStale: false },
    });
    const receipt = await ground.runOn(reviewer, id, 'cat main.py; ls -A; env | grep -c SECRET');
    expect(receipt.stdout.content).toMatch(/^print\('frozen'\)\n(?:\.berth-volume\n)?main\.py\n0\n$/);
    expect((await get(reviewer, '/sessions')).body.items).toEqual([]);
    for (const stranger of [author, await ground.api.person({ reviewerLevel: 4 })]) {
      expect((await get(stranger, `/sessions/${copy.uuid}`)).status).toBe(404);
      expect((await get(stranger, `/sessions/${copy.uuid}/items`)).status).toBe(404);
    }
  }, 60_000);

  it.each([
    ['renamed', 'PATCH', '', { name: 'mine now' }],
    ['put into the trash', 'DELETE', '', undefined],
    ['opened again', 'POST', '/open', {}],
    ['shared', 'POST', '/previews/8000/links', { expiresInSeconds: 60 }],
    ['restored', 'POST', '/restore', { at: new Date().toISOString() }],
    ['submitted', 'POST', '/reviews', { title: 'Look at my copy' }],
    ['given up and opened again', 'POST', '/discard-and-reopen', { confirm: 'discard' }],
  ])('cannot be %s', async (_verb, method, rest, body) => {
    const copy = await ground.openCopy(held.reviewer, held.id);
    const address = `/api/v1/sessions/${copy.uuid}${rest}`;
    const answer = await ground.api.send(method, address, { as: held.reviewer, ...(body && { body }) });
    expect([answer.status, answer.body.code]).toEqual([409, 'RUNNING_COPY_REFUSED']);
  });

  it('is no source of a session or a template', async () => {
    const copy = await ground.openCopy(held.reviewer, held.id);
    const duplicated = await post(held.reviewer, '/sessions', { from: { session: copy.uuid } });
    const saved = await post(held.reviewer, '/templates', { session: copy.uuid, name: 'mine' });
    expect([duplicated.body.code, saved.body.code]).toEqual(['RUNNING_COPY_REFUSED', 'RUNNING_COPY_REFUSED']);
  });

  it('changes nothing but itself, and says so in the receipts of what is run in it from then on', async () => {
    const { author, reviewer, session, id } = held;
    const before = (await get(author, `/reviews/${id}/items`)).body;
    const copy = await ground.openCopy(reviewer, id);
    const spoiling = await ground.runOn(reviewer, id, 'echo spoilt > main.py; exit 3');
    expect(spoiling).toMatchObject({ exitCode: 3, status: 'failed', isChanged: false, isStale: false, isCited: false });
    const after = await ground.runOn(reviewer, id, 'cat main.py');
    expect(after).toMatchObject({ exitCode: 0, isChanged: true, stdout: { content: 'spoilt\n' } });
    expect((await get(author, `/reviews/${id}/items`)).body).toEqual(before);
    const [own] = (await get(author, `/sessions/${session.uuid}/items`)).body.items;
    expect(own).toMatchObject({ path: 'main.py', version: 1 });
    const fresh = (await post(reviewer, `/reviews/${id}/running-copies`, { replace: true })).body;
    expect(fresh.uuid).not.toBe(copy.uuid);
    expect(await ground.runOn(reviewer, id, 'cat main.py')).toMatchObject({ isChanged: false, isStale: false });
    await waitFor(async () => (await objectsOf(copy.uuid)) === 0, { deadlineMs: 30_000, what: 'the first to go' });
  }, 60_000);

  it('shows its receipts, without its address, to everybody who may read the review', async () => {
    const { author, id } = held;
    const [newest] = (await get(author, `/reviews/${id}/receipts`)).body.items;
    expect(newest).toMatchObject({ command: 'cat main.py', requestedBy: { username: held.reviewer.username } });
    expect(newest).not.toHaveProperty('sessionUuid');
    const outside = await ground.api.person();
    expect((await get(outside, `/reviews/${id}/receipts`)).status).toBe(404);
    expect((await get(outside, `/reviews/${id}/receipts/${newest.id}`)).status).toBe(404);
  });

  it('is refused to a reviewer who does not hold the review, and opened for its submitter', async () => {
    const { author, id } = held;
    const other = await ground.api.person({ reviewerLevel: 1 });
    expect((await post(other, `/reviews/${id}/running-copies`)).body.code).toBe('REVIEW_NOT_CLAIMED');
    expect((await post(other, `/reviews/${id}/runs`, { command: 'true' })).body.code).toBe('REVIEW_NOT_CLAIMED');
    const own = await post(author, `/reviews/${id}/running-copies`);
    expect(own.status).toBe(202);
    expect((await get(held.reviewer, `/sessions/${own.body.uuid}`)).status).toBe(404);
    expect((await post(author, `/sessions/${own.body.uuid}/close`)).status).toBe(202);
    await ground.reaches(own.body.uuid, 'closed');
    expect((await get(author, `/sessions/${own.body.uuid}/items`)).body.code).toBe('RUNNING_COPY_OVER');
    expect((await post(author, `/sessions/${own.body.uuid}/open`)).body.code).toBe('RUNNING_COPY_OVER');
    expect(await objectsOf(own.body.uuid)).toBe(0);
  }, 60_000);

  it('is not opened for a run that is refused', async () => {
    const { author, id } = await ground.heldReview();
    const refused = await post(author, `/reviews/${id}/runs`, { file: 'main.unknown' });
    expect(refused.body.code).toBe('RUN_UNKNOWN_FILE');
    expect((await get(author, `/reviews/${id}/running-copies`)).body.items).toEqual([]);
  });

  it('counts among the sessions that a person may have open', async () => {
    const { author, id } = await ground.heldReview();
    await ground.api.database.query(
      `INSERT INTO sessions (user_id, name, phase, generation)
       SELECT $1, 'session ' || n, 'running', 1 FROM generate_series(1, 5) n`,
      [author.id],
    );
    expect((await post(author, `/reviews/${id}/running-copies`)).body.code).toBe('SESSION_LIMIT');
    await ground.api.database.query(`DELETE FROM sessions WHERE user_id = $1 AND name LIKE 'session %'`, [author.id]);
  });

  it('is not made of bytes that are not those that were frozen', async () => {
    const { author, id, session } = await ground.heldReview();
    const content = `only here ${String(id)}\n`;
    await ground.api.database.query(
      `WITH wrong AS (INSERT INTO blobs (sha256, bytes) VALUES (encode(sha256(convert_to($1, 'UTF8')), 'hex'), 'other bytes') RETURNING sha256)
       UPDATE workspace_items SET content = $1, sha256 = wrong.sha256, size = length($1) FROM wrong WHERE session_id = $2`,
      [content, session.id],
    );
    await post(author, `/reviews/${id}/refresh-snapshot`);
    expect((await post(author, `/reviews/${id}/running-copies`)).status).toBe(500);
    expect((await get(author, `/reviews/${id}/running-copies`)).body.items).toEqual([]);
    await ground.api.database.query(`UPDATE blobs SET bytes = convert_to($1, 'UTF8') WHERE bytes = 'other bytes'`, [
      content,
    ]);
  });
});

describe('a receipt', () => {
  it('of an older snapshot is stale, and neither it nor one that is unknown can be cited', async () => {
    const { author, reviewer, session, id } = await ground.heldReview();
    const old = await ground.runOn(reviewer, id, 'true');
    const item = (await get(author, `/sessions/${session.uuid}/items`)).body.items[0];
    await ground.api.send('PUT', `/api/v1/sessions/${session.uuid}/items/${item.id}/content`, {
      as: author,
      body: { content: "print('second')\n" },
      headers: { 'if-match': `"${item.version}"` },
    });
    const { snapshotId } = (await post(author, `/reviews/${id}/refresh-snapshot`)).body;
    expect((await get(author, `/reviews/${id}/receipts/${old.id}`)).body).toMatchObject({ isStale: true });
    const [copy] = (await get(reviewer, `/reviews/${id}/running-copies`)).body.items;
    expect(copy.runningCopy).toMatchObject({ isStale: true });
    expect((await post(reviewer, `/reviews/${id}/runs`, { command: 'true' })).body.code).toBe('RUNNING_COPY_STALE');

    const verdict = (receiptIds: number[]) =>
      post(reviewer, `/reviews/${id}/approve`, { expectedSnapshotId: snapshotId, receiptIds });
    expect(await verdict([old.id])).toMatchObject({ status: 409, body: { code: 'RECEIPT_STALE' } });
    expect(await verdict([2_000_000_000])).toMatchObject({ status: 422, body: { code: 'RECEIPT_UNKNOWN' } });
    const [elsewhere] = (await get(held.author, `/reviews/${held.id}/receipts`)).body.items;
    expect(await verdict([elsewhere.id])).toMatchObject({ status: 422, body: { code: 'RECEIPT_UNKNOWN' } });
    expect((await get(author, `/reviews/${id}`)).body.status).toBe('in_review');
    await post(author, `/reviews/${id}/withdraw`);
    await ground.reaches(copy.uuid, 'closed');
  }, 60_000);

  it('is cited by the verdict, which ends the copy with nothing left, and outlives both', async () => {
    const { author, reviewer, id, snapshotId } = await ground.heldReview();
    const receipt = await ground.runOn(reviewer, id, 'python3 main.py');
    const endless = (await post(reviewer, `/reviews/${id}/runs`, { command: 'sleep 300' })).body;
    const cite = (receiptIds: number[]) =>
      post(reviewer, `/reviews/${id}/approve`, { expectedSnapshotId: snapshotId, receiptIds });
    expect((await cite([endless.id])).body.code).toBe('RECEIPT_UNKNOWN');
    const [copy] = (await get(reviewer, `/reviews/${id}/running-copies`)).body.items;
    expect(await cite([receipt.id, receipt.id])).toMatchObject({ status: 200, body: { status: 'approved' } });
    const history = (await get(author, `/reviews/${id}/history`)).body.items;
    expect(history.at(-1).description).toMatch(`Cites run ${receipt.id} (exit code 0).`);
    expect((await verifyHistory(ground.api.database, id)).valid).toBe(true);

    const closed = await ground.reaches(copy.uuid, 'closed');
    expect(closed.phaseReason).toBe('copy-over');
    expect(await objectsOf(copy.uuid)).toBe(0);
    expect((await get(reviewer, `/sessions/${copy.uuid}/items`)).body.code).toBe('RUNNING_COPY_OVER');
    expect((await post(reviewer, `/reviews/${id}/running-copies`)).body.code).toBe('REVIEW_ALREADY_DECIDED');
    const lost = await waitFor(
      async () => {
        const { body } = await get(author, `/reviews/${id}/receipts/${endless.id}`);
        return body.endedAt !== null && body;
      },
      { deadlineMs: 30_000, what: 'the end of what still ran' },
    );
    expect(lost.status).toMatch(/lost|failed/);

    await removeEndedCopies(ground.api.database, { ageSeconds: 0 });
    const left = await ground.api.database.query(`SELECT 1 FROM workspace_items WHERE session_uuid = $1`, [copy.uuid]);
    expect(left).toEqual([]);
    expect((await get(reviewer, `/sessions/${copy.uuid}`)).status).toBe(404);
    await removeOldRuns(ground.api.database, { kept: { count: 0, bytes: 0 } });
    expect((await get(author, `/reviews/${id}/receipts/${endless.id}`)).status).toBe(404);
    const kept = (await get(author, `/reviews/${id}/receipts/${receipt.id}`)).body;
    expect(kept).toMatchObject({ isCited: true, stdout: { content: 'frozen\n' } });
    await expect(ground.api.database.query(`DELETE FROM runs WHERE id = $1`, [receipt.id])).rejects.toThrow();
  }, 60_000);
});
