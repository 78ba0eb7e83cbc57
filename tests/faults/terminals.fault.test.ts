import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { httpPerson, type HttpPerson } from '#tests/e2e/httpPerson.ts';
import { runProgram, type RunningProgram } from '#tests/support/childProcess.ts';
import { lastingTerminal, type LastingTerminal } from '#tests/support/lastingTerminal.ts';
import { scaled } from '#tests/support/scale.ts';
import { startStack, type Stack } from '#tests/support/stack.ts';
import { joinTerminal, newTerminal, type TerminalClient, type TerminalPlace } from '#tests/support/terminalClient.ts';
import { waitFor } from '#tests/support/waitFor.ts';

const MINUTE = 60_000;
const CUTS = scaled(100);
const KILLS = scaled(20);
/** Each connection takes a window at least before it is cut. */
const LINES = 1_000_000 + scaled(1_000_000);

let stack: Stack;
let ada: HttpPerson;
let uuid: string;
const left: { leave(): void }[] = [];

beforeAll(async () => {
  stack = await startStack();
  ada = httpPerson(stack.url);
  const password = 'violet anchor over nine harbours';
  await ada.request('POST', '/api/v1/auth/register', { username: 'ada', email: 'ada@example.org', password });
  const { body } = await ada.request('POST', '/api/v1/sessions', { name: 'terminals', language: 'python', open: true });
  uuid = (body as { uuid: string }).uuid;
  await waitFor(
    async () => ((await ada.request('GET', `/api/v1/sessions/${uuid}`)).body as { phase: string }).phase === 'running',
    { deadlineMs: MINUTE, what: 'the session to run' },
  );
}, 2 * MINUTE);

afterEach(() => {
  for (const terminal of left.splice(0)) terminal.leave();
});
afterAll(() => stack.stop(), MINUTE);

async function openTerminal(): Promise<LastingTerminal> {
  const terminal = await lastingTerminal(stack.url, ada, uuid);
  left.push(terminal);
  return terminal;
}

describe('a terminal whose connection breaks again and again', () => {
  it(
    `gives every byte of a long output once, over ${CUTS} cuts and ${KILLS} killed apis`,
    async () => {
      const terminal = await openTerminal();
      await terminal.shows('$ ');
      const mark = randomUUID();
      terminal.type(`seq 1 ${LINES}; echo ${mark}-$((1+1))\n`);
      const before = terminal.received();
      const expected = Array.from({ length: LINES }, (_, index) => `${index + 1}\r\n`).join('');
      const breaks = CUTS + KILLS;
      let kills = 0;
      for (let count = 1; count <= breaks; count += 1) {
        // At least one byte after the last break: a connection that is not back yet cannot be cut.
        const place = before + Math.floor((count * expected.length) / (breaks + 1));
        await terminal.receives(Math.max(place, terminal.received()));
        const kill = Math.floor((count * KILLS) / breaks) > kills;
        if (kill) {
          kills += 1;
          await stack.api.kill();
          stack.api.start();
        } else terminal.cut();
        // Everything but the last break is in the middle of the output.
        expect(terminal.received() - before).toBeLessThan(expected.length);
        await waitFor(() => terminal.breaks.length >= count, { what: `break ${count}` });
      }
      const shown = await terminal.shows(`${mark}-2`, 2 * MINUTE);
      const start = shown.indexOf('1\r\n2\r\n');
      const got = shown.slice(start, start + expected.length);
      // Not as a comparison of the texts: a difference of megabytes is unreadable.
      expect(got === expected).toBe(true);
      expect(terminal.breaks).toHaveLength(breaks);
      const outages = terminal.breaks.map(({ lostAt, resumedAt }) => (resumedAt ?? Infinity) - lostAt);
      expect(Math.max(...outages)).toBeLessThan(30_000);
    },
    10 * MINUTE,
  );
});

/** A new terminal, and somebody who has seen its prompt. */
async function openScreen(): Promise<{ place: TerminalPlace; screen: TerminalClient }> {
  const terminalId = await newTerminal(ada, uuid);
  const place = { url: stack.url, cookie: ada.cookie(), sessionUuid: uuid, terminalId };
  const screen = await joinTerminal(place);
  left.push(screen);
  await screen.shows((tail) => tail.includes('$ '));
  return { place, screen };
}

