import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { killPart, npmStart, processOf, processesNaming, type BerthStart, type Part } from '#tests/e2e/berthStart.ts';
import { httpPerson } from '#tests/e2e/httpPerson.ts';
import { ROOT } from '#tests/support/importGraph.ts';
import { waitFor } from '#tests/support/waitFor.ts';

const MINUTE = 60_000;
const ACCOUNT = { username: 'ada', email: 'ada@example.org', password: 'violet anchor over nine harbours' };
const LOGIN = { username: ACCOUNT.username, password: ACCOUNT.password };
const PARTS: Part[] = ['start', 'api', 'worker', 'temporal', 'postgres'];

/** The README's first commands word for word, with this repository for the address. */
function readmeCommands(): string {
  const [, block] = /```sh\n([\s\S]*?)```/.exec(readFileSync(path.join(ROOT, 'README.md'), 'utf8')) ?? [];
  if (block === undefined) throw new Error('the README has no commands');
  return block.replace(/<[^>]+>/, `'file://${ROOT}'`);
}

/** The parts of this describe build on one another, as a person's evening with a fresh clone does. */
describe('npm start on a fresh clone in a folder that only its owner can enter', () => {
  const parent = mkdtempSync(path.join(tmpdir(), 'berth-clone-'));
  const folder = path.join(parent, 'berth');
  let berth: BerthStart;
  let url: string;
  let dataFolder: string;

  beforeAll(async () => {
    berth = await npmStart(parent, {}, readmeCommands());
  });

  afterAll(async () => {
    await berth.interrupt();
    rmSync(parent, { recursive: true, force: true });
    if (dataFolder !== undefined && !dataFolder.startsWith(folder))
      rmSync(dataFolder, { recursive: true, force: true });
  }, MINUTE);

  async function start(): Promise<number> {
    const startedAt = Date.now();
    berth = await npmStart(folder, { BERTH_PORT: new URL(url).port });
    await berth.ready(MINUTE);
    return Date.now() - startedAt;
  }

  it(
    'installs, and answers on its address within 90 s of the end of the installation',
    async () => {
      expect(statSync(parent).mode & 0o077).toBe(0);
      await waitFor(() => /building the web pages/.test(berth.output()) || berth.hasEnded(), {
        deadlineMs: 8 * MINUTE,
        what: 'npm ci to end',
      });
      if (berth.hasEnded()) throw new Error(`npm start ended:\n${berth.output()}`);
      const installedAt = Date.now();
      ({ url, dataFolder } = await berth.ready(90_000));
      const { status } = await httpPerson(url).request('GET', '/healthz');
      console.log(`first answer ${String(Date.now() - installedAt)} ms after the installation`);
      expect(status).toBe(200);
      expect(Date.now() - installedAt).toBeLessThan(90_000);
    },
    10 * MINUTE,
  );

  it('serves the pages, and the first account is the operator', async () => {
    expect(await (await fetch(url)).text()).toContain('<div id="app"');
    const ada = httpPerson(url);
    expect(await ada.request('POST', '/api/v1/auth/register', ACCOUNT)).toMatchObject({ status: 201 });
    expect(await ada.request('GET', '/api/v1/users/me')).toMatchObject({ status: 200, body: { isOperator: true } });
  });

  it('keeps its secret where only its owner reads it', () => {
    expect(statSync(path.join(dataFolder, 'secret')).mode & 0o077).toBe(0);
  });

  it(
    'refuses a second start, and says that one is running',
    async () => {
      const second = await npmStart(folder, { BERTH_PORT: new URL(url).port });
      expect(await second.ended()).not.toBe(0);
      expect(second.output()).toMatch(/running already/);
      expect((await fetch(`${url}/healthz`)).status).toBe(200);
    },
    MINUTE,
  );

  it.each(['api', 'worker'] as const)(
    'starts the %s again after a kill -9',
    async (part) => {
      const killed = killPart(dataFolder, part);
      const isAnother = (): boolean => (processOf(dataFolder, part)?.pid ?? killed) !== killed;
      await waitFor(isAnother, { what: `a new ${part}` });
      await waitFor(async () => (await fetch(`${url}/readyz`)).ok, { deadlineMs: 30_000 });
    },
    MINUTE,
  );

  it(
    'leaves no process after Ctrl-C',
    async () => {
      await berth.interrupt();
      expect(berth.output()).toContain('Berth has stopped.');
      expect(PARTS.filter((part) => processOf(dataFolder, part) !== null)).toEqual([]);
      expect(processesNaming(dataFolder)).toEqual([]);
      await expect(fetch(`${url}/healthz`)).rejects.toThrow();
    },
    MINUTE,
  );

  it(
    'answers within 15 s the next time, with everything that was there',
    async () => {
      const milliseconds = await start();
      console.log(`second start: ${String(milliseconds)} ms`);
      expect(milliseconds).toBeLessThan(15_000);
      expect(await httpPerson(url).request('POST', '/api/v1/auth/login', LOGIN)).toMatchObject({ status: 200 });
    },
    MINUTE,
  );

  it(
    'recovers after a kill -9 of everything',
    async () => {
      for (const part of PARTS) killPart(dataFolder, part);
      await berth.ended();
      await start();
      expect(await httpPerson(url).request('POST', '/api/v1/auth/login', LOGIN)).toMatchObject({ status: 200 });
    },
    2 * MINUTE,
  );

  it(
    'ends the servers that a killed start left running',
    async () => {
      const orphans = (['api', 'worker', 'temporal', 'postgres'] as const).map(
        (part) => processOf(dataFolder, part)?.pid,
      );
      killPart(dataFolder, 'start');
      await berth.ended();
      expect(processOf(dataFolder, 'postgres')).not.toBeNull();
      await start();
      const now = (['api', 'worker', 'temporal', 'postgres'] as const).map((part) => processOf(dataFolder, part)?.pid);
      expect(now.filter((pid) => orphans.includes(pid))).toEqual([]);
      // What PostgreSQL has forked in this very moment bears its arguments until it has a title of its own.
      await waitFor(() => processesNaming(path.join(dataFolder, 'postgres')).length === 1, { what: 'one PostgreSQL' });
      expect(await httpPerson(url).request('POST', '/api/v1/auth/login', LOGIN)).toMatchObject({ status: 200 });
    },
    2 * MINUTE,
  );
});
