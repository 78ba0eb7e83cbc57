import { listHistory, verifyHistory } from '#platform/db/repositories/reviewHistory.ts';
import { findReview } from '#platform/db/repositories/reviews.ts';
import { startReviewApi, type ReviewApi, type ReviewCast } from '#tests/support/reviewApi.ts';
import { scaled } from '#tests/support/scale.ts';
import type { TestAnswer, TestPerson } from '#tests/support/testApi.ts';

let stage: ReviewApi;

beforeAll(async () => {
  stage = await startReviewApi();
});
afterAll(() => stage.close());

/** A review that its reviewer has claimed. */
interface Claimed extends ReviewCast {
  id: number;
  snapshotId: number;
}

async function claimed(): Promise<Claimed> {
  const cast = await stage.newCast();
  const review = await stage.submitAndFreeze(cast);
  await stage.post(cast.reviewer, `/reviews/${review.id}/claim`);
  return { ...cast, ...review };
}

const send = (by: TestPerson, { id }: Claimed, action: string, body?: unknown): Promise<TestAnswer> =>
  stage.post(by, `/reviews/${id}/${action}`, body);
const verdictOn = ({ snapshotId }: Claimed) => ({ expectedSnapshotId: snapshotId, summary: 'Read to the last line.' });
const outcomeOf = (answer: TestAnswer): string => String(answer.body.code ?? answer.status);

/**
 * Sends both, the second later from round to round, so that it comes before, during and after the first, and then the
 * other way around. Answers with the outcomes of all rounds, in the order of the requests as given.
 */
async function race(
  first: (review: Claimed) => Promise<TestAnswer>,
  second: (review: Claimed) => Promise<TestAnswer>,
): Promise<Array<{ review: Claimed; outcome: string }>> {
  const outcomes: Array<{ review: Claimed; outcome: string }> = [];
  for (let round = 0; round < scaled(40); round += 1) {
    const review = await claimed();
    const [early, late] = round % 2 === 0 ? [first, second] : [second, first];
    const begun = early(review);
    await new Promise((resolve) => setTimeout(resolve, (round * 7) % 50));
    const answers = await Promise.all([begun, late(review)]);
    const [one, other] = round % 2 === 0 ? answers : answers.reverse();
    outcomes.push({ review, outcome: `${outcomeOf(one!)} / ${outcomeOf(other!)}` });
    expect((await verifyHistory(stage.api.database, review.id)).valid).toBe(true);
  }
  return outcomes;
}

async function verbs({ id }: Claimed): Promise<string[]> {
  return (await listHistory(stage.api.database, id)).map((row) => row.description.split(':')[0] ?? '');
}

describe('two decisions that race', () => {
  it('an approval and a withdrawal: the first wins, the other is told that it is over', async () => {
    const approve = (review: Claimed) => send(review.reviewer, review, 'approve', verdictOn(review));
    const withdraw = (review: Claimed) => send(review.author, review, 'withdraw');
    for (const { review, outcome } of await race(approve, withdraw)) {
      expect(['200 / REVIEW_ALREADY_DECIDED', 'REVIEW_ALREADY_DECIDED / 200']).toContain(outcome);
      expect(await verbs(review)).toEqual(['submit', 'claim', outcome.startsWith('200') ? 'approve' : 'withdraw']);
    }
  }, 120_000);

  it('an approval and a new snapshot: after the snapshot the approval is about an older one', async () => {
    const approve = (review: Claimed) => send(review.reviewer, review, 'approve', verdictOn(review));
    const refresh = (review: Claimed) => send(review.author, review, 'refresh-snapshot');
    for (const { review, outcome } of await race(approve, refresh)) {
      expect(['200 / REVIEW_ALREADY_DECIDED', 'REVIEW_SNAPSHOT_CHANGED / 200']).toContain(outcome);
      const row = await findReview(stage.api.database, review.id);
      expect(row?.snapshotId === review.snapshotId).toBe(outcome.startsWith('200'));
    }
  }, 120_000);

  it('the verdicts of the holder and of a level 4: there is one', async () => {
    const chief = await stage.api.person({ reviewerLevel: 4 });
    const approve = (review: Claimed) => send(review.reviewer, review, 'approve', verdictOn(review));
    const reject = (review: Claimed) => send(chief, review, 'reject', verdictOn(review));
    for (const { review, outcome } of await race(approve, reject)) {
      expect(['200 / REVIEW_ALREADY_DECIDED', 'REVIEW_ALREADY_DECIDED / 200']).toContain(outcome);
      expect((await verbs(review)).filter((verb) => verb === 'approve' || verb === 'reject')).toHaveLength(1);
    }
  }, 120_000);
});

describe('a claim whose time has passed a moment ago', () => {
  const lapse = ({ id }: Claimed) =>
    stage.api.database.query('UPDATE review_requests SET claim_expires_at = now() WHERE id = $1', [id]);

  it('is shown as free and given to who asks, although the run’s timer has not come', async () => {
    const review = await claimed();
    await lapse(review);
    const next = await stage.api.person({ reviewerLevel: 1 });
    expect((await stage.get(next, `/reviews/${review.id}`)).body.actions).toContain('claim');
    const answer = await send(next, review, 'claim');
    expect(answer).toMatchObject({ status: 200, body: { assignedTo: { id: next.id } } });
    expect(await verbs(review)).toEqual(['submit', 'claim', 'release', 'claim']);
    expect(outcomeOf(await send(review.reviewer, review, 'approve', verdictOn(review)))).toBe('REVIEW_NOT_CLAIMED');
  });

  it('is given to one of many; the others and the old holder are told to whom', async () => {
    const review = await claimed();
    await lapse(review);
    const people = await Promise.all(Array.from({ length: 8 }, () => stage.api.person({ reviewerLevel: 1 })));
    const answers = await Promise.all([...people, review.reviewer].map((person) => send(person, review, 'claim')));
    const winner = [...people, review.reviewer].find((_, index) => answers[index]?.status === 200);
    const losers = answers.filter(({ status }) => status !== 200);
    expect(losers).toHaveLength(8);
    for (const loser of losers) {
      expect(loser).toMatchObject({ status: 409, body: { code: 'REVIEW_ALREADY_CLAIMED' } });
      expect(loser.body.data.holder).toMatchObject({ id: winner?.id });
    }
  });

  it('and a verdict of its holder that race have one outcome: the verdict, or who claimed it', async () => {
    const next = await stage.api.person({ reviewerLevel: 1 });
    const approve = (review: Claimed) => send(review.reviewer, review, 'approve', verdictOn(review));
    const claim = async (review: Claimed) => {
      await lapse(review);
      return send(next, review, 'claim');
    };
    for (const { review, outcome } of await race(approve, claim)) {
      const expected = ['200 / REVIEW_ALREADY_DECIDED', 'REVIEW_NOT_CLAIMED / 200'];
      expect(expected).toContain(outcome);
      const row = await findReview(stage.api.database, review.id);
      expect(row?.assignedTo?.id).toBe(outcome.startsWith('200') ? review.reviewer.id : next.id);
    }
  }, 120_000);
});
