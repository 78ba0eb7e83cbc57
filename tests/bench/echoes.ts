import { podName } from '#shared/domain/podNames.ts';
import type { HttpPerson } from '#tests/e2e/httpPerson.ts';
import { middle, printTimes } from '#tests/bench/figures.ts';
import { rawExec, type RawExec } from '#tests/bench/rawExec.ts';
import type { TestNamespace } from '#tests/support/cluster.ts';
import type { Stack } from '#tests/support/stack.ts';
import { typist, type Typist } from '#tests/support/typist.ts';
import { waitFor } from '#tests/support/waitFor.ts';

const KEYS = 500;
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
  terminal.line(QUIET);
  const raw = await rawExec({ namespace: namespace.name, name: podName(uuid) }, { command: ['sh'], tty: true });
  const shell = readRaw(raw);
  await raw.write(Buffer.from(`${QUIET}\n`));
  // A shell with line editing says that it stops editing before the command prints.
  const isReady = (text: string): boolean => /[\r\n]ready\r/.test(text);
  await waitFor(() => isReady(terminal.shown()) && isReady(shell.shown()), { deadlineMs: 30_000, what: 'both to run' });
  const ours: number[] = [];
  const theirs: number[] = [];
  for (let key = 0; key < KEYS; key += TURN) {
    await press(terminal, ours);
    await press(shell, theirs);
  }
  terminal.leave();
  raw.close();
  printTimes(`a key and its echo by Berth (${stack.config.BERTH_AGENT_ROUTE})`, ours);
  printTimes('a key and its echo by exec through the API server', theirs);
  return { ours: middle(ours), theirs: middle(theirs) };
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
