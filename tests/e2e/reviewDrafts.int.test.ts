import type { Browser, Page } from 'playwright-core';
import { publishReviewChange, claimReview, setSnapshot } from '#platform/db/repositories/reviews.ts';
import { createSnapshot } from '#platform/db/repositories/snapshots.ts';
import { launchBrowser, withPictures, type BrowserPerson } from '#tests/e2e/browser.ts';
import { addressSettings, canShowPages, signedInPage } from '#tests/e2e/signedInPage.ts';
import { build } from '#tests/support/factories.ts';
import { startTestApi, type TestApi, type TestPerson } from '#tests/support/testApi.ts';
import { waitFor } from '#tests/support/waitFor.ts';

const LONG = Array.from({ length: 400 }, (_, index) => `print(${index + 1})`).join('\n');

(canShowPages ? describe : describe.skip)('what a reviewer writes', () => {
  let api: TestApi;
  let browser: Browser;
  let bo: TestPerson;
  let seen: BrowserPerson;
  let page: Page;
  let reviewId: number;
  let sessionId: number;

  beforeAll(async () => {
    api = await startTestApi(await addressSettings());
    browser = await launchBrowser();
    const ada = await api.person({ username: 'ada' });
    bo = await api.person({ username: 'bo', reviewerLevel: 1 });
    seen = await signedInPage(browser, api.url, bo);
    ({ page } = seen);
    const session = await build.session(api.database, { userId: ada.id, name: 'fractals' });
    sessionId = session.id;
    await build.file(api.database, { sessionId, name: 'main.py', content: LONG });
    await build.file(api.database, { sessionId, name: 'shapes.py', content: 'print("shapes")\n' });
    const given = { sessionUuid: session.uuid, submittedBy: ada.id, title: 'Count', priority: 'low' } as const;
    reviewId = (await build.review(api.database, given)).id;
    await refresh();
    await page.goto(`/reviews/${reviewId}`);
    await line(1).waitFor();
  });
  afterAll(async () => {
    await browser?.close();
    await api?.close();
  });

  /** The submitter refreshes the files, as the workflow would. */
  async function refresh(): Promise<void> {
    await api.database.transaction(async (tx) => {
      const { id: snapshotId } = await createSnapshot(api.database, { sessionId, createdBy: null }, tx);
      await setSnapshot(api.database, { reviewId, snapshotId }, tx);
      await publishReviewChange(api.database, { reviewId, kinds: ['review'] }, tx);
    });
  }
  async function claim(): Promise<void> {
    await api.database.transaction(async (tx) => {
      await claimReview(api.database, { reviewId, userId: bo.id, leaseSeconds: 86_400 }, tx);
      await publishReviewChange(api.database, { reviewId, kinds: ['review'] }, tx);
    });
  }
  const step = (name: string, act: () => Promise<void>) => withPictures([seen], `drafts-${name}`, act);
  const code = () => page.getByRole('region', { name: 'Code' });
  const talk = () => page.getByRole('complementary', { name: 'Discussion' });
  const line = (number: number) => code().getByText(`print(${number})`, { exact: true });
  const writing = (number: number) => code().getByRole('textbox', { name: `Comment on line ${number}`, exact: true });
  async function choose(file: string): Promise<void> {
    await page.getByRole('treeitem', { name: file }).click();
    await code().locator('.path').filter({ hasText: file }).waitFor();
  }
  async function comment(number: number, text: string): Promise<void> {
    await line(number).click();
    await page.keyboard.press('c');
    await writing(number).fill(text);
  }
  const texts = async (): Promise<string[]> => {
    const { body } = await api.send('GET', `/api/v1/reviews/${reviewId}/comments`, { as: bo });
    return body.items.map((one: { text: string }) => one.text);
  };

  it('keeps the place that they read at when they claim the review', () =>
    step('claim', async () => {
      await code().locator('.cm-content').focus();
      await page.keyboard.press('Control+End');
      await line(400).waitFor();
      await claim();
      await code().getByLabel('Press c to comment').waitFor();
      expect(await line(400).isVisible()).toBe(true);
      await page.keyboard.press('Control+Home');
      await line(1).waitFor();
    }));

  it('is there again when they come back from another file', () =>
    step('files', async () => {
      await comment(2, 'Two is even.');
      await choose('shapes.py');
      await choose('main.py');
      await writing(2).waitFor();
      expect(await writing(2).inputValue()).toBe('Two is even.');
    }));

  it('is taken along as it is now when they publish their drafts', () =>
    step('publish', async () => {
      await code().getByText('Saved as a draft').waitFor();
      await comment(1, 'One is not.');
      await page.keyboard.press('Control+Enter');
      await talk().getByText('One is not.').waitFor();
      await writing(2).fill('Two is even, and prime.');
      await talk().getByRole('button', { name: 'Publish' }).click();
      await writing(2).waitFor({ state: 'detached' });
      expect((await texts()).toSorted()).toEqual(['One is not.', 'Two is even, and prime.']);
    }));

  it('takes the keys from nobody when it is scrolled into sight again', () =>
    step('keys', async () => {
      await comment(3, 'Three.');
      await line(3).hover();
      await page.mouse.wheel(0, 9_000);
      // The line of the cursor stays drawn.
      await line(400).click();
      await writing(3).waitFor({ state: 'detached' });
      const whole = talk().getByRole('textbox', { name: 'Comment on the whole' });
      await whole.click();
      await code().hover();
      await page.mouse.wheel(0, -9_000);
      await writing(3).waitFor();
      await page.keyboard.type('All');
      expect([await whole.inputValue(), await writing(3).inputValue()]).toEqual(['All', 'Three.']);
      await whole.fill('');
    }));

  it('is a draft where its lines are now when the author refreshes the files meanwhile', () =>
    step('refresh', async () => {
      await writing(3).fill('Three is prime.');
      await refresh();
      await page.getByText('The author has refreshed the files').waitFor();
      const draft = talk().getByRole('textbox', { name: 'Text of the draft' });
      await draft.waitFor();
      expect(await draft.inputValue()).toBe('Three is prime.');
      await waitFor(async () => (await texts()).includes('Three is prime.'), { what: 'the draft to be saved' });
    }));

  it('decides nothing about files that came while they read, until they say so', () =>
    step('moved', async () => {
      const form = page.getByRole('form', { name: 'Your verdict' });
      const approve = form.getByRole('button', { name: 'Approve', exact: true });
      expect(await approve.isDisabled()).toBe(true);
      await form.getByRole('button', { name: 'Decide on the new files' }).click();
      await waitFor(() => approve.isEnabled(), { what: 'the verdict to be open' });
      await form.getByRole('checkbox', { name: 'Publish 1 draft of yours with it', checked: true }).waitFor();
    }));

  it('as a verdict outlives a look at the runs, and a reload', () =>
    step('verdict', async () => {
      const words = () => page.getByRole('textbox', { name: 'Summary for the author' });
      await words().fill('A fine piece of work.');
      await page.getByRole('tab', { name: 'History' }).click();
      await page.getByRole('tab', { name: 'Discussion' }).click();
      expect(await words().inputValue()).toBe('A fine piece of work.');
      await page.reload();
      expect(await words().inputValue()).toBe('A fine piece of work.');
    }));

  it('holds them back from leaving while it cannot be saved', () =>
    step('offline', async () => {
      await line(1).waitFor();
      await page.context().setOffline(true);
      await comment(4, 'Not saved anywhere.');
      await page.getByRole('link', { name: 'Reviews', exact: true }).click();
      const dialog = page.getByRole('dialog');
      await dialog.getByText('Leave without what you wrote?').waitFor();
      await dialog.getByRole('button', { name: 'Cancel' }).click();
      await page.context().setOffline(false);
      await waitFor(async () => (await texts()).includes('Not saved anywhere.'), { what: 'the draft to be saved' });
      expect(seen.complaints.filter((one) => !one.includes('ERR_INTERNET_DISCONNECTED'))).toEqual([]);
    }));
});
