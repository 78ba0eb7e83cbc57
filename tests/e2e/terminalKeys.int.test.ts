import { createHash } from 'node:crypto';
import type { Browser, Page } from 'playwright-core';
import { launchBrowser, withPictures, type BrowserPerson } from '#tests/e2e/browser.ts';
import { addressSettings, canShowPages, signedInPage } from '#tests/e2e/signedInPage.ts';
import { workspacePage, type WorkspacePage } from '#tests/e2e/workspacePage.ts';
import { build } from '#tests/support/factories.ts';
import { buildRunningSession, type RunningSession } from '#tests/support/runningSession.ts';
import { openScreen } from '#tests/support/terminalScreen.ts';
import { startTestApi, type TestApi } from '#tests/support/testApi.ts';
import { waitFor } from '#tests/support/waitFor.ts';

(canShowPages ? describe : describe.skip)('the keys of a workspace', () => {
  let api: TestApi;
  let browser: Browser;
  let running: RunningSession;
  let seen: BrowserPerson;
  let page: Page;
  let workspace: WorkspacePage;
  let base: string;

  beforeAll(async () => {
    api = await startTestApi(await addressSettings());
    browser = await launchBrowser();
    const ada = await api.person({ username: 'ada' });
    running = await buildRunningSession(api, ada.id);
    await build.file(api.database, { sessionId: running.session.id, name: 'main.py' });
    seen = await signedInPage(browser, api.url, ada);
    ({ page } = seen);
    workspace = workspacePage(page);
    base = `/sessions/${running.session.uuid}`;
  });
  afterAll(async () => {
    await browser?.close();
    await running?.destroy();
    await api?.close();
  });

  const step = (name: string, act: () => Promise<void>) => withPictures([seen], `focus-${name}`, act);
  const focusedPane = () => page.evaluate<string>(`document.activeElement.closest('[data-pane]')?.dataset.pane ?? ''`);

  /** Shows the workspace and holds its terminals back until the result is called: a slow way, or a slow machine. */
  async function withoutTerminals(): Promise<() => Promise<void>> {
    let release = (): void => undefined;
    const released = new Promise<void>((resolve) => (release = resolve));
    await page.unrouteAll();
    await page.route('**/terminals', (route) => released.then(() => route.continue()));
    const asked = page.waitForRequest('**/terminals');
    await page.goto(base);
    await workspace.treeItem('main.py').waitFor();
    await asked;
    return async () => {
      release();
      // Not by its role: what lies under a dialog has none.
      await page.locator('.xterm-helper-textarea').waitFor({ state: 'attached' });
    };
  }

  it('are taken from nobody who types in the editor by a terminal that comes up: no word goes into a shell', () =>
    step('editor', async () => {
      const release = await withoutTerminals();
      const code = page.getByRole('region', { name: 'Editor' }).locator('.cm-content');
      await code.click();
      await page.keyboard.press('ControlOrMeta+a');
      await page.keyboard.insertText('before, ');
      await release();
      await page.keyboard.insertText('and after');
      expect(await focusedPane()).toBe('editor');
      expect(await workspace.editorText()).toBe('before, and after');
      await workspace.seesInTerminal(/\$/);
      expect((await workspace.lines()).join('')).not.toContain('and after');
      await page.keyboard.press('ControlOrMeta+s');
      await page.getByRole('region', { name: 'Editor' }).getByRole('status').getByText('Saved').waitFor();
    }));

  it('are not taken from whoever walks through the tree, or writes into a dialog', () =>
    step('tree', async () => {
      let release = await withoutTerminals();
      await workspace.treeItem('main.py').focus();
      await release();
      expect(await focusedPane()).toBe('files');

      release = await withoutTerminals();
      await page.getByRole('region', { name: 'Files' }).getByRole('button', { name: 'New folder' }).click();
      const name = page.getByRole('dialog').getByLabel('Name');
      await name.focus();
      await release();
      await page.keyboard.insertText('letters');
      expect(await name.inputValue()).toBe('letters');
      await page.keyboard.press('Escape');
    }));

  it('go to the terminal where nobody has them, and to a new one that was asked for', () =>
    step('terminal', async () => {
      const release = await withoutTerminals();
      await release();
      await waitFor(async () => (await focusedPane()) === 'terminal', { what: 'the terminal to have the keys' });
      await page.getByRole('button', { name: 'New terminal' }).click();
      await page.getByRole('tab', { name: 'Terminal 2', selected: true }).waitFor();
      const second = page.getByRole('textbox', { name: 'Terminal Terminal 2. F6 leaves it.' });
      await waitFor(() => second.evaluate((area) => area === area.ownerDocument.activeElement), {
        what: 'the second terminal to have the keys',
      });
    }));

  describe('pasted beyond what a program reads', () => {
    const TEXT = 'not a word of it is lost. '.repeat(100_000);
    const waits = () => page.getByRole('status').getByText('wait for the program to read');
    const paste = (text: string) =>
      page
        .locator('.xterm-helper-textarea')
        .first()
        .evaluate((area, pasted) => {
          const { ClipboardEvent, DataTransfer } = area.ownerDocument.defaultView!;
          const clipboardData = new DataTransfer();
          clipboardData.setData('text/plain', pasted);
          area.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true }));
        }, text);

    beforeAll(async () => {
      await page.goto(base);
      await workspace.seesInTerminal(/\$/);
    });

    it('wait in the page until it reads, and all of them arrive', () =>
      step('paste', async () => {
        const gate = `mkfifo gate; stty raw -echo; echo ready-$((1+1)); cat gate; head -c ${String(TEXT.length)} | sha256sum`;
        await workspace.type(`${gate}; stty sane`);
        await workspace.seesInTerminal(/ready-2/);
        await paste(TEXT);
        await waits().waitFor();
        const agent = await api.deps.agentPool.get(running.session.uuid, 1);
        const { id } = await agent.openTerminal({ name: null, size: { cols: 80, rows: 24 } });
        (await openScreen(agent, id)).type('echo > gate\r');
        const digest = createHash('sha256').update(TEXT).digest('hex');
        await workspace.seesInTerminal(new RegExp(digest.slice(0, 40)), 30_000);
        await waits().waitFor({ state: 'hidden' });
      }));

    it('can be taken back', () =>
      step('discard', async () => {
        await workspace.type('stty raw -echo; echo raw-$((1+1)); cat gate');
        await workspace.seesInTerminal(/raw-2/);
        await paste(TEXT);
        await page.getByRole('button', { name: 'Discard' }).click();
        await waits().waitFor({ state: 'hidden' });
        expect(seen.complaints).toEqual([]);
      }));
  });
});
