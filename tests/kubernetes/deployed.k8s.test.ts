import type { Browser } from 'playwright-core';
import { CHROMIUM, launchBrowser, newPerson, withPictures } from '#tests/e2e/browser.ts';
import { httpPerson, type HttpPerson } from '#tests/e2e/httpPerson.ts';
import { reviewedOnACluster } from '#tests/kubernetes/browserJourney.ts';
import { deployBerth, type ApiPod, type DeployedBerth } from '#tests/support/deployedBerth.ts';
import { kubectl } from '#tests/support/kubectl.ts';
import { lastingTerminal, type LastingTerminal } from '#tests/support/lastingTerminal.ts';
import { waitFor } from '#tests/support/waitFor.ts';

const MINUTE = 60_000;
const PASSWORD = 'violet anchor over nine harbours';
const COUNT = 600;

/** One evening on a cluster that Berth was installed on by its own manifests; each part goes on where the one before ended. */
describe('Berth, installed by its own manifests', () => {
  let berth: DeployedBerth;
  let browser: Browser | null = null;
  let url: string;
  let ada: HttpPerson;
  let uuid: string;
  let terminal: LastingTerminal;

  beforeAll(async () => {
    berth = await deployBerth();
    ({ url } = berth);
  }, 25 * MINUTE);

  afterAll(async () => {
    terminal?.leave();
    await browser?.close();
    await berth?.remove();
  }, 5 * MINUTE);

  async function phase(): Promise<string> {
    const { body } = await ada.request('GET', `/api/v1/sessions/${uuid}`);
    return (body as { phase: string }).phase;
  }

  async function reaches(wanted: string): Promise<void> {
    await waitFor(async () => (await phase()) === wanted, {
      deadlineMs: 3 * MINUTE,
      what: `the session to be ${wanted}`,
    }).catch(async (error: unknown) => {
      const pods = await kubectl(['-n', 'berth-sessions', 'get', 'pods,pvc,events']).catch(String);
      throw new Error(`it is ${await phase().catch(String)}\n${pods}\n${await berth.troubles()}`, { cause: error });
    });
  }

  async function twoReplicas(): Promise<ApiPod[]> {
    const pods = await waitFor(
      async () => {
        const ready = await berth.apiPods();
        return ready.length === 2 && ready;
      },
      { deadlineMs: 3 * MINUTE, what: 'the other replica' },
    );
    berth.aim(pods);
    return pods;
  }

  async function stored(path: string): Promise<string | undefined> {
    const { body } = await ada.request('GET', `/api/v1/sessions/${uuid}/items`);
    const item = (body as { items: { id: number; path: string }[] }).items.find((one) => one.path === path);
    if (item === undefined) return undefined;
    const file = await ada.request('GET', `/api/v1/sessions/${uuid}/items/${String(item.id)}`);
    return (file.body as { content: string }).content;
  }

  it(
    'is ready in two replicas, and takes its first account',
    async () => {
      const pods = await berth.apiPods();
      expect(pods).toHaveLength(2);
      for (const pod of pods) {
        const visitor = httpPerson(`http://${pod.host}:4600`);
        const isWhole = async (): Promise<boolean> => {
          const { body } = await visitor.request('GET', '/readyz');
          return (body as { status: string }).status === 'ok';
        };
        await waitFor(isWhole, { deadlineMs: MINUTE, what: `${pod.name} to reach the database and Temporal` });
      }
      berth.aim(pods);
      ada = httpPerson(url);
      const account = { username: 'ada', email: 'ada@example.org', password: PASSWORD };
      expect(await ada.request('POST', '/api/v1/auth/register', account)).toMatchObject({ status: 201 });
      expect(await ada.request('GET', '/api/v1/users/me')).toMatchObject({ status: 200, body: { isOperator: true } });
    },
    3 * MINUTE,
  );

  it(
    'makes a pod ahead of time, past the policy that watches them, and hands it to the next session',
    async () => {
      const isReady = async (): Promise<boolean> => {
        const { body } = await ada.request('GET', '/api/v1/warm-pool');
        return (body as { ready: number }).ready === 1;
      };
      await waitFor(isReady, { deadlineMs: 3 * MINUTE, what: 'a slot of the warm pool' }).catch(
        async (error: unknown) => {
          throw new Error(await berth.troubles(), { cause: error });
        },
      );
      const pods = await kubectl(['-n', 'berth-sessions', 'get', 'pods', '-o', 'name']);
      const made = await ada.request('POST', '/api/v1/sessions', { name: 'at once', language: 'python', open: true });
      expect(made.status).toBe(201);
      ({ uuid } = made.body as { uuid: string });
      expect(pods).toContain(`pod/exec-${uuid}`);
      await reaches('running');
      expect((await ada.request('POST', `/api/v1/sessions/${uuid}/close`, {})).status).toBe(202);
      await reaches('closed');
    },
    5 * MINUTE,
  );

  it(
    'opens a session as a pod with a volume among the sessions, past the policy that watches them',
    async () => {
      const made = await ada.request('POST', '/api/v1/sessions', { name: 'fractals', language: 'python' });
      expect(made.status).toBe(201);
      ({ uuid } = made.body as { uuid: string });
      expect((await ada.request('POST', `/api/v1/sessions/${uuid}/open`, {})).status).toBe(202);
      await reaches('running');
      const names = await kubectl(['-n', 'berth-sessions', 'get', 'pods,pvc,secrets', '-o', 'name']);
      expect(names).toContain(`pod/exec-${uuid}`);
      expect(names).toContain(`persistentvolumeclaim/workspace-${uuid}`);
      expect(names).toContain(`secret/agent-${uuid}-1`);
    },
    5 * MINUTE,
  );

  it(
    'runs what is typed, and brings files both ways',
    async () => {
      terminal = await lastingTerminal(url, ada, uuid);
      terminal.type('cd /app/workspace && python3 main.py && mkdir -p a/b && echo hi > a/b/c.txt && echo do""ne\n');
      await terminal.shows('done');
      await waitFor(async () => (await stored('a/b/c.txt')) === 'hi\n', { deadlineMs: 30_000, what: 'the file' });
      const created = await ada.request('POST', `/api/v1/sessions/${uuid}/items`, { name: 'saved.txt', type: 'file' });
      const { id, version } = created.body as { id: number; version: number };
      const address = `/api/v1/sessions/${uuid}/items/${String(id)}/content`;
      const saved = await ada.request(
        'PUT',
        address,
        { content: 'from outside\n' },
        { 'if-match': `"${String(version)}"` },
      );
      expect(saved.status).toBe(200);
      terminal.type('cat saved.txt\n');
      await terminal.shows('from outside\r\n');
    },
    2 * MINUTE,
  );

  it(
    'goes on with the same shell within 3 s when the api pod that a terminal went through is killed, byte for byte',
    async () => {
      const [first, second] = await berth.apiPods();
      if (first === undefined || second === undefined) throw new Error('there are not two replicas');
      terminal.leave();
      berth.aim([first]);
      terminal = await lastingTerminal(url, ada, uuid);
      // A shell that shows nothing but what programs say: no prompt, no echo, none of a line editor's sequences.
      terminal.type('exec env PS1= sh\n');
      terminal.type('stty -echo; echo shell-$$-begins\n');
      const begun = /shell-(\d+)-begins\r\n/;
      const [, shell] = begun.exec(await terminal.shows(begun)) ?? [];
      terminal.type(
        `for n in $(seq ${String(COUNT)}); do echo "line $n of the count"; sleep 0.02; done; echo counted\n`,
      );
      await terminal.shows('line 20 of the count');
      berth.aim([first, second]);
      await berth.kill(first);
      const resumedAt = await waitFor(() => terminal.breaks.find((one) => one.resumedAt !== null)?.resumedAt, {
        deadlineMs: MINUTE,
        what: 'the terminal to go on',
      });
      const awayMs = resumedAt - (terminal.breaks[0]?.lostAt ?? 0);
      console.log(`a terminal whose api pod was killed went on after ${String(awayMs)} ms`);
      expect(awayMs).toBeLessThan(3_000);
      terminal.type('echo shell-$$-ends\n');
      await terminal.shows(`shell-${String(shell)}-ends\r\n`, MINUTE);
      const output = terminal.bytes().toString('utf8');
      const lines = Array.from({ length: COUNT }, (_, index) => `line ${String(index + 1)} of the count\r\n`).join('');
      const [, , after] = output.split(begun);
      expect(after).toBe(`${lines}counted\r\nshell-${String(shell)}-ends\r\n`);
    },
    4 * MINUTE,
  );

  it(
    'is two replicas again',
    async () => {
      await twoReplicas();
      expect((await ada.request('GET', '/readyz')).status).toBe(200);
    },
    4 * MINUTE,
  );

  it(
    'closes to nothing but the files',
    async () => {
      terminal.type('echo the last word > last.txt\n');
      await waitFor(async () => (await stored('last.txt')) === 'the last word\n', {
        deadlineMs: 30_000,
        what: 'the file',
      });
      expect((await ada.request('POST', `/api/v1/sessions/${uuid}/close`, {})).status).toBe(202);
      await reaches('closed');
      const left = await kubectl(['-n', 'berth-sessions', 'get', 'pods,pvc,secrets', '-o', 'name']);
      expect(left.split('\n').filter((name) => name.includes(uuid))).toEqual([]);
      expect(await stored('last.txt')).toBe('the last word\n');
      expect(await stored('saved.txt')).toBe('from outside\n');
    },
    4 * MINUTE,
  );

  (CHROMIUM === null ? it.skip : it)(
    'carries two people in their browsers from sign-up to an approved review, over the end of an api pod',
    async () => {
      await twoReplicas();
      browser = await launchBrowser();
      const grace = await newPerson(browser, url);
      const linus = await newPerson(browser, url);
      await withPictures([grace, linus], 'deployed', () =>
        reviewedOnACluster({
          grace,
          linus,
          async killPod() {
            const [first] = await twoReplicas();
            if (first !== undefined) await berth.kill(first);
          },
        }),
      );
      expect([...grace.complaints, ...linus.complaints]).toEqual([]);
    },
    6 * MINUTE,
  );

  it(
    'compares rows, pods and volumes all the while, and finds nothing to remove',
    async () => {
      const runs = await waitFor(
        async () => {
          const ended = await berth.reaperRuns();
          return ended.length > 0 && ended;
        },
        { deadlineMs: MINUTE, what: 'a run of the reaper' },
      );
      const well = { status: 'COMPLETED', result: { removed: 0, alarm: null } };
      expect(runs).toEqual(runs.map(() => well));
    },
    2 * MINUTE,
  );
});
