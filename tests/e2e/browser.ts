import path from 'node:path';
import { chromium, type Browser, type Page } from 'playwright-core';
import { chromium as findChromium } from '#tests/machine.ts';
import { ROOT } from '#tests/support/importGraph.ts';

/** A person at a browser of their own, with everything that the page complained about. */
export interface BrowserPerson {
  page: Page;
  /** Errors of the page, violations of its content policy included. */
  complaints: string[];
}

/** The browser of this machine; null where there is none, and then the tests that need it are skipped. */
export const CHROMIUM = findChromium();

/** Does a step; when it fails, what each person saw is kept under test-results/ and named in the failure. */
export async function withPictures(people: BrowserPerson[], name: string, step: () => Promise<void>): Promise<void> {
  try {
    await step();
  } catch (error) {
    for (const [index, { page }] of people.entries()) {
      await page.screenshot({ path: path.join(ROOT, 'test-results', `${name}-${String(index)}.png`) });
    }
    throw error;
  }
}

/** Starts the machine's Chromium without a window. */
export async function launchBrowser(): Promise<Browser> {
  if (CHROMIUM === null) throw new Error('there is no Chromium');
  return chromium.launch({
    executablePath: CHROMIUM,
    // No GPU: xterm then draws its rows as elements, which a test can read.
    args: ['--disable-3d-apis', ...(process.getuid?.() === 0 ? ['--no-sandbox'] : [])],
  });
}

/** A new person: a browser context of their own, nobody signed in. */
export async function newPerson(browser: Browser, url: string): Promise<BrowserPerson> {
  const context = await browser.newContext({ baseURL: url, viewport: { width: 1440, height: 900 } });
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error' && /Content.Security.Policy/i.test(message.text())) complaints.push(message.text());
  });
  return { page, complaints };
}
