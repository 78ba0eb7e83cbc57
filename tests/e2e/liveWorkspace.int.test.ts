import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { launchBrowser, withPictures, type BrowserPerson } from '#tests/e2e/browser.ts';
import { addressSettings, canShowPages, signedInPage } from '#tests/e2e/signedInPage.ts';
import { publishSessionEvent } from '#platform/db/repositories/events.ts';
import { build } from '#tests/support/factories.ts';
import { startTestApi, type TestApi, type TestPerson } from '#tests/support/testApi.ts';
import { waitFor } from '#tests/support/waitFor.ts';

(canShowPages ? describe : describe.skip)('a workspace in the browser', () => {
  let api: TestApi;
  let browser: Browser;
  let ada: TestPerson;
  let seen: BrowserPerson;
  let page: Page;
  let uuid: string;
  let folder: string;

  beforeAll(async () => {
    api = await startTestApi(await addressSettings());
    browser = await launchBrowser();
    ada = await api.person({ username: 'ada' });
    seen = await signedInPage(browser, api.url, ada);
    ({ page } = seen);
    folder = await mkdtemp(path.join(tmpdir(), 'berth-live-'));
  });
  beforeEach(async () => {
    ({ uuid } = await build.session(api.database, { userId: ada.id }));
    await makeFile('first.txt');
  });
  afterEach(() => page.unrouteAll({ behavior: 'ignoreErrors' }));
  afterAll(async () => {
    await browser?.close();
    await api?.close();
    if (folder) await rm(folder, { recursive: true });
  });

  const step = (name: string, act: () => Promise<void>) => withPictures([seen], `live-${name}`, act);
  const row = (name: string) => page.getByRole('treeitem', { name, exact: true });
  const makeFile = (name: string) =>
    api.send('POST', `/api/v1/sessions/${uuid}/items`, { as: ada, body: { name, type: 'file' } });

  it('shows a file that was made while it was loaded', () =>
    step('loaded', async () => {
      let letSession = (): void => undefined;
      const madeMeanwhile = new Promise<void>((resolve) => (letSession = resolve));
      await page.route(`**/api/v1/sessions/${uuid}`, (route) => madeMeanwhile.then(() => route.continue()));
      const tree = page.waitForResponse(`**/sessions/${uuid}/items`);
      await page.goto(`/sessions/${uuid}`);
      await (await tree).finished();
      await makeFile('second.txt');
      letSession();
      await row('first.txt').waitFor();
      await row('second.txt').waitFor();
    }));

  it('shows files that change faster than they can be loaded', () =>
    step('changing', async () => {
      await page.goto(`/sessions/${uuid}`);
      await row('first.txt').waitFor();
      await page.route(`**/sessions/${uuid}/items`, async (route) => {
        const response = await route.fetch();
        await new Promise((resolve) => setTimeout(resolve, 600));
        await route.fulfill({ response });
      });
      let count = 0;
      const isShown = () => row('file-1.txt').isVisible();
      await waitFor(
        async () => {
          count += 1;
          await makeFile(`file-${String(count)}.txt`);
          return isShown();
        },
        { what: 'the first new file, while others follow', deadlineMs: 8_000 },
      );
    }));

  it('takes in what can be read, and says which file cannot be any more', () =>
    step('unreadable', async () => {
      const [first, changed, whole] = ['one.txt', 'changed.txt', 'whole.txt'].map((name) => path.join(folder, name));
      for (const file of [first!, changed!, whole!]) await writeFile(file, 'before');
      await page.goto(`/sessions/${uuid}`);
      await row('first.txt').waitFor();
      let letGo = (): void => undefined;
      const isChanged = new Promise<void>((resolve) => (letGo = resolve));
      await page.route('**/uploads/batch', (route) => isChanged.then(() => route.continue()), { times: 1 });
      const picker = page.getByLabel('Files to upload');
      const sent = page.waitForRequest('**/uploads/batch');
      await picker.setInputFiles([first!]);
      await sent;
      await picker.setInputFiles([changed!, whole!]);
      await appendFile(changed!, ' and after');
      letGo();
      await row('one.txt').waitFor();
      await row('whole.txt').waitFor();
      const tray = page.getByRole('region', { name: 'Uploads' });
      await tray.getByText('2 files uploaded, 1 not').waitFor();
      await tray.getByText('changed.txt').waitFor();
      expect(await row('changed.txt').count()).toBe(0);
    }));

  it('shows what has changed once Berth answers again behind a proxy that answered instead of it', () =>
    step('proxy', async () => {
      await page.goto(`/sessions/${uuid}`);
      await row('first.txt').waitFor();
      await page.route(`**/sessions/${uuid}/items`, (route) => route.fulfill({ status: 502, body: 'Bad gateway' }), {
        times: 1,
      });
      await makeFile('second.txt');
      await page.getByText('trying again').waitFor();
      await row('second.txt').waitFor();
      await page.getByText('trying again').waitFor({ state: 'hidden' });
    }));

  it('asks before it is left while files are on their way', () =>
    step('leaving', async () => {
      await writeFile(path.join(folder, 'two.txt'), 'two');
      await page.goto(`/sessions/${uuid}`);
      await row('first.txt').waitFor();
      let letGo = (): void => undefined;
      const released = new Promise<void>((resolve) => (letGo = resolve));
      await page.route('**/uploads/batch', (route) => released.then(() => route.continue()));
      await page.getByLabel('Files to upload').setInputFiles([path.join(folder, 'two.txt')]);
      await page.getByText('Uploading 1 file').waitFor();
      await page.getByRole('banner').getByRole('link', { name: 'Sessions', exact: true }).click();
      const dialog = page.getByRole('dialog', { name: 'Leave while files are uploaded?' });
      await dialog.getByRole('button', { name: 'Cancel' }).click();
      // With edits as well each question is asked, and asked again by whoever stays after all.
      await row('first.txt').click();
      await page.getByRole('region', { name: 'Editor' }).locator('.cm-content').click();
      await page.keyboard.insertText('edited');
      const edits = page.getByRole('dialog', { name: 'Leave without saving?' });
      for (let time = 1; time <= 2; time += 1) {
        await page.getByRole('banner').getByRole('link', { name: 'Sessions', exact: true }).click();
        const first =
          (await edits.or(dialog).getByRole('heading').innerText()) === 'Leave without saving?' ? edits : dialog;
        const second = first === edits ? dialog : edits;
        await first.getByRole('button', { name: 'Leave' }).click();
        await second.getByRole('button', { name: 'Cancel' }).click();
        await second.waitFor({ state: 'hidden' });
      }
      letGo();
      await row('two.txt').waitFor();
    }));

  it('keeps an archive on its way, and the words about a review, when a key closes dialogs', () =>
    step('escape', async () => {
      await writeFile(path.join(folder, 'lib.zip'), 'bytes');
      await page.goto(`/sessions/${uuid}`);
      await row('first.txt').waitFor();
      await page.getByRole('button', { name: 'Submit for review' }).click();
      const description = page.getByRole('dialog').getByLabel('What should the reviewer know?');
      await description.fill('written with care');
      await page.keyboard.press('Escape');
      await description.waitFor({ state: 'hidden' });
      await page.getByRole('button', { name: 'Submit for review' }).click();
      expect(await description.inputValue()).toBe('written with care');
      await page.keyboard.press('Escape');

      await page.route('**/uploads', () => undefined);
      await page.getByRole('button', { name: 'Upload and download' }).click();
      await page.getByRole('menuitem', { name: 'Import an archive…' }).click();
      await page.getByLabel('Archive', { exact: true }).setInputFiles(path.join(folder, 'lib.zip'));
      await page.getByRole('dialog').getByRole('button', { name: 'Import' }).click();
      await page.getByText('Sending: ').waitFor();
      await page.keyboard.press('Escape');
      await page.evaluate('new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))');
      expect(await page.getByText('Sending: ').isVisible()).toBe(true);
    }));

  it('shows where the session stands, though the answer to its opening comes later', () =>
    step('opening', async () => {
      await page.goto(`/sessions/${uuid}`);
      await row('first.txt').waitFor();
      let letGo = (): void => undefined;
      const released = new Promise<void>((resolve) => (letGo = resolve));
      await page.route(`**/sessions/${uuid}/open`, async (route) => {
        const response = await route.fetch();
        await released;
        await route.fulfill({ response });
      });
      const head = page.locator('header.head');
      const answer = page.waitForResponse(`**/sessions/${uuid}/open`);
      await head.getByRole('button', { name: 'Open', exact: true }).click();
      await head.getByText('Waiting to start').waitFor();
      await api.database.transaction(async (tx) => {
        const [failed] = await api.database.query<{ id: number }>(
          `UPDATE sessions SET phase = 'failed', phase_reason = 'provisioning-failed' WHERE uuid = $1 RETURNING id`,
          [uuid],
          tx,
        );
        const payload = { phase: 'failed', reason: 'provisioning-failed', cause: null, generation: 1 };
        await publishSessionEvent(api.database, { sessionId: failed!.id, kind: 'phase', payload }, tx);
      });
      await head.getByText('Could not open').waitFor();
      letGo();
      await (await answer).finished();
      await page.evaluate('new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))');
      await head.getByText('Could not open').waitFor();
    }));

  it('uploads what can be read of a drop, and names the rest', () =>
    step('unreadable', async () => {
      await page.goto(`/sessions/${uuid}`);
      await row('first.txt').waitFor();
      // No browser lets a program make a drop of folders: this is one as it would be given.
      await row('first.txt').evaluate((target) => {
        const drop = new Event('drop', { bubbles: true, cancelable: true });
        const entry = (
          name: string,
          file: (take: (found: File) => void, refuse: (why: DOMException) => void) => void,
        ) => ({
          kind: 'file',
          getAsFile: () => null,
          webkitGetAsEntry: () => ({ name, isFile: true, isDirectory: false, file }),
        });
        const items = [
          entry('closed.txt', (_, refuse) => refuse(new DOMException('closed', 'NotReadableError'))),
          entry('open.txt', (take) => take(new File(['text'], 'open.txt'))),
        ];
        target.dispatchEvent(Object.assign(drop, { dataTransfer: { items, types: ['Files'] } }));
      });
      await row('open.txt').waitFor();
      await page.getByRole('list', { name: 'Files that were not uploaded' }).getByText('closed.txt').waitFor();
    }));
});
