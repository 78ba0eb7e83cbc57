import type { Page } from 'playwright-core';
import { httpPerson, type HttpPerson } from '#tests/e2e/httpPerson.ts';
import { launchBrowser, newPerson } from '#tests/e2e/browser.ts';
import { waitFor } from '#tests/support/waitFor.ts';

/*
 * `npm run figures:review-page -- http://localhost:4600`: how long the page of a monstrous review holds the browser up. It
 * makes two accounts and one session on a running Berth: a file of 20,000 lines with 500 threads, a line of 1 MiB, bytes
 * that are no text, and 1,000 files.
 */

const LINES = 20_000;
const FILES = 1_000;
const THREADS = 500;
const BATCH = 20;
const PASSWORD = 'violet anchor over nine harbours';

async function main(url: string): Promise<void> {
  const author = await register(url, 'author');
  const reviewer = await register(url, 'reviewer');
  await call(reviewer, 'POST', '/users/me/promote', {});
  const reviewId = await makeReview(author);
  await comment(reviewer, reviewId);
  console.log(`review ${String(reviewId)} at ${url}/reviews/${String(reviewId)}`);
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
  const tree = page.getByRole('tree', { name: 'Frozen files' });
  await tree.getByRole('treeitem', { name: 'long.py', exact: true }).waitFor();
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
  await report(page, 'opening a line of 1 MiB');
  await open(page, 'bytes.bin');
  await report(page, 'opening bytes that are no text');
}

async function open(page: Page, name: string): Promise<void> {
  await page.getByRole('tree', { name: 'Frozen files' }).getByRole('treeitem', { name, exact: true }).click();
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

async function report(page: Page, what: string): Promise<void> {
  await nextFrame(page);
  const longest: number = await page.evaluate(TAKE_LONGEST);
  console.log(`${what}: the page was held up for ${longest === 0 ? 'less than 50' : longest.toFixed(0)} ms at most`);
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

async function register(url: string, role: string): Promise<HttpPerson> {
  const person = httpPerson(url);
  const username = `${role}${Date.now().toString(36)}`;
  await call(person, 'POST', '/auth/register', { username, email: `${username}@example.org`, password: PASSWORD });
  return person;
}

async function call<Body>(person: HttpPerson, method: string, address: string, body?: object): Promise<Body> {
  for (;;) {
    const answer = await person.request(method, `/api/v1${address}`, body);
    if (answer.status < 300) return answer.body as Body;
    // A person may ask only so much in a minute.
    if (answer.status !== 429) throw new Error(`${method} ${address}: ${JSON.stringify(answer.body)}`);
    await new Promise((done) => setTimeout(done, 2_000));
  }
}

await main(process.argv[2] ?? 'http://localhost:4600');
process.exit();
