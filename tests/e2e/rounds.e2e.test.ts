import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { npmStart, type BerthStart } from '#tests/e2e/berthStart.ts';
import { CHROMIUM, launchBrowser, newPerson, withPictures, type BrowserPerson } from '#tests/e2e/browser.ts';
import { approve, commentOnLine, findInQueue, submitForReview } from '#tests/e2e/reviewPages.ts';
import { workspacePage } from '#tests/e2e/workspacePage.ts';
import { ROOT } from '#tests/support/importGraph.ts';

const MINUTE = 60_000;
const PASSWORD = 'violet anchor over nine harbours';
const FIRST = 'def area(r):\n    return 3 * r * r\n\nprint(area(2))\n';
const SECOND = 'import math\n\ndef area(r):\n    return 3 * r * r\n\nprint(area(2))\n';

/** Ada submits, Bob rejects, Ada mends and submits again, Bob approves. */
(CHROMIUM === null ? describe.skip : describe)('two rounds of a review', () => {
  const dataDir = mkdtempSync(path.join(tmpdir(), 'berth-rounds-'));
  let berth: BerthStart;
  let url: string;
  let browser: Browser;
  let ada: BrowserPerson;
  let bob: BrowserPerson;

  beforeAll(async () => {
    // Made by mkdtemp for its owner alone; PostgreSQL's user has to get in.
    chmodSync(dataDir, 0o755);
    berth = await npmStart(ROOT, { BERTH_DATA_DIR: dataDir });
    ({ url } = await berth.ready(3 * MINUTE));
    browser = await launchBrowser();
    ada = await register('ada');
    bob = await register('bob');
  }, 4 * MINUTE);

  afterAll(async () => {
    await browser?.close();
    await berth.interrupt();
    rmSync(dataDir, { recursive: true, force: true });
  }, MINUTE);

  async function register(username: string): Promise<BrowserPerson> {
    const person = await newPerson(browser, url);
    await person.page.goto('/register');
    await person.page.getByLabel('User name').fill(username);
    await person.page.getByLabel('E-mail').fill(`${username}@example.org`);
    await person.page.getByLabel('Password').fill(PASSWORD);
    await person.page.getByRole('button', { name: 'Create account' }).click();
    await person.page.getByRole('heading', { name: 'Sessions', level: 1 }).waitFor();
    return person;
  }

  const talk = (page: Page) => page.getByRole('complementary', { name: 'Discussion' });
  const code = (page: Page) => page.getByRole('region', { name: 'Code' });
  let first: string;
  let second: string;

  it(
    'the first: a line with an issue is rejected, and what is typed is kept without being sent',
    () =>
      withPictures([ada, bob], 'rounds-first', async () => {
        await ada.page.getByRole('button', { name: 'New session' }).first().click();
        await ada.page.getByRole('dialog').getByLabel('Name').fill('circles');
        await ada.page.getByRole('dialog').getByRole('button', { name: 'Create and open' }).click();
        const workspace = workspacePage(ada.page);
        await workspace.openFile('main.py');
        await workspace.writeAndSave(FIRST);
        first = await submitForReview(ada.page, 'Areas of circles.');
        await ada.page.goto(first);
        await ada.page.getByRole('tree', { name: 'Frozen files' }).getByRole('treeitem', { name: 'main.py' }).waitFor();
        await findInQueue(bob.page, 'circles');
        await bob.page.getByRole('button', { name: 'Claim' }).click();
        await commentOnLine(bob.page, 2, 'Three is not pi.', 'Issue');

        await code(bob.page).locator('.cm-line').nth(3).click();
        await bob.page.keyboard.press('c');
        const typing = code(bob.page).getByLabel('Comment on line 4');
        await typing.fill('Perhaps a test');
        await code(bob.page).getByText('Saved as a draft').waitFor();
        await bob.page.reload();
        await code(bob.page).getByText('Perhaps a test').waitFor();

        const form = bob.page.getByRole('form', { name: 'Your verdict' });
        await form.getByRole('checkbox', { name: 'Publish 1 draft of yours with it' }).uncheck();
        await form.getByRole('button', { name: 'Reject' }).click();
        await bob.page.getByRole('region', { name: 'Verdict' }).filter({ hasText: 'Rejected' }).waitFor();
        await talk(bob.page).getByText('You cannot publish it now').waitFor();
      }),
    MINUTE,
  );

  it(
    'the second: the comment stands where its line is now, is compared, answered, resolved, and blocks until then',
    () =>
      withPictures([ada, bob], 'rounds-second', async () => {
        await ada.page.goto(first);
        await talk(ada.page).getByText('Three is not pi.').waitFor();
        await ada.page.getByRole('link', { name: 'circles' }).click();
        await workspacePage(ada.page).writeAndSave(SECOND);
        await ada.page.goto(first);
        await ada.page.getByRole('link', { name: 'Submit the next round' }).click();
        await ada.page.getByRole('dialog').getByRole('button', { name: 'Submit', exact: true }).click();
        const link = ada.page.getByRole('link', { name: 'In review' });
        await link.waitFor();
        second = (await link.getAttribute('href')) ?? '';
        await ada.page.goto(second);
        const thread = code(ada.page).getByRole('article', { name: 'Issue by bob' });
        await thread.getByText('Moved').waitFor();
        await thread.getByText('Round 1').waitFor();
        await thread.getByRole('button', { name: 'Done' }).click();
        await thread.getByText('Done.', { exact: true }).waitFor();
        expect(await thread.getByText('Resolved').count()).toBe(0);

        await bob.page.goto(second);
        await bob.page.getByRole('button', { name: 'Claim' }).click();
        const his = code(bob.page).getByRole('article', { name: 'Issue by bob' });
        await his.getByRole('button', { name: 'Moved' }).click();
        await bob.page.getByRole('dialog', { name: 'main.py:2' }).getByText('return 3 * r * r').waitFor();
        await bob.page.keyboard.press('Escape');
        const form = bob.page.getByRole('form', { name: 'Your verdict' });
        await form.getByRole('button', { name: 'Approve', exact: true, disabled: true }).waitFor();
        await his.getByRole('button', { name: 'Resolve' }).click();
        await his.getByText('Resolved by bob').waitFor();
        await bob.page.getByRole('link', { name: 'Compare' }).click();
        await bob.page.getByRole('navigation', { name: 'Changed files' }).getByText('+2').waitFor();
        await bob.page.getByRole('region', { name: 'Difference' }).getByText('import math').first().waitFor();
        await bob.page.getByRole('link', { name: 'Back to the review' }).click();
        await approve(bob.page, 'Close enough.');
        await talk(ada.page).getByText('Approved by bob').waitFor();
        expect(bob.complaints).toEqual([]);
      }),
    MINUTE,
  );
});
