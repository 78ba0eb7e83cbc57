import type { Page } from 'playwright-core';
import type { HttpPerson } from '#tests/e2e/httpPerson.ts';
import { launchBrowser, newPerson } from '#tests/e2e/browser.ts';
import { printLimit } from '#tests/bench/figures.ts';
import { register } from '#tests/bench/ground.ts';
import { useFreshReviewIds } from '#tests/support/reviewWorkers.ts';
import type { Stack } from '#tests/support/stack.ts';
import { waitFor } from '#tests/support/waitFor.ts';

const LINES = 20_000;
const FILES = 1_000;
const THREADS = 500;
const BATCH = 20;
/** What a person takes for an answer at once: the "good" of Interaction to Next Paint (web.dev/articles/inp). */
const BUDGET_MS = 200;
/** Its "poor" begins here. The browser lays out at once what the editor draws of a line that has no end. */
const LINE_BUDGET_MS = 500;

/**
 * How long the page of a monstrous review holds the browser up at most: a file of 20,000 lines with 500 threads, a line of
 * 1 MiB, bytes that are no text, and 1,000 files.
 */
export async function measureReviewPage({ url, database }: Stack): Promise<void> {
  await useFreshReviewIds(database);
  const author = await register(url, 'author');
  const reviewer = await register(url, 'reviewer');
  await call(reviewer, 'POST', '/users/me/promote', {});
  const reviewId = await makeReview(author);
  await comment(reviewer, reviewId);
  const browser = await launchBrowser();
  try {
    const { page } = await newPerson(browser, url);
    const [name, ...value] = reviewer.cookie().split('=');
    await page.context().addCookies([{ name: name ?? '', value: value.join('='), url }]);
    await page.addInitScript({ content: WATCH_TASKS });
    await measure(page, reviewId);
  } finally {
    await browser.close();
  }
}

async function measure(page: Page, reviewId: number): Promise<void> {
  await page.goto(`/reviews/${String(reviewId)}`);
  await page.getByRole('tree', { name: 'Frozen files' }).getByRole('treeitem').first().waitFor();
  await report(page, `opening the review with ${String(FILES)} files and ${String(THREADS)} threads`);
  await open(page, 'long.py');
  await report(page, `opening ${String(LINES)} lines`);
  const scroller = page.locator('.code .cm-scroller');
  for (let step = 1; step <= 40; step += 1) {
    await scroller.evaluate((element, share) => element.scrollTo(0, element.scrollHeight * share), step / 40);
    await nextFrame(page);
  }
  await report(page, `scrolling through ${String(LINES)} lines in 40 steps`);
  const talk = page.locator('.talk .content').first();
  for (let step = 1; step <= 30; step += 1) {
    await talk.evaluate((element) => element.scrollTo(0, element.scrollHeight));
    await nextFrame(page);
  }
  await report(page, 'scrolling through the discussion in 30 steps');
  await open(page, 'line.txt');
  await report(page, 'opening a line of 1 MiB', LINE_BUDGET_MS);
  await open(page, 'bytes.bin');
  await report(page, 'opening bytes that are no text');
}

async function open(page: Page, name: string): Promise<void> {
  // By its first letters, as a person finds it: the tree draws only what is seen.
  await page.getByRole('tree', { name: 'Frozen files' }).locator('[tabindex="0"]').focus();
  // With a capital: a small letter may be a key of the page.
  await page.keyboard.type(name.charAt(0).toUpperCase() + name.slice(1));
  await page.keyboard.press('Enter');
  await page.locator('.code .path').filter({ hasText: name }).waitFor();
  await nextFrame(page);
}

function nextFrame(page: Page): Promise<void> {
  return page.evaluate('new Promise((done) => requestAnimationFrame(() => setTimeout(done, 0)))');
}

/** Runs in the page: remembers the longest task since it was last asked. */
const WATCH_TASKS = `
  window.longestTask = 0;
  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) window.longestTask = Math.max(window.longestTask, duration);
  }).observe({ type: 'longtask', buffered: true });
`;
const TAKE_LONGEST = '{ const longest = window.longestTask; window.longestTask = 0; longest; }';

async function report(page: Page, what: string, budgetMs = BUDGET_MS): Promise<void> {
  await nextFrame(page);
  const longest: number = await page.evaluate(TAKE_LONGEST);
  // What holds the page up for less than 50 ms is no long task, and counts as nothing.
  printLimit(`the longest that the page stands still: ${what}`, { times: [longest], share: 1, budgetMs });
}

async function makeReview(author: HttpPerson): Promise<number> {
  const { uuid } = await call<{ uuid: string }>(author, 'POST', '/sessions', { name: 'monstrous' });
  const add = (body: object) => call(author, 'POST', `/sessions/${uuid}/items`, { type: 'file', ...body });
  const lines = Array.from({ length: LINES }, (_, line) => `value_${String(line)} = ${String(line)}  # a line`);
  await add({ name: 'long.py', content: `${lines.join('\n')}\n` });
  await add({ name: 'line.txt', content: 'word '.repeat(200_000) });
  await add({
    name: 'bytes.bin',
    content: Buffer.alloc(100_000, 7).fill(0, 50).toString('base64'),
    encoding: 'base64',
  });
  for (let from = 0; from < FILES; from += BATCH) {
    const names = Array.from({ length: BATCH }, (_, index) => `file-${String(from + index)}.txt`);
    await Promise.all(names.map((name) => add({ name, content: `${name}\n` })));
  }
  const review = await call<{ id: number }>(author, 'POST', `/sessions/${uuid}/reviews`, { title: 'Monstrous' });
  await waitFor(
    async () => (await call<{ snapshotId: number | null }>(author, 'GET', `/reviews/${String(review.id)}`)).snapshotId,
    { deadlineMs: 60_000, what: 'the snapshot' },
  );
  return review.id;
}

async function comment(reviewer: HttpPerson, reviewId: number): Promise<void> {
  const address = `/reviews/${String(reviewId)}`;
  await call(reviewer, 'POST', `${address}/claim`, {});
  const { items } = await call<{ items: { id: number; path: string }[] }>(reviewer, 'GET', `${address}/items`);
  const snapshotItemId = items.find(({ path }) => path === 'long.py')?.id;
  for (let thread = 0; thread < THREADS; thread += 1) {
    const lineNumber = 1 + thread * Math.floor(LINES / THREADS);
    const text = `Thread ${String(thread)} about this line, and what could be done about it.`;
    await call(reviewer, 'POST', `${address}/comments`, { text, snapshotItemId, lineNumber });
  }
  await call(reviewer, 'POST', `${address}/comments/publish`, {});
}

async function call<Body>(person: HttpPerson, method: string, address: string, body?: object): Promise<Body> {
  const answer = await person.request(method, `/api/v1${address}`, body);
  if (answer.status >= 300) throw new Error(`${method} ${address}: ${JSON.stringify(answer.body)}`);
  return answer.body as Body;
}
