import { loadavg } from 'node:os';
import { findReview } from '#platform/db/repositories/reviews.ts';
import { printLimit, printTimes, timed } from '#tests/bench/figures.ts';
import { useFreshReviewIds } from '#tests/support/reviewWorkers.ts';
import { startTestServers } from '#tests/support/servers.ts';
import { startStack, type Stack } from '#tests/support/stack.ts';
import { newPerson, postAs, submitAs } from '#tests/support/stackPeople.ts';
import { waitFor } from '#tests/support/waitFor.ts';

/*
 * `npm run figures:claims`: fifty people claim a review at the same moment, through one api process and one worker. What
 * each of them waits for an answer is measured, the winner's and the losers'.
 */

const ROUNDS = 10;
const CLAIMERS = 50;
const BUDGET_MS = 2_500;

async function claims(stack: Stack): Promise<number[]> {
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
  return times;
}

const servers = await startTestServers();
process.env['BERTH_TEST_POSTGRES_URL'] = servers.postgresUrl;
process.env['BERTH_TEST_TEMPORAL_ADDRESS'] = servers.temporalAddress;
const stack = await startStack();
await useFreshReviewIds(stack.database);
console.log(`load average ${loadavg()[0]?.toFixed(1) ?? '?'}`);
try {
  const times = await claims(stack);
  printTimes(`a claim among ${CLAIMERS} of the same review at once, ${ROUNDS} rounds`, times);
  printLimit('a claim among them', { times, share: 0.95, budgetMs: BUDGET_MS });
} finally {
  await stack.stop();
  await servers.stop();
}
process.exit();
