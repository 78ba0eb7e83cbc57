import type { Browser, Page } from 'playwright-core';
import { launchBrowser, withPictures, type BrowserPerson } from '#tests/e2e/browser.ts';
import { addressSettings, barriersOf, canShowPages, signedInPage } from '#tests/e2e/signedInPage.ts';
import { build } from '#tests/support/factories.ts';
import { startTestApi, type TestApi, type TestPerson } from '#tests/support/testApi.ts';

(canShowPages ? describe : describe.skip)('whoever lost something in the browser', () => {
  let api: TestApi;
  let browser: Browser;
  let ada: TestPerson;
  let seen: BrowserPerson;
  let page: Page;
  let uuid: string;

  beforeAll(async () => {
    api = await startTestApi(await addressSettings());
    browser = await launchBrowser();
    ada = await api.person({ username: 'ada' });
    seen = await signedInPage(browser, api.url, ada);
    ({ page } = seen);
    ({ uuid } = await build.session(api.database, { userId: ada.id }));
    const items = `/api/v1/sessions/${uuid}/items`;
    const made = await api.send('POST', items, {
      as: ada,
      body: { name: 'main.py', type: 'file', content: 'print(1)\n' },
    });
    const body = { content: 'print(2)\n' };
    await api.send('PUT', `${items}/${made.body.id}/content`, { as: ada, body, headers: { 'if-match': '"1"' } });
    const lost = await api.send('POST', items, { as: ada, body: { name: 'lost.txt', type: 'file', content: 'lost' } });
    await api.send('DELETE', `${items}/${lost.body.id}`, { as: ada });
  });
  afterAll(async () => {
    await browser?.close();
    await api?.close();
  });

  const dialog = () => page.getByRole('dialog');
  const step = (name: string, act: () => Promise<void>) => withPictures([seen], `history-${name}`, act);

  it('sees what became of a file and brings an earlier version back', () =>
    step('file', async () => {
      await page.goto(`/sessions/${uuid}`);
      await page.getByRole('button', { name: 'History of main.py' }).click();
      await dialog().getByText('print(1)').waitFor();
      expect(await barriersOf(page)).toEqual([]);
      await dialog().getByRole('button', { name: 'Restore this version' }).click();
      await dialog().waitFor({ state: 'hidden' });
      await page.getByRole('region', { name: 'Editor' }).getByText('print(1)').waitFor();
    }));

  it('brings a deleted file back', () =>
    step('deleted', async () => {
      await page.getByRole('button', { name: 'History', exact: true }).click();
      await page.getByRole('menuitem', { name: 'Deleted files' }).click();
      await dialog().getByRole('checkbox', { name: 'lost.txt' }).check();
      expect(await barriersOf(page)).toEqual([]);
      await dialog().getByRole('button', { name: 'Restore 1 file' }).click();
      await dialog().getByText('Nothing was deleted').waitFor();
      await dialog().getByRole('button', { name: 'Close', exact: true }).click();
      await page.getByRole('treeitem', { name: 'lost.txt' }).waitFor();
    }));

  it('sees what a restore to a moment would change, and then changes it', () =>
    step('moment', async () => {
      // The session began just now: its history is moved back, so that a moment before all files can be chosen.
      const [before] = await api.database.query<{ at: Date }>(
        `UPDATE sessions SET history_since = history_since - interval '1 hour' WHERE uuid = $1
         RETURNING history_since + interval '30 minutes' AS at`,
        [uuid],
      );
      const { at } = before!;
      await page.getByRole('button', { name: 'History', exact: true }).click();
      await page.getByRole('menuitem', { name: 'Restore to a moment' }).click();
      const inThisZone = new Date(at.getTime() - at.getTimezoneOffset() * 60_000);
      await dialog().getByLabel('Moment').fill(inThisZone.toISOString().slice(0, 19));
      await dialog().getByRole('button', { name: 'Show what would change' }).click();
      await dialog().getByText('2 paths would change').waitFor();
      expect(await barriersOf(page)).toEqual([]);
      await dialog().getByRole('button', { name: 'Restore', exact: true }).click();
      await page.getByText('No files yet').waitFor();
    }));

  it('takes a session out of the trash', () =>
    step('trash', async () => {
      await api.send('DELETE', `/api/v1/sessions/${uuid}`, { as: ada });
      await page.goto('/');
      await page.getByRole('button', { name: 'Trash' }).click();
      await dialog().getByRole('button', { name: 'Restore fractals' }).waitFor();
      expect(await barriersOf(page)).toEqual([]);
      await dialog().getByRole('button', { name: 'Restore fractals' }).click();
      await dialog().getByText('The trash is empty').waitFor();
      expect(seen.complaints).toEqual([]);
    }));
});
