import { randomUUID } from 'node:crypto';
import { printTimes, timed } from '#tests/bench/figures.ts';
import { onStack, register, waitForPhase, withServers } from '#tests/bench/ground.ts';
import { compareManyFiles } from '#tests/bench/localFiles.ts';
import { runBench } from '#tests/bench/performanceTable.ts';
import { measureSaves } from '#tests/bench/saves.ts';
import { compareUpserts } from '#tests/bench/upserts.ts';
import { typist, type Typist } from '#tests/support/typist.ts';
import { waitFor } from '#tests/support/waitFor.ts';

/*
 * `npm run figures [-- once] [waits|files|upserts …]`: what a person waits for on an api and a worker of their own with
 * sessions of the local runtime, and files and rows beside their references. With the address of a Berth that runs, as in
 * `npm run figures -- http://localhost:4600`, only the waits are measured there, and printed.
 */

const OPENS = 5;
const KEYS = 500;

async function waits(url: string): Promise<void> {
  const person = await register(url, `bench-${randomUUID().slice(0, 8)}`);
  const times = { open: [] as number[], prompt: [] as number[], close: [] as number[], echo: [] as number[] };
  for (let round = 0; round < OPENS; round += 1) {
    const started = performance.now();
    const made = await person.request('POST', '/api/v1/sessions', { name: `bench ${String(round)}`, open: true });
    const { uuid } = made.body as { uuid: string };
    await waitForPhase(person, { uuid, phase: 'running' });
    times.open.push(performance.now() - started);
    const terminal = await typist(url, person, uuid);
    await waitFor(() => terminal.shown().includes('$'), { what: 'a prompt' });
    times.prompt.push(performance.now() - started);
    if (round === OPENS - 1) {
      await measureSaves({ person, uuid, terminal });
      times.echo = await keystrokes(terminal);
    }
    terminal.leave();
    await timed(times.close, async () => {
      await person.request('POST', `/api/v1/sessions/${uuid}/close`, {});
      await waitForPhase(person, { uuid, phase: 'closed' });
    });
  }
  printTimes('create and open to running', times.open);
  printTimes('create and open to the first prompt', times.prompt);
  printTimes('close to closed', times.close);
  printTimes('a key and its echo', times.echo);
}

/** One key at a time to a program that leaves the echo to the terminal itself. */
async function keystrokes(terminal: Typist): Promise<number[]> {
  terminal.line('stty -icanon; cat > /dev/null');
  await waitFor(() => terminal.shown().includes('cat > /dev/null\r\n'), { what: 'cat to run' });
  const times: number[] = [];
  for (let key = 0; key < KEYS; key += 1) {
    const { length } = terminal.shown();
    const started = performance.now();
    terminal.key('x');
    await terminal.more(length);
    times.push(performance.now() - started);
  }
  return times;
}

const address = process.argv.find((argument) => argument.startsWith('http'));
if (address === undefined) {
  await withServers(() =>
    runBench('local', { waits: onStack(({ url }) => waits(url)), files: compareManyFiles, upserts: compareUpserts }),
  );
} else {
  await waits(address);
}
process.exit();
