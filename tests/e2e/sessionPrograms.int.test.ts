import type { Browser, Page } from 'playwright-core';
import type { AgentClient } from '#platform/agent/AgentClient.ts';
import { admitRun, bindRun, endRun } from '#platform/db/repositories/runs.ts';
import { launchBrowser, newPerson, withPictures, type BrowserPerson } from '#tests/e2e/browser.ts';
import { addressSettings, barriersOf, canShowPages, signedInPage } from '#tests/e2e/signedInPage.ts';
import { build } from '#tests/support/factories.ts';
import { buildRunningSession, type RunningSession } from '#tests/support/runningSession.ts';
import { openScreen } from '#tests/support/terminalScreen.ts';
import { startTestApi, type TestApi, type TestPerson } from '#tests/support/testApi.ts';
import { waitFor } from '#tests/support/waitFor.ts';

const SERVED = 18_641;

(canShowPages ? describe : describe.skip)('whoever looks in the browser at what runs in a session', () => {
  let api: TestApi;
  let url: string;
  let browser: Browser;
  let ada: TestPerson;
  let running: RunningSession;
  let agent: AgentClient;
  let seen: BrowserPerson;
  let page: Page;
  let base: string;

  beforeAll(async () => {
    const settings = await addressSettings('localhost');
    url = settings.BERTH_PUBLIC_URL;
    api = await startTestApi(settings);
    browser = await launchBrowser();
    ada = await api.person({ username: 'ada' });
    running = await buildRunningSession(api, ada.id);
    const { uuid } = running.session;
    base = `/sessions/${uuid}`;
    agent = await api.deps.agentPool.get(uuid, 1);
    seen = await signedInPage(browser, url, ada);
    ({ page } = seen);
  });
  afterAll(async () => {
    await browser?.close();
    await running?.destroy();
    await api?.close();
  });

  const dialog = () => page.getByRole('dialog');
  const step = (name: string, act: () => Promise<void>) => withPictures([seen], `programs-${name}`, act);
  const post = (address: string, body: object) =>
    api.send('POST', `/api/v1${base}${address}`, { as: ada, body, origin: url });

  /** A run that the agent has, as the workflow would have started it. */
  async function begin(id: number, line: string): Promise<void> {
    await admitRun(api.database, id);
    await bindRun(api.database, { id, generation: 1, bootId: agent.bootId });
    const argv = ['/bin/sh', '-c', line];
    const limits = { timeLimitMs: 60_000, outputLimitBytes: 100_000 };
    await agent.runs.start({ id: String(id), argv, folder: '', environment: {}, stdin: new Uint8Array(), ...limits });
  }

  it('starts a run, sees what it puts out while it runs, ends it, and reads its receipt', () =>
    step('run', async () => {
      const line = "printf '\\033[32mready\\033[0m\\n'; echo aside >&2; read never < /dev/zero";
      await page.goto(`${base}/runs`);
      await page.getByText('Nothing was run yet').waitFor();
      await page.getByLabel('Command').fill(line);
      await page.getByRole('button', { name: 'Run', exact: true }).click();
      const list = page.getByRole('list', { name: 'Runs, newest first' });
      await list.getByText('Waiting').waitFor();
      const [run] = await api.database.query<{ id: number }>('SELECT id FROM runs');
      await begin(run!.id, line);
      await page.getByLabel('Text of Standard output').getByText('ready', { exact: true }).waitFor();
      await page.getByLabel('Text of Standard error').getByText('aside').waitFor();
      await list.getByText('Running').waitFor();
      expect(await barriersOf(page)).toEqual([]);
      await page.getByRole('button', { name: 'Cancel', exact: true }).click();
      await page.getByRole('button', { name: 'Cancelling…' }).waitFor();
      const kept = (text: string) => ({ bytes: text.length, kept: Buffer.from(text) });
      await endRun(api.database, run!.id, {
        status: 'cancelled',
        reason: null,
        program: {
          exitCode: null,
          signal: 'SIGTERM',
          durationMs: 1_234,
          limitsHit: [],
          stdout: kept('ready\n'),
          stderr: kept('aside\n'),
        },
      });
      await list.getByText('Cancelled').waitFor();
      await page.getByRole('article').getByText('1.2 s').waitFor();
      await page.getByRole('button', { name: 'Use again' }).click();
      expect(await page.getByLabel('Command').inputValue()).toBe(line);
    }));

  it('plays a recording in the page, also of a session that is closed, and has a repository back', () =>
    step('recording', async () => {
      const { id } = await agent.openTerminal({ name: 'build', size: { cols: 80, rows: 24 } });
      const screen = await openScreen(agent, id);
      await screen.awaitText('$ ');
      const { body: recording } = await post(`/terminals/${id}/recordings`, {});
      screen.type('echo played-$((40+2))\r');
      await screen.awaitText('played-42');
      await post(`/recordings/${String(recording.id)}/stop`, {});
      await build.gitFolder(api.database, { sessionId: running.session.id, path: '.git', removed: true });
      await api.database.query(`UPDATE sessions SET phase = 'closed' WHERE id = $1`, [running.session.id]);
      await page.goto(base);
      await page.getByRole('button', { name: 'More of this session' }).click();
      await page.getByRole('menuitem', { name: 'Recordings…' }).click();
      await dialog().getByRole('button', { name: 'Play the recording of build' }).click();
      await dialog().locator('.xterm-rows').getByText('played-42', { exact: true }).waitFor();
      expect(await barriersOf(page)).toEqual([]);
      await dialog().getByRole('button', { name: 'Close dialog' }).click();
      await page.getByRole('button', { name: 'History', exact: true }).click();
      await page.getByRole('menuitem', { name: 'Git repositories…' }).click();
      await dialog().getByRole('button', { name: 'Restore .git' }).click();
      await dialog().getByText('saved', { exact: false }).first().waitFor();
      await waitFor(async () => (await dialog().getByRole('button', { name: 'Restore .git' }).count()) === 0);
      expect(await barriersOf(page)).toEqual([]);
      await api.database.query(`UPDATE sessions SET phase = 'running' WHERE id = $1`, [running.session.id]);
    }));

  it('compares two earlier versions of a file, and searches by a pattern', () =>
    step('versions', async () => {
      const items = `/api/v1${base}/items`;
      const made = await post('/items', { name: 'main.py', type: 'file', content: 'print(1)\n' });
      for (const version of [1, 2]) {
        const body = { content: `print(${version + 1})\n` };
        const headers = { 'if-match': `"${version}"` };
        await api.send('PUT', `${items}/${String(made.body.id)}/content`, { as: ada, body, headers, origin: url });
      }
      await page.goto(base);
      await page.getByRole('button', { name: 'History of main.py' }).click();
      const versions = dialog().getByRole('list', { name: 'Versions, newest first' }).getByRole('button');
      await versions.nth(2).click();
      await dialog().getByLabel('Compared with').selectOption({ index: 2 });
      const difference = dialog().getByLabel('Difference of main.py');
      await difference.getByText('print(2)').waitFor();
      expect(await difference.innerText()).toMatch(/print\(1\)[\s\S]*print\(2\)/);
      expect(await barriersOf(page)).toEqual([]);
      await dialog().getByRole('button', { name: 'Close', exact: true }).click();
      await page.keyboard.press('Control+Shift+F');
      await page.getByRole('button', { name: 'Regular expression' }).click();
      const field = page.getByRole('textbox', { name: 'Search in files' });
      await field.fill('^print\\([0-9]\\)$');
      await page.getByRole('list', { name: 'Found' }).getByText('main.py').waitFor();
      await field.fill('print(');
      await page.getByText('The pattern cannot be searched for').waitFor();
    }));

  it('opens what a program serves, privately, and shares it by a link that ends', () =>
    step('preview', async () => {
      const served = '<!doctype html><title>Mine</title><h1>Served by my program</h1>';
      const line = `mkdir -p /tmp/site && cd /tmp/site && echo '${served}' > index.html && exec python3 -m http.server ${SERVED}`;
      await agent.runs.start({
        id: '900',
        argv: ['/bin/sh', '-c', line],
        folder: '',
        environment: {},
        stdin: new Uint8Array(),
        timeLimitMs: 60_000,
        outputLimitBytes: 10_000,
      });
      await page.goto(base);
      await page.getByRole('button', { name: 'Ports' }).click();
      const [shown] = await Promise.all([
        page.context().waitForEvent('page'),
        dialog()
          .getByRole('button', { name: `Open port ${SERVED} in a new tab` })
          .click(),
      ]);
      await shown.getByRole('heading', { name: 'Served by my program' }).waitFor();
      const stranger = await newPerson(browser, url);
      expect((await stranger.page.goto(shown.url()))?.status()).toBe(404);
      await dialog()
        .getByRole('button', { name: `Share port ${SERVED}` })
        .click();
      const link = await dialog().getByLabel(`Address of the link to ${SERVED}`).inputValue();
      await stranger.page.goto(link);
      await stranger.page.getByRole('heading', { name: 'Served by my program' }).waitFor();
      await api.database.query(`UPDATE preview_links SET expires_at = now() - interval '1 second'`);
      await waitFor(async () => (await stranger.page.reload())?.status() === 404, {
        deadlineMs: 10_000,
        what: 'the end of what was shared',
      });
      expect((await stranger.page.goto(link))?.status()).toBe(404);
      expect((await shown.reload())?.status()).toBe(200);
      expect(seen.complaints).toEqual([]);
    }));
});
