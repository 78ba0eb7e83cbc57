import { createRequire } from 'node:module';
import { setTimeout as delay } from 'node:timers/promises';
import { createPtyStarter } from '#agent/pty/nativePty.ts';
import { printLimit, printMemory, printPairs, printRatio, printTimes, share } from '#tests/bench/figures.ts';
import { isPrompt, memoryMib, onStack, openSession, openTerminal, register, withServers } from '#tests/bench/ground.ts';
import { measureMemory } from '#tests/bench/memory.ts';
import { runBench } from '#tests/bench/performanceTable.ts';
import { PRINT, PRINTED_BYTES, printThrough } from '#tests/bench/throughput.ts';
import type { Stack } from '#tests/support/stack.ts';
import type { TerminalClient } from '#tests/support/terminalClient.ts';

/*
 * `npm run figures:terminals [-- once] [flood|dense|throughput|many|memory …]`: terminals under load on an api and a worker
 * of their own, with sessions of the local runtime, each beside its reference in the same run.
 */

const KEYS = 500;
const CTRL_C_ROUNDS = 10;
const ROUNDS = 5;
/** Sockets that one person may have: each terminal takes one here. */
const TERMINALS_PER_PERSON = 64;
const TERMINALS_PER_SESSION = 16;
const PEOPLE = 8;
const MANY_SECONDS = 20;
/** Each program goes on until it is interrupted; the second prints faster, and in larger pieces. */
const FLOODS = { flood: 'yes', dense: 'base64 /dev/urandom' };

async function flood(stack: Stack, command: string): Promise<void> {
  const person = await register(stack.url, 'flood');
  const uuid = await openSession(person);
  const neighbour = await openTerminal(stack.url, person, uuid);
  const flooder = await openTerminal(stack.url, person, uuid);
  const idle = await keystrokes(neighbour, KEYS);
  const before = memoryMib(stack.api.pid());
  flooder.type(`${command}\n`);
  await flooder.shows(() => flooder.received() > 10_000_000, 60_000);
  const busy = await keystrokes(neighbour, KEYS);
  const amount = memoryMib(stack.api.pid()) - before;
  flooder.type('\u0003');
  await flooder.shows(isPrompt);
  const stops: number[] = [];
  for (let round = 0; round < CTRL_C_ROUNDS; round += 1) {
    const start = flooder.received();
    flooder.type(`${command}\n`);
    await flooder.shows(() => flooder.received() > start + 2_000_000, 60_000);
    const pressed = performance.now();
    flooder.type('\u0003');
    await flooder.shows(isPrompt);
    stops.push(performance.now() - pressed);
  }
  printTimes(`a neighbour's key while nobody floods (${command})`, idle);
  printTimes(`a neighbour's key while one floods (${command})`, busy);
  const p99 = { ours: share(busy, 0.99), theirs: share(idle, 0.99) };
  printRatio(`a neighbour's key, p99, beside the idle one (${command})`, { ...p99, budget: 4 });
  printLimit(`Ctrl-C to the prompt (${command})`, { times: stops, share: 0.95, budgetMs: 300 });
  printMemory(`memory of the api, more while one floods (${command})`, { amount, unit: 'MiB', budget: 16 });
}

async function throughput(stack: Stack): Promise<void> {
  const person = await register(stack.url, 'throughput');
  const terminal = await openTerminal(stack.url, person, await openSession(person));
  const ours: number[] = [];
  const theirs: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    theirs.push(await rawTime());
    ours.push(await printThrough(terminal));
  }
  // No budget: the one of the design is beside exec through an API server, which a bare pseudo-terminal has not on its way.
  printPairs('50 MiB through a terminal beside a bare pseudo-terminal', { ours, theirs, budget: null });
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
      if (received >= PRINTED_BYTES) resolve(performance.now() - begun);
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
    const person = await register(stack.url, `person-${count}`);
    for (let held = 0; held < TERMINALS_PER_PERSON; held += TERMINALS_PER_SESSION) {
      const uuid = await openSession(person);
      for (let index = 0; index < TERMINALS_PER_SESSION; index += 1) {
        terminals.push(await openTerminal(stack.url, person, uuid));
      }
      if (terminals.length === TERMINALS_PER_SESSION) before = memoryMib(stack.api.pid());
    }
  }
  const grown = memoryMib(stack.api.pid()) - before;
  const amount = (grown * 1_024) / (terminals.length - TERMINALS_PER_SESSION);
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
  printMemory(`memory of the api for each of ${terminals.length} terminals`, { amount, unit: 'KiB', budget: 64 });
  for (const terminal of terminals) terminal.leave();
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

await withServers(() =>
  runBench('terminals', {
    flood: onStack((stack) => flood(stack, FLOODS.flood)),
    dense: onStack((stack) => flood(stack, FLOODS.dense)),
    throughput: onStack(throughput),
    many: onStack(many),
    memory: onStack(measureMemory),
  }),
);
process.exit();
