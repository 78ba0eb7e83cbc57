import type { Page } from 'playwright-core';

/** Submits the session that the page shows; resolves with the review's address. */
export async function submitForReview(page: Page, description: string): Promise<string> {
  await page.getByRole('button', { name: 'Submit for review' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('What should the reviewer know?').fill(description);
  await dialog.getByRole('button', { name: 'Submit', exact: true }).click();
  const link = page.getByRole('link', { name: 'In review' });
  await link.waitFor();
  return (await link.getAttribute('href')) ?? '';
}

/** Makes the person a reviewer and opens the review with that title from the queue. */
export async function findInQueue(page: Page, title: string): Promise<void> {
  await page.getByRole('link', { name: 'Reviews', exact: true }).click();
  await page.getByRole('button', { name: 'Become a reviewer' }).click();
  await page.getByRole('link', { name: title, exact: true }).click();
  await page.getByRole('heading', { name: title, level: 1 }).waitFor();
}

/** Opens a frozen file by the names on its path; resolves with its text. */
export async function readFrozen(page: Page, names: string[]): Promise<string> {
  const tree = page.getByRole('tree', { name: 'Frozen files' });
  for (const [index, name] of names.entries()) {
    const item = tree.getByRole('treeitem', { name, exact: true });
    const isOpenFolder = index < names.length - 1 && (await item.getAttribute('aria-expanded')) === 'true';
    if (!isOpenFolder) await item.click();
  }
  const code = page.getByRole('region', { name: 'Code' });
  await code
    .locator('.path')
    .filter({ hasText: names.join('/') })
    .waitFor();
  return (await code.locator('.cm-line').allInnerTexts()).join('\n');
}

/** Comments on a line of the file that is shown and publishes the comment. */
export async function commentOnLine(page: Page, line: number, text: string, kind = 'Comment'): Promise<void> {
  const code = page.getByRole('region', { name: 'Code' });
  // The claim that gives the right to comment may still be on its way.
  await code.getByLabel('Press c to comment').waitFor();
  await code
    .locator('.cm-line')
    .nth(line - 1)
    .click();
  await page.keyboard.press('c');
  await code.getByLabel(`Comment on line ${String(line)}`).fill(text);
  await code.getByLabel('Kind of comment').selectOption(kind);
  await code.getByRole('button', { name: 'Add draft' }).click();
  await page.getByRole('complementary', { name: 'Discussion' }).getByRole('button', { name: 'Publish' }).click();
  await code.getByText('Draft, only you see it').waitFor({ state: 'detached' });
}

/** Approves with a summary and waits until the page shows the verdict. */
export async function approve(page: Page, summary: string): Promise<void> {
  const form = page.getByRole('form', { name: 'Your verdict' });
  await form.getByLabel('Summary for the author').fill(summary);
  await form.getByRole('button', { name: 'Approve', exact: true }).click();
  await page.getByRole('region', { name: 'Verdict' }).filter({ hasText: 'Approved' }).waitFor();
}
