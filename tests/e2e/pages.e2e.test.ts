import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { AxeBuilder } from '@axe-core/playwright';
import type { Browser, Page } from 'playwright-core';
import { createDatabase } from '#platform/db/database.ts';
import { npmStart, type BerthStart } from '#tests/e2e/berthStart.ts';
import { CHROMIUM, launchBrowser, newPerson, type BrowserPerson } from '#tests/e2e/browser.ts';
import { runningConfig } from '#tests/e2e/runningConfig.ts';
import { submitForReview } from '#tests/e2e/reviewPages.ts';
import { workspacePage, type WorkspacePage } from '#tests/e2e/workspacePage.ts';
import { rawZip } from '#tests/support/archives.ts';
import { ROOT } from '#tests/support/importGraph.ts';
import { waitFor } from '#tests/support/waitFor.ts';

const MINUTE = 60_000;
const PASSWORD = 'violet anchor over nine harbours';
const LOOKS = [
  { theme: 'light', width: 1440, height: 900 },
  { theme: 'dark', width: 1440, height: 900 },
  { theme: 'light', width: 390, height: 844 },
  { theme: 'dark', width: 390, height: 844 },
] as const;
/** What the workspace may load at first, in bytes on the wire. */
const FIRST_LOAD_BYTES = 400_000;

/** Resolves once no colour is on its way any more: halfway between two themes there is little contrast. */
const COLOURS_SETTLED = `
  new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn))).then(() =>
    Promise.allSettled(
      document.getAnimations().filter((one) => one instanceof CSSTransition).map((one) => one.finished),
    ),
  )`;

/** How wide the programs of the shown terminal take it for. */
async function columns(workspace: WorkspacePage, mark: string): Promise<string | undefined> {
  await workspace.type(`clear; echo ${mark}-$(stty size)-`);
  return / (\d+)-/.exec(await workspace.seesInTerminal(new RegExp(`${mark}-\\d+ \\d+-`)))?.[1];
}

/** What a session's row and volume say when a person is needed, with sentences and a button of its page. */
const TROUBLES = [
  { row: { phase: 'failed', cause: 'image-pull' }, sees: ['The image that sessions start from'], offers: 'Retry' },
  {
    row: { phase: 'running', cause: 'node-lost' },
    sees: ['does not answer', 'Waiting for the session’s machine to answer'],
    offers: 'Discard and reopen…',
  },
  {
    row: { phase: 'closing', cause: 'node-lost' },
    sees: ['does not answer', 'Closing waits for the session’s machine to answer'],
    offers: 'Discard and reopen…',
  },
  { row: { phase: 'closed', cause: 'node-lost', kept: true }, sees: ['could not be saved'], offers: 'Retry save' },
] as const;

/** Writes a state that no machine takes on demand; how it comes about is proved elsewhere. */
async function putSession(
  dataFolder: string,
  uuid: string,
  { phase, cause, kept = false }: { phase: string; cause: string; kept?: boolean },
): Promise<void> {
  const database = createDatabase(runningConfig(dataFolder));
  try {
    const rows = await database.query<{ id: number }>(
      `UPDATE sessions SET phase = $2, phase_cause = $3, generation = 1 WHERE uuid = $1 RETURNING id`,
      [uuid, phase, cause],
    );
    await database.query(
      `INSERT INTO volumes (session_id, state) VALUES ($1, $2) ON CONFLICT (session_id) DO UPDATE SET state = $2`,
      [rows[0]?.id, kept ? 'kept' : 'live'],
    );
  } finally {
    await database.close();
  }
}

/** What a page does wrong in each theme and size: barriers of serious or critical impact, and content that overflows. */
async function faultsOf(page: Page): Promise<string[]> {
  const faults: string[] = [];
  for (const { theme, width, height } of LOOKS) {
    await page.emulateMedia({ colorScheme: theme, reducedMotion: 'reduce' });
    await page.setViewportSize({ width, height });
    await page.evaluate(COLOURS_SETTLED);
    const { violations } = await new AxeBuilder({ page }).analyze();
    const grave = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
    const where = `${theme} ${String(width)}`;
    faults.push(
      ...grave.map(({ id, nodes }) => `${where}: ${id}: ${nodes[0]?.html ?? ''} ${nodes[0]?.failureSummary ?? ''}`),
    );
    const overflows = await page.evaluate('document.documentElement.scrollWidth > window.innerWidth');
    if (overflows === true) faults.push(`${where}: the page is wider than its window`);
  }
  await page.setViewportSize({ width: 1440, height: 900 });
  return faults;
}

