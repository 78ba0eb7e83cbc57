import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { loadavg } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { createPtyStarter } from '#agent/pty/nativePty.ts';
import { httpPerson, type HttpPerson } from '#tests/e2e/httpPerson.ts';
import { middle, printLimit, printRatio, printTimes, share } from '#tests/bench/figures.ts';
import { startTestServers } from '#tests/support/servers.ts';
import { startStack, type Stack } from '#tests/support/stack.ts';
import { joinTerminal, newTerminal, type TerminalClient } from '#tests/support/terminalClient.ts';
import { waitFor } from '#tests/support/waitFor.ts';

/*
 * `npm run figures:terminals [-- flood|throughput|many …]`: terminals under load on an api and a worker of their own, with
 * sessions of the local runtime, each beside its reference in the same run.
 */

const KEYS = 500;
const CTRL_C_ROUNDS = 10;
const BYTES = 50 * 1024 * 1024;
const ROUNDS = 5;
/** Sockets that one person may have: each terminal takes one here. */
const TERMINALS_PER_PERSON = 64;
const TERMINALS_PER_SESSION = 16;
const PEOPLE = 8;
const MANY_SECONDS = 20;
/** Prints nothing but what a terminal makes of it: no ends of lines that it would translate. */
const PRINT = `head -c ${BYTES} /dev/zero | tr '\\0' x`;

const parts: Record<string, (stack: Stack) => Promise<void>> = { flood, throughput, many };

async function flood(stack: Stack): Promise<void> {
  const person = await register(stack, 'flood');
  const uuid = await openSession(person);
  const neighbour = await open(stack, person, uuid);
  const flooder = await open(stack, person, uuid);
  const idle = await keystrokes(neighbour, KEYS);
  const before = residentMib(stack);
  flooder.type('yes\n');
  await flooder.shows(() => flooder.received() > 10_000_000, 60_000);
  const busy = await keystrokes(neighbour, KEYS);
  const grown = residentMib(stack) - before;
  flooder.type('\u0003');
  await flooder.shows((tail) => tail.endsWith('$ '));
  const stops: number[] = [];
  for (let round = 0; round < CTRL_C_ROUNDS; round += 1) {
    const start = flooder.received();
    flooder.type('yes\n');
    await flooder.shows(() => flooder.received() > start + 2_000_000, 60_000);
    const pressed = performance.now();
    flooder.type('\u0003');
    await flooder.shows((tail) => tail.endsWith('$ '));
    stops.push(performance.now() - pressed);
  }
  printTimes("a neighbour's key while nobody floods", idle);
  printTimes("a neighbour's key while one floods", busy);
  printRatio("a neighbour's key, p99", { ours: share(busy, 0.99), theirs: share(idle, 0.99), budget: 4 });
  printLimit('Ctrl-C to the prompt', { times: stops, share: 0.95, budgetMs: 300 });
  console.log(`memory of the api: ${grown.toFixed(1)} MiB more while one floods (budget 16 MiB)`);
}

async function throughput(stack: Stack): Promise<void> {
  const person = await register(stack, 'throughput');
  const terminal = await open(stack, person, await openSession(person));
  const ours: number[] = [];
  const theirs: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    theirs.push(await rawTime());
    ours.push(await ourTime(terminal));
  }
  // No budget: the one of the design is beside exec through an API server, which a bare pseudo-terminal has not on its way.
  console.log(
    `50 MiB: ${middle(ours).toFixed(0)} ms through a terminal, ${middle(theirs).toFixed(0)} ms through a bare pseudo-terminal`,
  );
}

/** From the first byte to the last. Throws when bytes are missing, or differ. */
async function ourTime(terminal: TerminalClient): Promise<number> {
  terminal.type('stty -echo\n');
  await terminal.shows((tail) => tail.endsWith('$ '));
  terminal.type(`sleep 0.2; ${PRINT}; stty echo\n`);
  const start = terminal.received();
  const begun = performance.now();
  await terminal.shows((tail) => tail.length > 0 && terminal.received() > start + BYTES, 120_000);
  const took = performance.now() - begun - 200;
  await terminal.shows((tail) => tail.endsWith('$ '));
  const noise = terminal.received() - start - BYTES;
  if (noise < 0 || noise > 1_000) throw new Error(`${noise} bytes beside what was printed`);
  return took;
}

