import { findReview } from '#platform/db/repositories/reviews.ts';
import { printLimit, printTimes, timed } from '#tests/bench/figures.ts';
import { useFreshReviewIds } from '#tests/support/reviewWorkers.ts';
import type { Stack } from '#tests/support/stack.ts';
import { newPerson, postAs, submitAs } from '#tests/support/stackPeople.ts';
import { waitFor } from '#tests/support/waitFor.ts';

const ROUNDS = 10;
const CLAIMERS = 50;
const BUDGET_MS = 2_500;

/** Fifty people claim a review at the same moment: what each of them waits for an answer, the winner and the losers. */
export async function measureClaims(stack: Stack): Promise<void> {
  await useFreshReviewIds(stack.database);
  const author = await newPerson(stack, 0);
  const people = await Promise.all(Array.from({ length: CLAIMERS }, () => newPerson(stack, 1)));
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const id = await submitAs(stack, author);
    await waitFor(async () => (await findReview(stack.database, id))?.snapshotId, { what: 'the snapshot' });
    const path = `/reviews/${id}/claim`;
    const answers = await Promise.all(people.map((each) => timed(times, () => postAs(stack, each, { path }))));
    const won = answers.filter((answer) => answer.status === 200).length;
    const told = answers.filter((answer) => answer.status === 409).length;
    if (won !== 1 || told !== CLAIMERS - 1) throw new Error(`${won} won and ${told} were told so, of ${CLAIMERS}`);
  }
  printTimes(`a claim among ${CLAIMERS} of the same review at once, ${ROUNDS} rounds`, times);
  printLimit('a claim among them', { times, share: 0.95, budgetMs: BUDGET_MS });
}
