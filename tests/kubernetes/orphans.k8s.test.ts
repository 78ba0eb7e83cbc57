import { createHash } from 'node:crypto';
import { jest } from '@jest/globals';
import { httpPerson, type HttpPerson } from '#tests/e2e/httpPerson.ts';
import { checkEverything, type AcknowledgedWrite } from '#tests/faults/checker.ts';
import { createTestNamespace, type TestNamespace } from '#tests/support/cluster.ts';
import { workspaceImage } from '#tests/support/images.ts';
import { runInPod } from '#tests/support/podPrograms.ts';
import { createChance } from '#tests/support/chance.ts';
import { scaled, SEED } from '#tests/support/scale.ts';
import { startStack, type Stack } from '#tests/support/stack.ts';
import { waitFor } from '#tests/support/waitFor.ts';

const MINUTE = 60_000;
/** Opens and closes, and after how many of them the worker is killed each time. */
const REQUESTS = scaled(50);
const KILL_EVERY = 5;
const SESSIONS = Math.max(2, REQUESTS / 5);

jest.setTimeout(3 * MINUTE + REQUESTS * MINUTE);

let namespace: TestNamespace;
let stack: Stack;
let ada: HttpPerson;
/** What Berth said yes to, and what programs wrote on volumes of sessions that were running. */
const writes: AcknowledgedWrite[] = [];

beforeAll(async () => {
  const image = await workspaceImage();
  namespace = await createTestNamespace({ BERTH_WORKSPACE_IMAGE: image });
  stack = await startStack({ ...namespace.settings, SESSION_LIVE_LIMIT: '1000' });
  ada = httpPerson(stack.url);
  await request('POST', '/api/v1/auth/register', {
    username: 'ada',
    email: 'ada@example.org',
    password: 'violet anchor over nine harbours',
  });
}, 16 * MINUTE);
afterAll(async () => {
  await stack.stop();
  await namespace.drop();
}, 5 * MINUTE);

async function request(method: string, address: string, body: object = {}): Promise<unknown> {
  const answer = await ada.request(method, address, body);
  if (answer.status < 300) return answer.body;
  const { requestId = '' } = answer.body as { requestId?: string };
  const told = stack.api
    .output()
    .split('\n')
    .filter((line) => requestId !== '' && line.includes(requestId));
  throw new Error(`${method} ${address}: ${JSON.stringify(answer.body)}; the api says: ${told.join('\n')}`);
}

async function phaseOf(uuid: string): Promise<string> {
  const [row] = await stack.database.query<{ phase: string }>('SELECT phase FROM sessions WHERE uuid = $1', [uuid]);
  return row?.phase ?? 'gone';
}

const reaches = (uuid: string, phase: string): Promise<unknown> =>
  waitFor(async () => (await phaseOf(uuid)) === phase, { deadlineMs: 3 * MINUTE, what: `${uuid} to be ${phase}` });

function expectLater(sessionUuid: string, path: string, content: string): void {
  writes.push({ sessionUuid, path, sha256: createHash('sha256').update(content).digest('hex') });
}

/** A file of the editor. */
async function saveFile(uuid: string, number: number): Promise<void> {
  const saved = { name: `saved-${String(number)}.txt`, content: `saved in ${uuid} ${String(number)}\n` };
  await request('POST', `/api/v1/sessions/${uuid}/items`, { ...saved, type: 'file' });
  expectLater(uuid, saved.name, saved.content);
}

/** One file of the editor and one of a program in the session. */
async function writeFiles(uuid: string, number: number): Promise<void> {
  await saveFile(uuid, number);
  const made = { name: `made-${String(number)}.txt`, content: `made in ${uuid} ${String(number)}\n` };
  await runInPod(namespace, uuid, `printf '%s\\n' 'made in ${uuid} ${String(number)}' > ${made.name}`);
  expectLater(uuid, made.name, made.content);
}

/** Everything that sessions own on the cluster. */
async function objects(): Promise<string[]> {
  const names = await namespace.kubectl(
    'get',
    'pods,persistentvolumeclaims,secrets',
    '-l',
    'app.kubernetes.io/managed-by=berth',
    '-o',
    'name',
  );
  return names.split('\n').filter(Boolean);
}

/** The volumes that the database knows, and why their sessions are as they are. */
async function volumes(): Promise<string> {
  const rows = await stack.database.query(
    `SELECT s.uuid, s.generation, s.phase, s.phase_reason, s.phase_cause, v.state
     FROM volumes v JOIN sessions s ON s.id = v.session_id ORDER BY s.id`,
  );
  return rows.map((row) => JSON.stringify(row)).join(' ');
}

/** Resolves once every session is what was asked for last, those that are open have their three objects, and there is nothing else. */
function comesToRest(sessions: { uuid: string; open: boolean }[]): Promise<unknown> {
  return waitFor(
    async () => {
      const phases = await Promise.all(sessions.map(async ({ uuid, open }) => ({ open, phase: await phaseOf(uuid) })));
      const there = await objects();
      const wanted = phases.every(({ open, phase }) => phase === (open ? 'running' : 'closed'));
      if (wanted && there.length === 3 * sessions.filter(({ open }) => open).length) return true;
      throw new Error(`${JSON.stringify(phases)} with ${there.join(' ')}; volumes: ${await volumes()}`);
    },
    { deadlineMs: MINUTE, what: 'all sessions to be at rest, with nothing left over' },
  );
}

it(`${String(REQUESTS)} mixed opens and closes, with the worker killed among them, leave nothing over and lose no file`, async () => {
  const chance = createChance(SEED);
  const sessions: { uuid: string; open: boolean }[] = [];
  for (let number = 0; number < SESSIONS; number += 1) {
    const body = { name: `session ${String(number)}`, language: 'python', open: false };
    const { uuid } = (await request('POST', '/api/v1/sessions', body)) as { uuid: string };
    await saveFile(uuid, 0);
    sessions.push({ uuid, open: false });
  }
  for (let number = 1; number <= REQUESTS; number += 1) {
    const session = sessions[Math.floor(chance() * sessions.length)]!;
    const { uuid } = session;
    // Often the next wish comes before the last one is carried out: a close while opening, an open while closing.
    if (chance() < 0.6) await reaches(uuid, session.open ? 'running' : 'closed');
    if (session.open && (await phaseOf(uuid)) === 'running') await writeFiles(uuid, number);
    await request('POST', `/api/v1/sessions/${uuid}/${session.open ? 'close' : 'open'}`);
    session.open = !session.open;
    if (number % KILL_EVERY === Math.floor(KILL_EVERY / 2)) {
      await stack.worker.kill();
      stack.worker.start();
    }
  }
  const askedLast = Date.now();
  await comesToRest(sessions);
  console.log(
    `at rest ${String(Date.now() - askedLast)} ms after the last of ${String(REQUESTS)} requests, seed ${String(SEED)}`,
  );
  expect(await checkEverything(stack.config, writes)).toEqual([]);

  const left = sessions.filter(({ open }) => open);
  for (const [index, { uuid }] of left.entries()) await writeFiles(uuid, REQUESTS + 1 + index);
  await Promise.all(left.map(({ uuid }) => request('POST', `/api/v1/sessions/${uuid}/close`)));
  await comesToRest(sessions.map(({ uuid }) => ({ uuid, open: false })));
  expect(await objects()).toEqual([]);
  expect(await checkEverything(stack.config, writes)).toEqual([]);
});
