import type { Browser, Page, Route } from 'playwright-core';
import { launchBrowser, withPictures, type BrowserPerson } from '#tests/e2e/browser.ts';
import { addressSettings, canShowPages, signedInPage } from '#tests/e2e/signedInPage.ts';
import { workspacePage, type WorkspacePage } from '#tests/e2e/workspacePage.ts';
import { build } from '#tests/support/factories.ts';
import { startTestApi, type TestAnswer, type TestApi, type TestPerson } from '#tests/support/testApi.ts';
import { waitFor } from '#tests/support/waitFor.ts';

(canShowPages ? describe : describe.skip)('what a person types into a file', () => {
  let api: TestApi;
  let browser: Browser;
  let ada: TestPerson;
  let seen: BrowserPerson;
  let page: Page;
  let workspace: WorkspacePage;
  let items: string;
  let id: number;

  beforeAll(async () => {
    api = await startTestApi(await addressSettings());
    browser = await launchBrowser();
    ada = await api.person({ username: 'ada' });
    seen = await signedInPage(browser, api.url, ada);
    ({ page } = seen);
    workspace = workspacePage(page);
    // What a test left unsaved holds nobody back.
    page.on('dialog', (dialog) => void dialog.accept());
  });
  afterAll(async () => {
    await browser?.close();
    await api?.close();
  });
  afterEach(() => page.unrouteAll({ behavior: 'ignoreErrors' }));

  const step = (name: string, act: () => Promise<void>) => withPictures([seen], `typed-${name}`, act);
  const code = () => page.getByRole('region', { name: 'Editor' }).locator('.cm-content');
  const state = () => page.getByRole('region', { name: 'Editor' }).getByRole('status');
  const says = (word: string) => state().getByText(word, { exact: true }).waitFor();
  const content = async (item = id) =>
    String((await api.send('GET', `${items}/${String(item)}`, { as: ada })).body.content);
  const shows = (text: string) =>
    waitFor(async () => (await workspace.editorText()) === text, { what: `the editor to show ${text}` });

  /** A session with one file, shown in the editor. */
  async function openFile(text: string, name = 'notes.txt'): Promise<void> {
    const { uuid } = await build.session(api.database, { userId: ada.id });
    items = `/api/v1/sessions/${uuid}/items`;
    const made = await api.send('POST', items, { as: ada, body: { name, type: 'file', content: text } });
    ({ id } = made.body);
    await page.goto(`/sessions/${uuid}`);
    await code().waitFor();
  }
  async function saveElsewhere(text: string, encoding = 'utf8'): Promise<TestAnswer> {
    const { version } = (await api.send('GET', `${items}/${String(id)}`, { as: ada })).body;
    const body = { content: text, encoding };
    const headers = { 'if-match': `"${String(version)}"` };
    return api.send('PUT', `${items}/${String(id)}/content`, { as: ada, body, headers });
  }
  async function typeAtEnd(text: string): Promise<void> {
    await code().click();
    await page.keyboard.press('ControlOrMeta+End');
    await page.keyboard.insertText(text);
  }
  async function save(): Promise<void> {
    await says('Not saved yet');
    await page.keyboard.press('ControlOrMeta+s');
    await says('Saved');
  }
  /** Holds the next request back until the result is called. */
  async function holdNext(pattern: string, method: string): Promise<{ arrived: Promise<void>; release: () => void }> {
    let release = (): void => undefined;
    const released = new Promise<void>((resolve) => (release = resolve));
    let arrive = (): void => undefined;
    const arrived = new Promise<void>((resolve) => (arrive = resolve));
    let isFirst = true;
    await page.route(pattern, async (route: Route) => {
      if (!isFirst || route.request().method() !== method) return route.fallback();
      isFirst = false;
      const response = await route.fetch();
      arrive();
      await released;
      await route.fulfill({ response });
    });
    return { arrived, release };
  }

  it('changes no end of a line that it did not touch', () =>
    step('ends', async () => {
      for (const ends of ['one\r\ntwo\r\n', 'one\r\ntwo\nthree\rfour\n', 'one\rtwo\r']) {
        await openFile(ends);
        await typeAtEnd('five');
        await save();
        expect(await content()).toBe(`${ends}five`);
      }
    }));

  it('goes on with the ends of lines that the file has', () =>
    step('new-ends', async () => {
      await openFile('one\r\ntwo');
      await typeAtEnd('');
      await page.keyboard.press('Enter');
      await page.keyboard.insertText('three');
      await save();
      expect(await content()).toBe('one\r\ntwo\r\nthree');
    }));

  it('is no conflict when the file is renamed meanwhile', () =>
    step('renamed', async () => {
      await openFile('one\n');
      await typeAtEnd('two');
      await api.send('PATCH', `${items}/${String(id)}`, { as: ada, body: { name: 'renamed.txt' } });
      await page.getByRole('tab', { name: 'renamed.txt' }).waitFor();
      await save();
      expect(await content()).toBe('one\ntwo');
    }));

  it('is no conflict with its own save whose answer was lost', () =>
    step('lost-answer', async () => {
      await openFile('one\n');
      await page.route(
        '**/content',
        async (route) => {
          await route.fetch();
          await route.abort();
        },
        { times: 1 },
      );
      await typeAtEnd('two');
      await page.keyboard.press('ControlOrMeta+s');
      await says('Saved');
      await typeAtEnd(' three');
      await save();
      expect(await content()).toBe('one\ntwo three');
    }));

  it('stays while a deleted file is made again', () =>
    step('again', async () => {
      await openFile('one\n');
      await typeAtEnd('two');
      await api.send('DELETE', `${items}/${String(id)}`, { as: ada });
      const held = await holdNext('**/items', 'POST');
      await page.getByRole('button', { name: 'Create it again' }).click();
      await held.arrived;
      await typeAtEnd(' three');
      held.release();
      await says('Not saved yet');
      await shows('one\ntwo three');
      await page.keyboard.press('ControlOrMeta+s');
      await says('Saved');
      const tree = await api.send('GET', items, { as: ada });
      expect(await content(tree.body.items[0].id)).toBe('one\ntwo three');
    }));

  it('stands in the newest text, though an older answer comes after it', () =>
    step('late', async () => {
      await openFile('one');
      const held = await holdNext(`**/items/${String(id)}`, 'GET');
      await saveElsewhere('two');
      await held.arrived;
      await saveElsewhere('three');
      await shows('three');
      const late = page.waitForResponse(`**/items/${String(id)}`);
      held.release();
      await (await late).finished();
      await typeAtEnd(' and four');
      await save();
      expect(await content()).toBe('three and four');
    }));

  it('is never mixed with the bytes of a file that is no text any more', () =>
    step('binary', async () => {
      await openFile('one\n');
      await typeAtEnd('two');
      await saveElsewhere(Buffer.from([0, 1, 2, 3]).toString('base64'), 'base64');
      await page.getByRole('button', { name: 'Compare and decide' }).click();
      await page.getByRole('button', { name: 'Use the saved version' }).click();
      await page.getByText('This is not text').waitFor();
    }));

  it('is not thrown away with the comparison by the key that closes a list of words', () =>
    step('escape', async () => {
      await openFile('one\n');
      await typeAtEnd('mine');
      await saveElsewhere('theirs\n');
      await page.getByRole('button', { name: 'Compare and decide' }).click();
      const merged = page.getByRole('textbox', { name: 'What will be saved, can be edited' });
      await merged.click();
      await page.keyboard.insertText('by hand ');
      await page.keyboard.press('Escape');
      expect(await merged.isVisible()).toBe(true);
    }));

  it('is left alone by a file that was looked for and comes up late', () =>
    step('looked-for', async () => {
      await openFile('needle\n');
      const made = { name: 'hay.txt', type: 'file', content: 'a needle' };
      const hay = await api.send('POST', items, { as: ada, body: made });
      await page.keyboard.press('Control+Shift+F');
      const search = page.getByRole('textbox', { name: 'Search in files' });
      await search.fill('needle');
      const held = await holdNext(`**/items/${String(hay.body.id)}`, 'GET');
      await page.getByRole('button', { name: /a needle$/ }).click();
      await held.arrived;
      await search.click();
      held.release();
      await shows('a needle');
      await page.keyboard.insertText('s and pins');
      expect(await workspace.editorText()).toBe('a needle');
      expect(await search.inputValue()).toContain('s and pins');
    }));

  it('has its place in each file when a person goes from one to another and back', () =>
    step('place', async () => {
      await openFile(Array.from({ length: 300 }, (_, line) => `line ${String(line)}`).join('\n'));
      await api.send('POST', items, { as: ada, body: { name: 'other.txt', type: 'file', content: 'short' } });
      await code().click();
      const scroller = page.locator('.cm-scroller');
      await scroller.evaluate((element) => element.scrollTo(0, 2_000));
      const place = () => scroller.evaluate((element) => element.scrollTop);
      await workspace.openFile('other.txt');
      await shows('short');
      expect(await place()).toBe(0);
      await page.getByRole('tab', { name: 'notes.txt' }).click();
      // Heights of lines that were not drawn yet are guesses: the place may be a few lines off.
      await waitFor(async () => (await place()) > 1_500, { what: 'the place to be the one before' });
    }));
});
