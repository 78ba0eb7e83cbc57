import type { Browser, Page } from 'playwright-core';
import { launchBrowser, withPictures, type BrowserPerson } from '#tests/e2e/browser.ts';
import { addressSettings, barriersOf, canShowPages, signedInPage } from '#tests/e2e/signedInPage.ts';
import { build } from '#tests/support/factories.ts';
import { startTestApi, type TestApi } from '#tests/support/testApi.ts';
import { waitFor } from '#tests/support/waitFor.ts';

(canShowPages ? describe : describe.skip)('whoever looks for something, or wants it twice, in the browser', () => {
  let api: TestApi;
  let browser: Browser;
  let seen: BrowserPerson;
  let page: Page;
  let uuid: string;

  beforeAll(async () => {
    api = await startTestApi(await addressSettings());
    browser = await launchBrowser();
    const ada = await api.person({ username: 'ada' });
    seen = await signedInPage(browser, api.url, ada);
    ({ page } = seen);
    const session = await build.session(api.database, { userId: ada.id });
    ({ uuid } = session);
    const src = await build.folder(api.database, { sessionId: session.id, name: 'src' });
    const content = `${'# nothing\n'.repeat(80)}the needle here\n`;
    await build.file(api.database, { sessionId: session.id, name: 'hay.py', parentId: src.id, content });
    await build.file(api.database, { sessionId: session.id, name: 'main.py' });
  });
  afterAll(async () => {
    await browser?.close();
    await api?.close();
  });

  const dialog = () => page.getByRole('dialog');
  const step = (name: string, act: () => Promise<void>) => withPictures([seen], `search-${name}`, act);

  it('goes from a key to the line of a closed session, and through the tree by name', () =>
    step('line', async () => {
      await page.goto(`/sessions/${uuid}`);
      await page.getByRole('treeitem', { name: 'main.py' }).waitFor();
      await page.keyboard.press('Control+Shift+F');
      await page.getByRole('textbox', { name: 'Search in files' }).fill('NEEDLE');
      await page.getByRole('list', { name: 'Found' }).waitFor();
      expect(await barriersOf(page)).toEqual([]);
      await page.getByRole('button', { name: /^81\s*the needle here$/ }).click();
      const selected = () => page.evaluate<string>('String(document.getSelection())');
      await waitFor(async () => (await selected()) === 'needle', { what: 'the match to be selected' });
      await page.getByRole('button', { name: 'Names', exact: true }).click();
      await page.getByRole('textbox', { name: 'Search names' }).fill('src');
      await page.getByRole('button', { name: 'src', exact: true }).click();
      await page.getByRole('treeitem', { name: 'hay.py' }).waitFor();
    }));

  it('duplicates a file under the next free name', () =>
    step('file', async () => {
      await page.getByRole('treeitem', { name: 'main.py' }).hover();
      await page.getByRole('button', { name: 'More for main.py' }).click();
      await page.getByRole('menuitem', { name: 'Duplicate…' }).click();
      await dialog().getByRole('button', { name: 'Duplicate' }).click();
      await page.getByRole('treeitem', { name: 'main (2).py' }).waitFor();
      await page.getByRole('tab', { name: 'main (2).py', selected: true }).waitFor();
    }));

  it('duplicates a session, saves a template, and begins with it', () =>
    step('session', async () => {
      await page.goto('/sessions');
      await page.getByRole('button', { name: 'More for fractals' }).click();
      await page.getByRole('menuitem', { name: 'Duplicate…' }).click();
      await dialog().getByRole('button', { name: 'Duplicate' }).click();
      await page.getByRole('link', { name: 'fractals (copy)' }).waitFor();
      await page.getByRole('button', { name: 'More for fractals', exact: true }).click();
      await page.getByRole('menuitem', { name: 'Save as template…' }).click();
      await dialog().getByLabel('Name').fill('hay');
      await dialog().getByRole('button', { name: 'Save template' }).click();
      await dialog().waitFor({ state: 'hidden' });
      await page.getByRole('button', { name: 'Templates' }).click();
      await dialog().getByText('hay', { exact: true }).waitFor();
      expect(await barriersOf(page)).toEqual([]);
      await dialog().getByRole('button', { name: 'Close', exact: true }).click();
      await page.getByRole('button', { name: 'New session' }).click();
      await dialog().getByLabel('Name').fill('from hay');
      await dialog().getByLabel('Begin with').selectOption('hay');
      await dialog().getByRole('button', { name: 'Create and open' }).click();
      await page.getByRole('treeitem', { name: 'src' }).waitFor();
      expect(seen.complaints).toEqual([]);
    }));
});
