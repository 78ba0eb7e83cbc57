import { randomUUID } from 'node:crypto';
import { loadavg } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { httpPerson, type HttpPerson } from '#tests/e2e/httpPerson.ts';
import { typist, type Typist } from '#tests/support/typist.ts';
import { waitFor } from '#tests/support/waitFor.ts';

/*
 * `npm run figures -- http://localhost:4600`: what a person waits for on a Berth that runs, printed as a
 * table. It makes an account and sessions of its own and closes them. Absolute times of one machine, for orientation.
 */

const OPENS = 5;
const KEYS = 500;
const FILES = 20;
const APART_MS = 2_500;
const deadline = (what: string) => ({ deadlineMs: 30_000, what });

interface SessionBody {
  uuid: string;
  phase: string;
}

async function main(url: string): Promise<void> {
  const person = httpPerson(url);
  const username = `bench-${randomUUID().slice(0, 8)}`;
  const account = { username, email: `${username}@example.com`, password: randomUUID() };
  await person.request('POST', '/api/v1/auth/register', account);
  const figures = { open: [] as number[], prompt: [] as number[], close: [] as number[] };
  let echoes: number[] = [];
  let saves: number[] = [];
  let syncs: number[] = [];
  for (let round = 0; round < OPENS; round += 1) {
    const started = performance.now();
    const made = await person.request('POST', '/api/v1/sessions', { name: `bench ${String(round)}`, open: true });
    const { uuid } = made.body as SessionBody;
    await phaseOf(person, { uuid, phase: 'running' });
    figures.open.push(performance.now() - started);
    const terminal = await typist(url, person, uuid);
    await waitFor(() => terminal.shown().includes('$'), deadline('a prompt'));
    figures.prompt.push(performance.now() - started);
    if (round === OPENS - 1) {
      syncs = await fromTerminalToDatabase(person, { uuid, terminal });
      saves = await fromSaveToTerminal(person, { uuid, terminal });
      echoes = await keystrokes(terminal);
    }
    terminal.leave();
    const closing = performance.now();
    await person.request('POST', `/api/v1/sessions/${uuid}/close`, {});
    await phaseOf(person, { uuid, phase: 'closed' });
    figures.close.push(performance.now() - closing);
  }
  console.log(`load average ${loadavg()[0]?.toFixed(1) ?? '?'}`);
  print('create and open to running', figures.open);
  print('create and open to the first prompt', figures.prompt);
  print('close to closed', figures.close);
  print('a key and its echo', echoes);
  print('a file made in the terminal to the database', syncs);
  print('a save to its bytes in the terminal', saves);
}

async function phaseOf(person: HttpPerson, { uuid, phase }: SessionBody): Promise<void> {
  await waitFor(
    async () => {
      const { body } = await person.request('GET', `/api/v1/sessions/${uuid}`);
      return (body as SessionBody).phase === phase;
    },
    deadline(`the session to be ${phase}`),
  );
}

async function fromTerminalToDatabase(
  person: HttpPerson,
  { uuid, terminal }: { uuid: string; terminal: Typist },
): Promise<number[]> {
  const times: number[] = [];
  for (let file = 0; file < FILES; file += 1) {
    // One file by itself: those that follow closely on another wait for their turn, every second.
    await delay(APART_MS);
    const name = `made-${String(file)}.txt`;
    const started = performance.now();
    terminal.line(`echo ${String(file)} > ${name}`);
    await waitFor(
      async () => {
        const { body } = await person.request('GET', `/api/v1/sessions/${uuid}/items`);
        return (body as { items: { path: string }[] }).items.some((item) => item.path === name);
      },
      deadline(`${name} in the database`),
    );
    times.push(performance.now() - started);
  }
  return times;
}

async function fromSaveToTerminal(
  person: HttpPerson,
  { uuid, terminal }: { uuid: string; terminal: Typist },
): Promise<number[]> {
  const times: number[] = [];
  const created = await person.request('POST', `/api/v1/sessions/${uuid}/items`, { name: 'saved.txt', type: 'file' });
  let { id, version } = created.body as { id: number; version: number };
  for (let save = 0; save < FILES; save += 1) {
    const mark = `mark-${String(save)}-end`;
    const started = performance.now();
    const saved = await person.request(
      'PUT',
      `/api/v1/sessions/${uuid}/items/${String(id)}/content`,
      { content: `${mark}\n` },
      { 'if-match': `"${String(version)}"` },
    );
    ({ id, version } = saved.body as { id: number; version: number });
    terminal.line('cat saved.txt');
    await waitFor(() => terminal.shown().includes(mark), deadline(`${mark} in the terminal`));
    times.push(performance.now() - started);
  }
  return times;
}

/** One key at a time to a program that leaves the echo to the terminal itself. */
async function keystrokes(terminal: Typist): Promise<number[]> {
  terminal.line('stty -icanon; cat > /dev/null');
  await waitFor(() => terminal.shown().includes('cat > /dev/null\r\n'), deadline('cat to run'));
  const times: number[] = [];
  for (let key = 0; key < KEYS; key += 1) {
    const length = terminal.shown().length;
    const started = performance.now();
    terminal.key('x');
    await terminal.more(length);
    times.push(performance.now() - started);
  }
  return times;
}

function print(what: string, times: number[]): void {
  const sorted = [...times].sort((left, right) => left - right);
  const at = (share: number): string =>
    (sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? NaN).toFixed(1);
  console.log(`${what}: n ${String(times.length)}, p50 ${at(0.5)} ms, p95 ${at(0.95)} ms, p99 ${at(0.99)} ms`);
}

await main(process.argv[2] ?? 'http://localhost:4600');
process.exit();
