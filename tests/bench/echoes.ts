import { podName } from '#shared/domain/podNames.ts';
import type { HttpPerson } from '#tests/e2e/httpPerson.ts';
import { middle, printLimit, printTimes } from '#tests/bench/figures.ts';
import { rawExec, type RawExec } from '#tests/bench/rawExec.ts';
import type { TestNamespace } from '#tests/support/cluster.ts';
import type { Stack } from '#tests/support/stack.ts';
import { typist, type Typist } from '#tests/support/typist.ts';
import { waitFor } from '#tests/support/waitFor.ts';

const KEYS = 1_000;
/** Keys before those that count: a Node server that has just started still compiles, and one that people use has not. */
const WARM_UP_KEYS = 500;
/** Keys in a row on one side before it is the other's turn, so that the machine's moods hit both. */
const TURN = 50;
/** Leaves the echo to the terminal itself. */
const QUIET = 'stty -icanon; echo ready; cat > /dev/null';

/** One key at a time and its echo in a session's pod: through Berth, and through a terminal of the API server's exec. */
export async function compareEchoes(
  { stack, person, namespace }: { stack: Stack; person: HttpPerson; namespace: TestNamespace },
  uuid: string,
): Promise<{ ours: number; theirs: number }> {
  const terminal = await typist(stack.url, person, uuid);
  const raw = await rawExec({ namespace: namespace.name, name: podName(uuid) }, { command: ['sh'], tty: true });
  const shell = readRaw(raw);
  await bothShow(terminal, shell, /\$ /);
  for (const key of [...QUIET, '\n']) {
    terminal.key(key);
    shell.key(key);
  }
  // A shell with line editing says that it stops editing before the command prints.
  await bothShow(terminal, shell, /[\r\n]ready\r/);
  const ours: number[] = [];
  const theirs: number[] = [];
  for (let key = 0; key < WARM_UP_KEYS; key += TURN) {
    await press(terminal, []);
    await press(shell, []);
  }
  for (let key = 0; key < KEYS; key += TURN) {
    await press(terminal, ours);
    await press(shell, theirs);
  }
  terminal.leave();
  raw.close();
  printTimes(`a key and its echo by Berth (${stack.config.BERTH_AGENT_ROUTE})`, ours);
  printTimes('a key and its echo by exec through the API server', theirs);
  printLimit('a key and its echo by Berth', { times: ours, share: 0.99, budgetMs: 20 });
  return { ours: middle(ours), theirs: middle(theirs) };
}

async function bothShow(left: Keyboard, right: Keyboard, what: RegExp): Promise<void> {
  const shown = (): string => JSON.stringify([left.shown(), right.shown()]);
  await waitFor(() => what.test(left.shown()) && what.test(right.shown()), {
    deadlineMs: 60_000,
    what: String(what),
  }).catch((error: unknown) => {
    throw new Error(`The terminals show ${shown()}.`, { cause: error });
  });
}

type Keyboard = Pick<Typist, 'key' | 'shown' | 'more'>;

async function press(keyboard: Keyboard, times: number[]): Promise<void> {
  for (let key = 0; key < TURN; key += 1) {
    const { length } = keyboard.shown();
    const started = performance.now();
    keyboard.key('x');
    await keyboard.more(length);
    times.push(performance.now() - started);
  }
}

function readRaw(raw: RawExec): Keyboard {
  let shown = '';
  let changed = (): void => undefined;
  raw.onOutput((bytes) => {
    shown += bytes.toString();
    changed();
  });
  return {
    key: (text) => void raw.write(Buffer.from(text)),
    shown: () => shown,
    more: async (length) => {
      while (shown.length <= length) await new Promise<void>((resolve) => void (changed = resolve));
    },
  };
}