(CHROMIUM === null ? describe.skip : describe)('every page, in both themes, on a desk and on a phone', () => {
  const dataDir = mkdtempSync(path.join(tmpdir(), 'berth-pages-'));
  let berth: BerthStart;
  let url: string;
  let dataFolder: string;
  let browser: Browser;
  let ada: BrowserPerson;
  let workspaceAddress: string;
  let reviewAddress: string;

  beforeAll(async () => {
    // Made by mkdtemp for its owner alone; PostgreSQL's user has to get in.
    chmodSync(dataDir, 0o755);
    berth = await npmStart(ROOT, { BERTH_DATA_DIR: dataDir });
    ({ url, dataFolder } = await berth.ready(3 * MINUTE));
    browser = await launchBrowser();
    ada = await newPerson(browser, url);
  }, 4 * MINUTE);

  afterAll(async () => {
    await browser?.close();
    await berth?.interrupt();
    rmSync(dataDir, { recursive: true, force: true });
  }, MINUTE);

  it(
    'has no barrier before anybody signs in',
    async () => {
      await ada.page.goto('/login');
      await ada.page.getByLabel('Password').waitFor();
      expect(await faultsOf(ada.page)).toEqual([]);
      await ada.page.goto('/register');
      await ada.page.getByRole('button', { name: 'Create account' }).click();
      await ada.page.getByText('Use at least 2 characters').waitFor();
      expect(await faultsOf(ada.page)).toEqual([]);
    },
    MINUTE,
  );

  it(
    'has none in the lists and settings, empty ones too',
    async () => {
      const { page } = ada;
      await page.getByLabel('User name').fill('ada');
      await page.getByLabel('E-mail').fill('ada@example.org');
      await page.getByLabel('Password').fill(PASSWORD);
      await page.getByRole('button', { name: 'Create account' }).click();
      await page.getByText('No sessions yet').waitFor();
      expect(await faultsOf(page)).toEqual([]);
      await page.goto('/reviews');
      await page.getByText('Nothing waits for you').waitFor();
      expect(await faultsOf(page)).toEqual([]);
      await page.goto('/settings');
      await page.getByRole('heading', { name: 'People' }).waitFor();
      expect(await faultsOf(page)).toEqual([]);
      await page.goto('/nowhere');
      await page.getByText('There is no page here').waitFor();
      expect(await faultsOf(page)).toEqual([]);
    },
    2 * MINUTE,
  );

  it(
    'has none in a workspace, open and with a dialog',
    async () => {
      const { page } = ada;
      await page.goto('/sessions');
      await page.getByRole('button', { name: 'New session' }).first().click();
      await page.getByRole('dialog').getByLabel('Name').fill('fractals');
      expect(await faultsOf(page)).toEqual([]);
      await page.getByRole('button', { name: 'Create and open' }).click();
      const workspace = workspacePage(page);
      await workspace.seesInTerminal(/\$/, MINUTE);
      workspaceAddress = page.url();
      expect(await faultsOf(page)).toEqual([]);
      reviewAddress = await submitForReview(page, 'Does it read well?');
      await page.goto('/sessions');
      await page.getByRole('link', { name: 'fractals' }).waitFor();
      expect(await faultsOf(page)).toEqual([]);
    },
    2 * MINUTE,
  );

  it(
    'takes files and archives in, asks about what is there, and says what it did not take',
    async () => {
      const { page } = ada;
      await page.goto(workspaceAddress);
      const { treeItem } = workspacePage(page);
      await treeItem('main.py').waitFor();
      const picked = (name: string, buffer: Buffer) => ({ name, mimeType: 'application/octet-stream', buffer });
      await page
        .getByLabel('Files to upload')
        .setInputFiles([
          picked('main.py', Buffer.from('print(2)\n')),
          picked('.berth-x', Buffer.from('x')),
          picked('large.bin', Buffer.alloc(3_000_000, 'berth')),
        ]);
      await page.getByText('is there already').waitFor();
      // The others go on meanwhile; what comes in the middle of a look is still fading in.
      await treeItem('large.bin').waitFor();
      expect(await faultsOf(page)).toEqual([]);
      await page.getByRole('button', { name: 'Keep both' }).click();
      await treeItem('main (2).py').waitFor();
      await page.getByText('2 files uploaded, 1 not').waitFor();
      await page.getByRole('button', { name: 'Close the list' }).click();

      const choose = async (name: string): Promise<void> => {
        await page.getByRole('button', { name: 'Upload and download' }).click();
        await page.getByRole('menuitem', { name }).click();
      };
      await choose('Import an archive…');
      const archive = rawZip([{ name: '../../etc/passwd' }, { name: 'lib/util.py', bytes: Buffer.from('x = 1\n') }]);
      await page.getByLabel('Archive', { exact: true }).setInputFiles([picked('lib.zip', archive)]);
      await page.getByRole('button', { name: 'Import', exact: true }).click();
      await page.getByText('leads out of its folder').first().waitFor();
      expect(await faultsOf(page)).toEqual([]);
      await page.getByRole('button', { name: 'Import the rest' }).click();
      await treeItem('lib').waitFor();

      const download = page.waitForEvent('download');
      await choose('Download all as zip');
      expect((await download).suggestedFilename()).toBe('fractals.zip');
    },
    2 * MINUTE,
  );

  it(
    'lets programs and pastes do what the person allows, and shows and records terminals beside each other',
    async () => {
      const { page } = ada;
      await page.context().grantPermissions(['clipboard-read', 'clipboard-write'], { origin: url });
      const clipboard = (): Promise<string> => page.evaluate<string>('navigator.clipboard.readText()');
      await page.goto(workspaceAddress);
      const workspace = workspacePage(page);
      await workspace.seesInTerminal(/\$/, MINUTE);
      await workspace.type("printf '\\033]52;c;aGVsbG8=\\007'");
      await page.getByRole('alertdialog', { name: 'Clipboard' }).getByRole('button', { name: 'Allow' }).click();
      await waitFor(async () => (await clipboard()) === 'hello', { what: 'the word in the clipboard' });
      // What is replayed was granted when it was new.
      await page.evaluate(`navigator.clipboard.writeText('echo one\\necho two\\n')`);
      await page.reload();
      await workspace.seesInTerminal(/52;c/, MINUTE);
      // No bracketed pastes here: each line would run at once.
      await workspace.type('echo here-$((1+1)); cat');
      await workspace.seesInTerminal(/here-2/);
      await page.keyboard.press('Control+Shift+V');
      const paste = page.getByRole('alertdialog', { name: 'Paste' });
      await paste.getByRole('button', { name: 'Paste' }).click();
      await workspace.seesInTerminal(/echo two/);
      await workspace.interrupt();
      const full = await columns(workspace, 'before');
      await page.getByRole('button', { name: 'Show two terminals side by side' }).click();
      const rows = page.locator('.xterm-rows').filter({ visible: true });
      await waitFor(async () => (await rows.count()) === 2, { what: 'two terminals' });
      await page.getByRole('button', { name: 'Recordings' }).click();
      await page.getByRole('button', { name: 'Record “Terminal 2”' }).click();
      await page.getByRole('button', { name: 'Stop recording' }).click();
      const link = page.getByRole('link', { name: 'Download the recording of Terminal 2' });
      const [download] = await Promise.all([page.waitForEvent('download'), link.click()]);
      expect(download.suggestedFilename()).toMatch(/^Terminal 2 .*\.cast$/);
      expect(await faultsOf(page)).toEqual([]);
      await page.keyboard.press('Escape');
      await page.getByRole('button', { name: 'Show one terminal' }).click();
      await waitFor(async () => (await columns(workspace, 'after')) === full, { what: 'the whole width' });
    },
    2 * MINUTE,
  );

  it(
    'has none where a session needs a person, and offers what helps',
    async () => {
      const { page } = ada;
      const uuid = await page.evaluate<string>(`fetch('/api/v1/sessions', {
        method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ name: 'stuck' }),
      }).then((answer) => answer.json()).then((session) => session.uuid)`);
      const stuck = `/sessions/${uuid}`;
      for (const { row, sees, offers } of TROUBLES) {
        await putSession(dataFolder, uuid, row);
        await page.goto(stuck);
        for (const sentence of sees) await page.getByText(sentence).first().waitFor();
        await page.getByRole('button', { name: offers }).first().waitFor();
        expect(await faultsOf(page)).toEqual([]);
      }
      await page.getByRole('button', { name: 'Discard…' }).click();
      await page.getByText('The newest save is main.py').waitFor();
      expect(await faultsOf(page)).toEqual([]);
      await page.getByRole('button', { name: 'Cancel' }).click();
      await putSession(dataFolder, uuid, TROUBLES[0].row);
      await page.goto('/sessions');
      await page.getByRole('button', { name: 'Retry stuck' }).waitFor();
      expect(await faultsOf(page)).toEqual([]);
    },
    6 * MINUTE,
  );

  it(
    'has none in a review',
    async () => {
      await ada.page.goto(reviewAddress);
      await ada.page.locator('.cm-content').waitFor();
      expect(await faultsOf(ada.page)).toEqual([]);
    },
    MINUTE,
  );

  it(
    `loads a workspace with at most ${String(FIRST_LOAD_BYTES / 1_000)} kB of scripts and styles`,
    async () => {
      const stranger = await browser.newContext({
        baseURL: url,
        storageState: await ada.page.context().storageState(),
      });
      const page = await stranger.newPage();
      const sizes: Promise<number>[] = [];
      page.on('requestfinished', (request) => {
        if (request.url().includes('/assets/')) sizes.push(request.sizes().then((size) => size.responseBodySize));
      });
      await page.goto(workspaceAddress);
      await workspacePage(page).seesInTerminal(/\$/, MINUTE);
      const total = (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
      await stranger.close();
      expect(total).toBeGreaterThan(FIRST_LOAD_BYTES / 4);
      expect(total).toBeLessThanOrEqual(FIRST_LOAD_BYTES);
    },
    2 * MINUTE,
  );

  it('never does anything that its content policy refuses', () => {
    expect(ada.complaints).toEqual([]);
  });
});