/** Prints 26 MB in blocks, and writes how many milliseconds the slowest of them was held to a file. */
const slowestBlock = (file: string): string =>
  `sleep 1; m=0; for i in {1..400}; do a=\${EPOCHREALTIME/./}; printf '%65536s' ''; b=\${EPOCHREALTIME/./}; ` +
  `((b-a>m)) && m=\$((b-a)); done; echo \$((m/1000)) > ${file}.part; mv ${file}.part ${file}\n`;

/** What the job wrote in the end. */
function measured(file: string): Promise<number> {
  const place = path.join(stack.config.BERTH_DATA_DIR, 'volumes', uuid, 'workspace', file);
  return waitFor(() => existsSync(place) && Number(readFileSync(place, 'utf8')), {
    deadlineMs: MINUTE,
    what: `the job to write ${file}`,
  });
}

describe('a job that prints', () => {
  let watcher: RunningProgram | undefined;
  afterEach(() => watcher?.end('SIGKILL'));

  it('is held for two seconds at most by a client whose process has stopped', async () => {
    const { place, screen } = await openScreen();
    watcher = runProgram(process.execPath, {
      args: [fileURLToPath(new URL('../support/watchTerminal.ts', import.meta.url))],
      environment: { ...process.env, NODE_OPTIONS: '', TERMINAL_PLACE: JSON.stringify(place) },
    });
    await waitFor(() => watcher?.output().includes('joined'), { deadlineMs: MINUTE, what: 'the client to join' });
    screen.type(slowestBlock('stopped.txt'));
    await screen.shows((tail) => tail.includes('stopped.txt'));
    screen.leave();
    watcher.child.kill('SIGSTOP');
    const heldMs = await measured('stopped.txt');
    // It did count, until it was silent for too long.
    expect(heldMs).toBeGreaterThan(500);
    expect(heldMs).toBeLessThan(3_500);
  });

  it('is not held at all by a client that is hidden and takes nothing', async () => {
    const { place, screen } = await openScreen();
    left.push(await joinTerminal(place, { visible: false, acknowledges: false }));
    screen.type(slowestBlock('hidden.txt'));
    await screen.shows((tail) => tail.includes('hidden.txt'));
    screen.leave();
    expect(await measured('hidden.txt')).toBeLessThan(1_900);
  });
});

describe('a terminal that floods', () => {
  const FLOOD_BYTES = 8 * 1024 * 1024;
  /** Far beyond what the windows of all hops hold, far below a flood. */
  const GROWTH_MIB = 128;

  it.each(['yes', 'cat /dev/urandom'])('by %s leaves its neighbours their keys, and ends at Ctrl-C', async (flood) => {
    const neighbour = (await openScreen()).screen;
    const { screen } = await openScreen();
    const before = { api: residentMib(stack.api.pid()), agent: await agentMib(neighbour) };
    screen.type(`${flood}\n`);
    await screen.shows(() => screen.received() > FLOOD_BYTES, MINUTE);
    for (let count = 0; count < 20; count += 1) {
      neighbour.type(`echo n$((${count}+1000))n\n`);
      await neighbour.shows((tail) => tail.includes(`n${count + 1_000}n`));
    }
    const after = { api: residentMib(stack.api.pid()), agent: await agentMib(neighbour) };
    screen.type('\u0003');
    screen.type('stty sane; echo over-$((1+1))\n');
    await screen.shows((tail) => tail.includes('over-2'));
    expect(after.api - before.api).toBeLessThan(GROWTH_MIB);
    expect(after.agent - before.agent).toBeLessThan(GROWTH_MIB);
  });
});

function residentMib(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1_024;
}

/** The memory of the agent, whose child every shell is. */
async function agentMib(shell: TerminalClient): Promise<number> {
  const mark = randomUUID();
  shell.type(`echo ${mark}-$((1+1)) $(grep VmRSS /proc/$PPID/status)\n`);
  const line = new RegExp(`${mark}-2 VmRSS:\\s+(\\d+)`);
  await shell.shows((tail) => line.test(tail));
  return Number(line.exec(shell.tail())?.[1]) / 1_024;
}
