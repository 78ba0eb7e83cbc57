import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startTemporal, type EmbeddedTemporal } from '#cli/embedded/temporal.ts';
import { findTemporalCli } from '#cli/embedded/temporalCli.ts';
import { httpPerson, type HttpPerson } from '#tests/e2e/httpPerson.ts';
import { checkEverything } from '#tests/faults/checker.ts';
import { ROOT } from '#tests/support/importGraph.ts';
import { startStack, type Stack } from '#tests/support/stack.ts';
import { typist } from '#tests/support/typist.ts';
import { waitFor } from '#tests/support/waitFor.ts';

const MINUTE = 60_000;

describe('while Temporal does not answer', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'berth-outage-'));
  let temporal: EmbeddedTemporal;
  let stack: Stack;
  let ada: HttpPerson;

  const startServer = async (port?: number): Promise<EmbeddedTemporal> =>
    startTemporal({
      program: (await findTemporalCli(path.join(ROOT, '.berth', 'bin'), () => undefined)).program,
      databaseFile: path.join(folder, 'temporal.db'),
      logFile: path.join(folder, 'temporal.log'),
      pidFile: path.join(folder, 'temporal.pid'),
      ui: false,
      ...(port !== undefined && { port }),
    });

  beforeAll(async () => {
    temporal = await startServer();
    stack = await startStack({ TEMPORAL_ADDRESS: temporal.address });
    ada = httpPerson(stack.url);
    await ada.request('POST', '/api/v1/auth/register', {
      username: 'ada',
      email: 'ada@example.org',
      password: 'violet anchor over nine harbours',
    });
  }, 2 * MINUTE);

  afterAll(async () => {
    await stack?.stop();
    await temporal?.stop();
    rmSync(folder, { recursive: true, force: true });
  }, MINUTE);

  async function newSession(open: boolean): Promise<string> {
    const { body } = await ada.request('POST', '/api/v1/sessions', { name: 'outage', language: 'python', open });
    return (body as { uuid: string }).uuid;
  }

  async function phaseOf(uuid: string): Promise<string> {
    const [row] = await stack.database.query<{ phase: string }>('SELECT phase FROM sessions WHERE uuid = $1', [uuid]);
    return row?.phase ?? 'gone';
  }

  /** Resolves with the first of the phases that the session was seen in. */
  async function reaches(uuid: string, phases: string[]): Promise<string> {
    let phase = '';
    await waitFor(async () => phases.includes((phase = await phaseOf(uuid))), {
      deadlineMs: MINUTE,
      what: phases.join(' or '),
    });
    return phase;
  }

  /** Resolves while the session opens. A busy machine may look away for as long as that takes: then it is opened again. */
  async function isOpening(uuid: string): Promise<void> {
    while ((await reaches(uuid, ['provisioning', 'loading', 'running'])) === 'running') {
      await ada.request('POST', `/api/v1/sessions/${uuid}/close`, {});
      await reaches(uuid, ['closed']);
      await ada.request('POST', `/api/v1/sessions/${uuid}/open`, {});
    }
  }

  async function stored(uuid: string, file: string): Promise<string | undefined> {
    const [row] = await stack.database.query<{ content: string }>(
      `SELECT i.content FROM workspace_items i JOIN sessions s ON s.id = i.session_id WHERE s.uuid = $1 AND i.full_path = $2`,
      [uuid, file],
    );
    return row?.content;
  }

  async function outage(during: () => Promise<void>): Promise<void> {
    const port = Number(temporal.address.split(':')[1]);
    await temporal.stop();
    try {
      await during();
    } finally {
      // Also after a failure, which would else fail every test behind it.
      temporal = await startServer(port);
    }
  }

  it(
    'answers an open and a close within 2 s, and carries both out within 60 s of its return',
    async () => {
      const closing = await newSession(true);
      await reaches(closing, ['running']);
      const opening = await newSession(false);
      await outage(async () => {
        const open = await ada.request('POST', `/api/v1/sessions/${opening}/open`, {});
        const close = await ada.request('POST', `/api/v1/sessions/${closing}/close`, {});
        expect([open.status, close.status]).toEqual([202, 202]);
        expect(Math.max(open.milliseconds, close.milliseconds)).toBeLessThan(2_000);
        expect(await phaseOf(opening)).toBe('requested');
        const ready = await ada.request('GET', '/readyz');
        expect(ready.status).toBe(200);
        expect(JSON.stringify(ready.body)).toContain('degraded');
      });
      await Promise.all([reaches(opening, ['running']), reaches(closing, ['closed'])]);
      expect(await checkEverything(stack.config, [])).toEqual([]);
      await ada.request('POST', `/api/v1/sessions/${opening}/close`, {});
      await reaches(opening, ['closed']);
    },
    4 * MINUTE,
  );

  it(
    'lets terminals and saves go on, and brings a file of the terminal to the database within 5 s',
    async () => {
      const uuid = await newSession(true);
      await reaches(uuid, ['running']);
      const hands = await typist(stack.url, ada, uuid);
      await outage(async () => {
        hands.line('echo $((40+2)) > made.txt; cat made.txt');
        const typedAt = Date.now();
        await waitFor(() => /^42/m.test(hands.shown()), { what: 'the answer of the shell' });
        await waitFor(async () => (await stored(uuid, 'made.txt')) === '42\n', { deadlineMs: 5_000, what: 'made.txt' });
        console.log(`file of the terminal in the database ${String(Date.now() - typedAt)} ms into the outage`);
        const { body } = await ada.request('GET', `/api/v1/sessions/${uuid}/items`);
        const main = (body as { items: { id: number; path: string; version: number }[] }).items.find(
          (item) => item.path === 'main.py',
        );
        const address = `/api/v1/sessions/${uuid}/items/${String(main?.id)}/content`;
        const saved = await ada.request(
          'PUT',
          address,
          { content: 'print(7)\n' },
          { 'if-match': `"${String(main?.version)}"` },
        );
        expect(saved.status).toBe(200);
        // An answered save is in the database; a busy machine may take longer to hand it to the session.
        hands.line('until grep -q 7 main.py; do sleep 0.05; done; cat main.py');
        await waitFor(() => /^print\(7\)/m.test(hands.shown()), { what: 'the save in the terminal' });
      });
      hands.leave();
      await ada.request('POST', `/api/v1/sessions/${uuid}/close`, {});
      await reaches(uuid, ['closed']);
      expect(await stored(uuid, 'made.txt')).toBe('42\n');
      expect(await checkEverything(stack.config, [])).toEqual([]);
    },
    4 * MINUTE,
  );

  it(
    'finishes an open and a close that it was stopped in the middle of',
    async () => {
      const uuid = await newSession(true);
      await isOpening(uuid);
      await outage(async () => undefined);
      await reaches(uuid, ['running']);
      const hands = await typist(stack.url, ada, uuid);
      // A program that does not go by itself holds the close open for its 5 s.
      hands.line(
        `python3 -c 'import signal,time; signal.signal(1, signal.SIG_IGN); print("dea"+"f"); time.sleep(600)' &`,
      );
      await waitFor(() => /deaf/.test(hands.shown()));
      hands.line('echo last > last.txt; echo kept-$((40+2))');
      await waitFor(() => hands.shown().includes('kept-42'));
      hands.leave();
      await ada.request('POST', `/api/v1/sessions/${uuid}/close`, {});
      await reaches(uuid, ['saving', 'closing']);
      await outage(async () => undefined);
      await reaches(uuid, ['closed']);
      expect(await stored(uuid, 'last.txt')).toBe('last\n');
      expect(await checkEverything(stack.config, [])).toEqual([]);
    },
    4 * MINUTE,
  );
});
