import type { Browser, Page } from 'playwright-core';
import { launchBrowser, withPictures, type BrowserPerson } from '#tests/e2e/browser.ts';
import { addressSettings, canShowPages, signedInPage } from '#tests/e2e/signedInPage.ts';
import { build } from '#tests/support/factories.ts';
import { startTestApi, type TestApi } from '#tests/support/testApi.ts';
import { waitFor } from '#tests/support/waitFor.ts';

const FILES = 3_000;

(canShowPages ? describe : describe.skip)('a tree of thousands of files', () => {
  let api: TestApi;
  let browser: Browser;
  let seen: BrowserPerson;
  let page: Page;

  beforeAll(async () => {
    api = await startTestApi(await addressSettings());
    browser = await launchBrowser();
    const ada = await api.person({ username: 'ada' });
    seen = await signedInPage(browser, api.url, ada);
    ({ page } = seen);
    const session = await build.session(api.database, { userId: ada.id });
    await build.file(api.database, { sessionId: session.id, name: 'zebra.py', content: "print('last')\n" });
    await api.database.query(
      `INSERT INTO workspace_items (session_id, session_uuid, name, full_path, type, content, size, sha256)
       SELECT session_id, session_uuid, 'file-' || n || '.txt', 'file-' || n || '.txt', type, content, size, sha256
       FROM workspace_items, generate_series(1, $2::int) n WHERE session_id = $1`,
      [session.id, FILES],
    );
    await page.goto(`/sessions/${session.uuid}`);
    await rows().first().waitFor();
  });
  afterAll(async () => {
    await browser?.close();
    await api?.close();
  });

  const tree = () => page.getByRole('tree', { name: 'Files' });
  const rows = () => tree().getByRole('treeitem');
  const row = (name: string) => tree().getByRole('treeitem', { name, exact: true });
  const focused = () => page.evaluate<string | null>('document.activeElement.getAttribute("aria-label")');
  const focusBecomes = (name: string) =>
    waitFor(async () => (await focused()) === name, { what: `the focus on ${name}` });
  const step = (name: string, act: () => Promise<void>) => withPictures([seen], `tree-${name}`, act);

  it('draws what is seen and tells a screen reader of all', () =>
    step('drawn', async () => {
      expect(await rows().count()).toBeLessThan(100);
      expect(await rows().first().getAttribute('aria-setsize')).toBe(String(FILES + 1));
      await tree().evaluate((element) => element.scrollTo(0, element.scrollHeight));
      await row('zebra.py').waitFor();
      expect(await row('zebra.py').getAttribute('aria-posinset')).toBe(String(FILES + 1));
      expect(await rows().count()).toBeLessThan(100);
    }));

  it('keeps its tab stop and the keyboard’s place wherever it is scrolled to', () =>
    step('keys', async () => {
      await tree().evaluate((element) => element.scrollTo(0, element.scrollHeight));
      await row('zebra.py').waitFor();
      await row('file-1.txt').focus();
      await page.keyboard.press('End');
      await focusBecomes('zebra.py');
      expect(await row('zebra.py').evaluate((element) => element.matches(':focus-visible'))).toBe(true);
      await page.keyboard.press('ArrowUp');
      await focusBecomes(`file-${String(FILES)}.txt`);
      await page.keyboard.type('file-1500');
      await focusBecomes('file-1500.txt');
      const place = await row('file-1500.txt').boundingBox();
      const frame = await tree().boundingBox();
      expect(place!.y).toBeGreaterThanOrEqual(frame!.y - 1);
      expect(place!.y + place!.height).toBeLessThanOrEqual(frame!.y + frame!.height + 1);
      await page.keyboard.press('Home');
      await focusBecomes('file-1.txt');
    }));

  it('opens what is found at its end', () =>
    step('opened', async () => {
      await page.keyboard.type('zebra');
      await focusBecomes('zebra.py');
      await page.keyboard.press('Enter');
      await page.getByRole('tab', { name: 'zebra.py', selected: true }).waitFor();
      expect(seen.complaints).toEqual([]);
    }));
});
