import type { Browser, Page } from 'playwright-core';
import { launchBrowser, withPictures, type BrowserPerson } from '#tests/e2e/browser.ts';
import { approve } from '#tests/e2e/reviewPages.ts';
import { workspacePage } from '#tests/e2e/workspacePage.ts';
import { addressSettings, barriersOf, canShowPages, signedInPage } from '#tests/e2e/signedInPage.ts';
import { startCopyGround, type CopyGround, type HeldReview } from '#tests/support/copyGround.ts';

(canShowPages ? describe : describe.skip)('a reviewer in the browser', () => {
  let ground: CopyGround;
  let held: HeldReview;
  let browser: Browser;
  let seen: BrowserPerson;
  let page: Page;

  beforeAll(async () => {
    ground = await startCopyGround(await addressSettings());
    held = await ground.heldReview();
    browser = await launchBrowser();
    seen = await signedInPage(browser, ground.api.url, held.reviewer);
    ({ page } = seen);
  });
  afterAll(async () => {
    await browser?.close();
    await ground?.close();
  });

  const step = (name: string, act: () => Promise<void>) => withPictures([seen], `running-copy-${name}`, act);
  const runs = () => page.getByRole('list', { name: 'Runs' }).getByRole('listitem');

  it('runs a command on what is under review and reads what it printed', () =>
    step('receipt', async () => {
      await page.goto(`/reviews/${held.id}`);
      await page.getByRole('tab', { name: /^Runs/ }).click();
      await page.getByRole('textbox', { name: 'Run a command on these files' }).fill('python3 main.py');
      await page.getByRole('button', { name: 'Run', exact: true }).click();
      await runs().getByText('exit 0').waitFor();
      await runs().getByText('Output').click();
      await runs().getByText('frozen', { exact: true }).waitFor();
      expect(await barriersOf(page)).toEqual([]);
    }));

  it('works in the copy, is told what it is, and comes back to the review', () =>
    step('copy', async () => {
      await page.getByRole('link', { name: 'Your running copy' }).click();
      await page.getByText(`Throw-away copy of snapshot ${String(held.snapshotId)} of review`).waitFor();
      expect(await page.getByRole('button', { name: 'Submit for review' }).count()).toBe(0);
      await workspacePage(page).type('echo changed >> main.py');
      await workspacePage(page).seesInTerminal(/changed/);
      expect(await barriersOf(page)).toEqual([]);
      await page.getByRole('link', { name: 'Back to the review' }).click();
      await page.getByRole('tab', { name: /^Runs/ }).click();
      await page.getByRole('textbox', { name: 'Run a command on these files' }).fill('tail -1 main.py');
      await page.getByRole('button', { name: 'Run', exact: true }).click();
      await runs().getByText('changed copy').waitFor();
    }));

  it('grounds the verdict on a run, and the copy is gone', () =>
    step('verdict', async () => {
      await page.getByRole('tab', { name: /^Discussion/ }).click();
      await page.getByRole('checkbox', { name: /python3 main.py/ }).check();
      expect(await barriersOf(page)).toEqual([]);
      const [copy] = (await ground.get(held.reviewer, `/reviews/${held.id}/running-copies`)).body.items;
      await approve(page, 'It prints what it should.');
      await page.getByRole('tab', { name: /^Runs/ }).click();
      await runs().getByText('cited', { exact: true }).waitFor();
      await page.goto(`/sessions/${copy.uuid as string}`);
      await page.getByText('This throw-away copy is gone').waitFor();
      expect(seen.complaints).toEqual([]);
    }));
});
