import type { BrowserPerson } from '#tests/e2e/browser.ts';
import { approve, commentOnLine, findInQueue, readFrozen, submitForReview } from '#tests/e2e/reviewPages.ts';
import { workspacePage, type WorkspacePage } from '#tests/e2e/workspacePage.ts';
import { waitFor } from '#tests/support/waitFor.ts';

const PASSWORD = 'violet anchor over nine harbours';
const NOTES = 'print("from the editor")\n';
/** A small machine carries a browser, a cluster and all of Berth at once. */
const PATIENCE_MS = 60_000;

/** Who takes part, and what happens to them. */
export interface ClusterJourney {
  grace: BrowserPerson;
  linus: BrowserPerson;
  /** Kills one of the api's pods and resolves once it is dead. */
  killPod(): Promise<void>;
}

/** Two people in their browsers, from sign-up to an approved review. Rejects at the first thing that is not as it should be. */
export async function reviewedOnACluster({ grace, linus, killPod }: ClusterJourney): Promise<void> {
  for (const { page } of [grace, linus]) page.setDefaultTimeout(PATIENCE_MS);
  const workspace = workspacePage(grace.page);
  await register(grace, 'grace');
  await grace.page.getByRole('button', { name: 'New session' }).first().click();
  await grace.page.getByRole('dialog').getByLabel('Name').fill('harbours');
  await grace.page.getByRole('dialog').getByRole('button', { name: 'Create and open' }).click();
  await workspace.seesInTerminal(/[$#]\s*$/m, 2 * PATIENCE_MS);
  await workspace.seesState('Open', PATIENCE_MS);
  await editAndRun(workspace);
  await countOverADeath(workspace, killPod);
  const address = await submitForReview(grace.page, 'The notes are new.');
  await register(linus, 'linus');
  await findInQueue(linus.page, 'harbours');
  await linus.page.getByRole('button', { name: 'Claim' }).click();
  const frozen = await readFrozen(linus.page, ['src', 'notes.py']);
  if (!frozen.includes('from the editor')) throw new Error(`the frozen file reads ${frozen}`);
  await commentOnLine(linus.page, 1, 'A good first line.');
  await approve(linus.page, 'Clear and small.');
  const session = grace.page.url();
  await grace.page.goto(address);
  await grace.page.getByRole('region', { name: 'Verdict' }).filter({ hasText: 'Approved by linus' }).waitFor();
  await grace.page.goto(session);
  await workspace.seesState('Open', PATIENCE_MS);
  await workspace.close();
  await workspace.seesState('Closed', 2 * PATIENCE_MS);
  await workspace.treeItem('made.txt').waitFor();
}

/** Files both ways: saved in the editor and read in the terminal, made in the terminal and shown in the tree. */
async function editAndRun(workspace: WorkspacePage): Promise<void> {
  await workspace.createFolder('src');
  await workspace.createFileIn('src', 'notes.py');
  await workspace.writeAndSave(NOTES);
  // A save's answer waits only a moment for the session; a busy machine may take longer to hand it over.
  await workspace.type(
    'until grep -q editor src/notes.py; do sleep 0.05; done; cat src/notes.py; echo done > made.txt',
  );
  await workspace.seesInTerminal(/^print\("from the editor"\)/m, PATIENCE_MS);
  await workspace.treeItem('made.txt').waitFor();
}

/** A program in the terminal counts; an api pod is killed; not a number is missing, and the shell is the same. */
async function countOverADeath(workspace: WorkspacePage, killPod: () => Promise<void>): Promise<void> {
  const reaches = (count: number): Promise<unknown> =>
    waitFor(
      async () => {
        const counted = (await workspace.lines()).map((line) => Number(/^tick-(\d+)\.$/.exec(line)?.[1] ?? 0));
        return Math.max(0, ...counted) >= count;
      },
      { deadlineMs: 2 * PATIENCE_MS, what: `tick ${String(count)}` },
    );
  await workspace.type('HARBOUR=still-here; i=0; while [ $i -lt 900 ]; do i=$((i+1)); echo tick-$i.; sleep 0.4; done');
  await reaches(3);
  await killPod();
  const seen = Math.max(0, ...(await workspace.lines()).map((line) => Number(/^tick-(\d+)\.$/.exec(line)?.[1] ?? 0)));
  await reaches(seen + 20);
  await workspace.interrupt();
  const ticks = await workspace.scrollback(/^tick-\d+\.$/);
  const whole = ticks.map((_, index) => `tick-${String(index + 1)}.`);
  if (ticks.length < 20 || ticks.join() !== whole.join()) throw new Error(`it counted ${ticks.join(' ')}`);
  await workspace.type('echo $HARBOUR-${#HARBOUR}');
  await workspace.seesInTerminal(/^still-here-10/m, PATIENCE_MS);
}

async function register({ page }: BrowserPerson, username: string): Promise<void> {
  await page.goto('/register');
  await page.getByLabel('User name').fill(username);
  await page.getByLabel('E-mail').fill(`${username}@example.org`);
  await page.getByLabel('Password').fill(PASSWORD);
  await page.getByRole('button', { name: 'Create account' }).click();
  await page.getByRole('heading', { name: 'Sessions', level: 1 }).waitFor();
}
