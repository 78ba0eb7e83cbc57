import { existsSync } from 'node:fs';
import path from 'node:path';
import { AxeBuilder } from '@axe-core/playwright';
import type { Browser, Page } from 'playwright-core';
import { freePort } from '#cli/embedded/freePort.ts';
import { CHROMIUM, newPerson, type BrowserPerson } from '#tests/e2e/browser.ts';
import { ROOT } from '#tests/support/importGraph.ts';
import type { TestPerson } from '#tests/support/testApi.ts';

/** Whether this machine has a browser, and the pages are built. */
export const canShowPages = CHROMIUM !== null && existsSync(path.join(ROOT, 'web/dist/index.html'));

/** The settings of an api whose pages a browser opens: the address must be known before it listens. */
export async function addressSettings(host = '127.0.0.1'): Promise<{ BERTH_PORT: string; BERTH_PUBLIC_URL: string }> {
  const port = String(await freePort());
  return { BERTH_PORT: port, BERTH_PUBLIC_URL: `http://${host}:${port}` };
}

/** A page of a person who is signed in, without motion. */
export async function signedInPage(browser: Browser, url: string, person: TestPerson): Promise<BrowserPerson> {
  const seen = await newPerson(browser, url);
  await seen.page.emulateMedia({ reducedMotion: 'reduce' });
  const [name, value] = person.cookie.split(';')[0]!.split('=') as [string, string];
  await seen.page.context().addCookies([{ name, value, url }]);
  return seen;
}

/** What bars people from the page, of serious or critical impact. */
export async function barriersOf(page: Page): Promise<string[]> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  return violations.filter(({ impact }) => impact === 'serious' || impact === 'critical').map(({ id }) => id);
}