function rawTime(): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<number>();
  const wrapper = createRequire(createRequire(import.meta.url).resolve('@lydell/node-pty'));
  const start = createPtyStarter(wrapper.resolve(`@lydell/node-pty-${process.platform}-${process.arch}/pty.node`));
  const begun = performance.now();
  let received = 0;
  start({
    argv: ['/bin/sh', '-c', PRINT],
    environment: { PATH: process.env['PATH'] ?? '/usr/bin:/bin' },
    folder: '/',
    size: { cols: 120, rows: 30 },
    output: (bytes) => {
      received += bytes.byteLength;
      if (received >= BYTES) resolve(performance.now() - begun);
    },
    exited: () => undefined,
    drained: () => undefined,
  });
  return promise;
}

async function many(stack: Stack): Promise<void> {
  // After the first terminals: an api that has just started takes memory for its own code.
  let before = 0;
  const terminals: TerminalClient[] = [];
  for (let count = 0; count < PEOPLE; count += 1) {
    const person = await register(stack, `person-${count}`);
    for (let held = 0; held < TERMINALS_PER_PERSON; held += TERMINALS_PER_SESSION) {
      const uuid = await openSession(person);
      for (let index = 0; index < TERMINALS_PER_SESSION; index += 1) terminals.push(await open(stack, person, uuid));
      if (terminals.length === TERMINALS_PER_SESSION) before = residentMib(stack);
    }
  }
  const each = ((residentMib(stack) - before) * 1_024) / (terminals.length - TERMINALS_PER_SESSION);
  const times: number[] = [];
  const until = performance.now() + MANY_SECONDS * 1_000;
  await Promise.all(
    terminals.map(async (terminal, index) => {
      await delay((index * 500) / terminals.length);
      while (performance.now() < until) {
        const [time] = await keystrokes(terminal, 1);
        times.push(time ?? NaN);
        await delay(500 - Math.min(500, time ?? 0));
      }
    }),
  );
  printTimes(`a key among ${terminals.length} terminals of one api, two a second each`, times);
  printLimit(`a key among ${terminals.length} terminals`, { times, share: 0.99, budgetMs: 50 });
  console.log(`memory of the api: ${each.toFixed(1)} KiB a terminal (budget 64 KiB)`);
  for (const terminal of terminals) terminal.leave();
}

async function register(stack: Stack, username: string): Promise<HttpPerson> {
  const person = httpPerson(stack.url);
  const account = { username, email: `${username}@example.org`, password: 'violet anchor over nine harbours' };
  await person.request('POST', '/api/v1/auth/register', account);
  return person;
}

async function openSession(person: HttpPerson): Promise<string> {
  const made = await person.request('POST', '/api/v1/sessions', { name: 'bench', open: true });
  const { uuid } = made.body as { uuid: string };
  const phase = async (): Promise<string> =>
    ((await person.request('GET', `/api/v1/sessions/${uuid}`)).body as { phase: string }).phase;
  await waitFor(async () => (await phase()) === 'running', { deadlineMs: 60_000, what: 'the session to run' });
  return uuid;
}

async function open(stack: Stack, person: HttpPerson, sessionUuid: string): Promise<TerminalClient> {
  const terminalId = await newTerminal(person, sessionUuid);
  const terminal = await joinTerminal({ url: stack.url, cookie: person.cookie(), sessionUuid, terminalId });
  await terminal.shows((tail) => tail.endsWith('$ '), 60_000);
  return terminal;
}

/** One key at a time and its echo, at a prompt. */
async function keystrokes(terminal: TerminalClient, count: number): Promise<number[]> {
  const times: number[] = [];
  for (let key = 0; key < count; key += 1) {
    const before = terminal.received();
    const started = performance.now();
    // A key and its erasure by turns: the line does not grow.
    terminal.type(key % 2 === 0 ? 'x' : '\u007f');
    await terminal.shows(() => terminal.received() > before);
    times.push(performance.now() - started);
  }
  return times;
}

function residentMib(stack: Stack): number {
  const status = readFileSync(`/proc/${stack.api.pid()}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1_024;
}

const names = process.argv.slice(2);
const servers = await startTestServers();
process.env['BERTH_TEST_POSTGRES_URL'] = servers.postgresUrl;
process.env['BERTH_TEST_TEMPORAL_ADDRESS'] = servers.temporalAddress;
const stack = await startStack({ SESSION_LIVE_LIMIT: '100' });
console.log(`load average ${loadavg()[0]?.toFixed(1) ?? '?'}`);
try {
  for (const [name, part] of Object.entries(parts)) if (names.length === 0 || names.includes(name)) await part(stack);
} finally {
  await stack.stop();
  await servers.stop();
}
process.exit();
