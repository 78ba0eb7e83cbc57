import type { Browser, Page } from 'playwright-core';
import { insertNotification } from '#platform/db/repositories/notifications.ts';
import { appendHistory } from '#platform/db/repositories/reviewHistory.ts';
import { claimReview, setSnapshot } from '#platform/db/repositories/reviews.ts';
import { createSnapshot } from '#platform/db/repositories/snapshots.ts';
import type { ReviewPriority } from '#shared/domain/review.ts';
import { launchBrowser, withPictures, type BrowserPerson } from '#tests/e2e/browser.ts';
import { addressSettings, barriersOf, canShowPages, signedInPage } from '#tests/e2e/signedInPage.ts';
import { build } from '#tests/support/factories.ts';
import { startTestApi, type TestApi, type TestPerson } from '#tests/support/testApi.ts';
import { waitFor } from '#tests/support/waitFor.ts';

(canShowPages ? describe : describe.skip)('a reviewer in the browser', () => {
  let api: TestApi;
  let browser: Browser;
  let ada: TestPerson;
  let bo: TestPerson;
  let seen: BrowserPerson;
  let page: Page;
  const ids: Record<string, number> = {};

  beforeAll(async () => {
    api = await startTestApi(await addressSettings());
    browser = await launchBrowser();
    ada = await api.person({ username: 'ada' });
    bo = await api.person({ username: 'bo', reviewerLevel: 3 });
    seen = await signedInPage(browser, api.url, bo);
    ({ page } = seen);
    await submit('Bound the loop', 'medium');
    await submit('Draw it in colour', 'urgent');
    await submit('Rename the helpers of the parser', 'low');
    await claim('Bound the loop');
  });
  afterAll(async () => {
    await browser?.close();
    await api?.close();
  });

  async function submit(title: string, priority: ReviewPriority): Promise<void> {
    const session = await build.session(api.database, { userId: ada.id, name: 'fractals' });
    for (const name of ['main.py', 'shapes.py', 'colours.py']) {
      await build.file(api.database, { sessionId: session.id, name, content: `print("${name}")\n` });
    }
    const given = { sessionUuid: session.uuid, submittedBy: ada.id, title, priority };
    const { id } = await build.review(api.database, given);
    ids[title] = id;
    const snapshot = await api.database.transaction((tx) =>
      createSnapshot(api.database, { sessionId: session.id, createdBy: ada.id }, tx),
    );
    await setSnapshot(api.database, { reviewId: id, snapshotId: snapshot.id }, null);
  }
  async function claim(title: string): Promise<void> {
    const reviewId = ids[title] ?? 0;
    await claimReview(api.database, { reviewId, userId: bo.id, leaseSeconds: 86_400 }, null);
    const description = 'claim: bo took the review.';
    const row = {
      reviewId,
      opId: 'claim',
      changedBy: bo.id,
      oldStatus: 'pending',
      newStatus: 'in_review',
      description,
    } as const;
    await appendHistory(api.database, row, null);
  }
  const step = (name: string, act: () => Promise<void>) => withPictures([seen], `queue-${name}`, act);
  const titles = () => page.getByRole('main').getByRole('listitem').getByRole('link').allInnerTexts();

  it('sees their turn first and narrows the list by an address that can be kept', () =>
    step('list', async () => {
      await page.goto('/reviews');
      await page.getByText('Your turn: read it and decide').waitFor();
      expect(await titles()).toEqual(['Bound the loop', 'Draw it in colour', 'Rename the helpers of the parser']);
      expect(await barriersOf(page)).toEqual([]);
      await page.getByRole('button', { name: 'Your turn' }).click();
      await page.getByText('Draw it in colour').waitFor({ state: 'detached' });
      await page.reload();
      await page.getByRole('link', { name: 'Bound the loop' }).waitFor();
      expect(await titles()).toEqual(['Bound the loop']);
      await page.getByRole('button', { name: 'Clear' }).click();
      await page.getByRole('searchbox', { name: 'Title or description' }).fill('no review is called so');
      await page.getByText('Nothing matches').waitFor();
      await page.getByRole('button', { name: 'Clear the filters' }).click();
      await page.getByRole('link', { name: 'Draw it in colour' }).waitFor();
    }));

  it('loses nothing that is typed into the filters while the list follows', () =>
    step('filters', async () => {
      await page.goto('/reviews');
      const field = (name: string) => page.getByRole('searchbox', { name }).or(page.getByRole('textbox', { name }));
      await field('Title or description').pressSequentially('bound ');
      // By now the address has the word, without the space.
      await page.waitForURL(/text=bound/);
      await field('Title or description').pressSequentially('the');
      await field('Author').pressSequentially('ada');
      await page.waitForURL(/text=bound(\+|%20)the.*author=ada|author=ada.*text=bound(\+|%20)the/);
      expect(await field('Title or description').inputValue()).toBe('bound the');
      await page.getByRole('link', { name: 'Bound the loop' }).waitFor();
      await page.getByRole('button', { name: 'Clear' }).click();
      await page.waitForURL((url) => !url.search.includes('ada'));
      expect([await field('Title or description').inputValue(), await field('Author').inputValue()]).toEqual(['', '']);
    }));

  it('searches the frozen code for words with letters that are keys of the page', () =>
    step('search', async () => {
      await page.goto(`/reviews/${ids['Bound the loop']}`);
      await page.getByRole('region', { name: 'Code' }).locator('.cm-content').focus();
      await page.keyboard.press('Control+f');
      await page.keyboard.type('jvc');
      const search = page.getByRole('textbox', { name: 'Find' });
      expect(await search.inputValue()).toBe('jvc');
      await page.getByText('0 of 3 viewed').waitFor();
      await page.keyboard.press('Escape');
    }));

  it('goes through the files by keys and marks them as viewed, which holds after a reload', () =>
    step('keys', async () => {
      await page.goto(`/reviews/${ids['Bound the loop']}`);
      const shown = page.getByRole('region', { name: 'Code' }).locator('.path');
      await shown.filter({ hasText: 'main.py' }).waitFor();
      await page.keyboard.press('v');
      await page.getByText('1 of 3 viewed').waitFor();
      await page.keyboard.press('j');
      await shown.filter({ hasText: 'shapes.py' }).waitFor();
      await page.keyboard.press('v');
      await page.getByText('2 of 3 viewed').waitFor();
      await page.keyboard.press('k');
      await shown.filter({ hasText: 'main.py' }).waitFor();
      await page.reload();
      await page.getByText('2 of 3 viewed').waitFor();
      await page.keyboard.press('c');
      await page.keyboard.type('jv?');
      await page.getByText('2 of 3 viewed').waitFor();
      await page.getByRole('textbox', { name: 'Comment on the whole' }).press('Control+Enter');
      await page.getByText('Draft, only you see it').waitFor();
      const body = { text: 'Is one enough?', publish: true };
      await api.send('POST', `/api/v1/reviews/${ids['Bound the loop']}/comments`, { as: ada, body });
      const said = page.getByRole('article').filter({ hasText: 'Is one enough?' });
      await said.waitFor();
      // Out of the field that was typed in, as a person clicks beside it.
      await page.evaluate('document.activeElement.blur()');
      await page.keyboard.press('p');
      await page.keyboard.press('r');
      await said.getByRole('textbox', { name: 'Reply' }).press('Escape');
      await page.getByRole('button', { name: 'Keys' }).click();
      await page.getByRole('dialog').getByText('Mark the file as viewed, or not').waitFor();
      expect(await barriersOf(page)).toEqual([]);
      await page.keyboard.press('Escape');
      const openings = await api.send('GET', `/api/v1/reviews/${ids['Bound the loop']}/openings`, { as: ada });
      expect(openings.body.items.map((one: { path: string }) => one.path).sort()).toEqual(['main.py', 'shapes.py']);
    }));

  it('finds a file by its letters in the list, where the keys of the page still work', () =>
    step('letters', async () => {
      const row = (name: string) => page.getByRole('treeitem', { name });
      const hasFocus = (name: string) =>
        row(name).evaluate((element) => element === element.ownerDocument.activeElement);
      await row('main.py').click();
      await page.keyboard.press('v');
      await page.getByText('1 of 3 viewed').waitFor();
      await page.keyboard.press('v');
      await page.getByText('2 of 3 viewed').waitFor();
      expect(await hasFocus('main.py')).toBe(true);
      // Each of these letters but the first is a key of the page, too.
      await page.keyboard.type('scv');
      expect(await hasFocus('shapes.py')).toBe(true);
      await page.getByText('2 of 3 viewed').waitFor();
      await row('main.py').focus();
      await page.keyboard.type('Co');
      await waitFor(() => hasFocus('colours.py'), { what: 'the focus on colours.py' });
    }));

  it('hears at once what they are told, by keyboard too, and has read it then', () =>
    step('bell', async () => {
      const told = {
        userIds: [bo.id],
        kind: 'comments' as const,
        subject: { reviewId: ids['Bound the loop'] ?? 0 },
        summary: 'ada answered 2 comments.',
        theirTurn: true,
        batchKey: 'answered',
      };
      await insertNotification(api.database, told, null);
      await insertNotification(
        api.database,
        { ...told, batchKey: 'refreshed', kind: 'snapshot', summary: 'ada sent new files.' },
        null,
      );
      // ada's comment of before is one of them.
      const bell = page.getByRole('button', { name: 'Notifications, 3 unread' });
      await bell.waitFor();
      await bell.focus();
      await page.keyboard.press('Enter');
      const group = page.getByRole('region', { name: 'Bound the loop' });
      await group.getByText('ada answered 2 comments.').waitFor();
      expect(await barriersOf(page)).toEqual([]);
      await group.getByRole('link', { name: 'ada sent new files.' }).focus();
      await page.keyboard.press('Enter');
      await page.getByRole('button', { name: 'Notifications, 2 unread' }).click();
      await page.getByRole('button', { name: 'Mark all as read' }).click();
      await page.getByRole('button', { name: 'Notifications, 0 unread' }).waitFor();
      await page.keyboard.press('Escape');
    }));

  it('is offered the next review after a verdict', () =>
    step('next', async () => {
      await api.database.query(
        `UPDATE review_requests SET status = 'approved', reviewed_at = now(), claim_expires_at = NULL WHERE id = $1`,
        [ids['Bound the loop']],
      );
      await page.goto(`/reviews/${ids['Bound the loop']}`);
      const offer = page.getByRole('status').filter({ hasText: 'Next review' });
      await offer.waitFor();
      await offer.getByRole('link', { name: 'Draw it in colour' }).click();
      await page.getByRole('heading', { name: 'Draw it in colour', level: 1 }).waitFor();
    }));

  it('says that they are away, and what they want to hear', () =>
    step('settings', async () => {
      await page.goto('/settings');
      await page.getByLabel('Away, the last day').fill('2098-12-31');
      await page.getByRole('button', { name: 'Set away' }).click();
      await page.getByRole('button', { name: 'I am back' }).waitFor();
      await page.getByRole('checkbox', { name: 'Tell me only when it is my turn' }).check();
      expect(await barriersOf(page)).toEqual([]);
      const { body } = await api.send('GET', '/api/v1/users/me', { as: bo });
      expect(body).toMatchObject({ notifyOnlyMyTurn: true, awayUntil: expect.stringContaining('2099-01-01') });
      await page.getByRole('button', { name: 'I am back' }).click();
      await page.getByRole('button', { name: 'Set away' }).waitFor();
    }));

  it('reads how reviewing goes', () =>
    step('figures', async () => {
      await page.goto('/reviews');
      await page.getByRole('link', { name: 'Figures' }).click();
      await page.getByRole('heading', { name: 'Time in review' }).waitFor();
      await page.getByRole('row', { name: /^Verdicts with no file opened 0 %/ }).waitFor();
      expect(await barriersOf(page)).toEqual([]);
      expect(seen.complaints).toEqual([]);
    }));
});
