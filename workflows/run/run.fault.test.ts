import path from 'node:path';
import { existsSync, readFileSync } from 'node:fs';
import { cookieName } from '#api/auth/cookies.ts';
import { startSignIn } from '#api/auth/signIn.ts';
import type { Run, RunReceipt } from '#shared/contracts/run.ts';
import { isEndedRun } from '#shared/domain/run.ts';
import { build } from '#tests/support/factories.ts';
import { startStack, type Stack } from '#tests/support/stack.ts';
import { waitFor } from '#tests/support/waitFor.ts';

let stack: Stack;
let cookie: string;
let uuid: string;

beforeAll(async () => {
  stack = await startStack();
  const user = await build.user(stack.database);
  const origin = { address: '127.0.0.1', userAgent: 'test' };
  cookie = `${cookieName(stack.config)}=${await startSignIn(stack, { userId: user.id, origin })}`;
  uuid = (await build.session(stack.database, { userId: user.id })).uuid;
  expect((await receiptOf((await post({ command: 'true' })).id)).status).toBe('succeeded');
}, 120_000);
afterAll(() => stack.stop(), 60_000);

async function send<T>(method: string, rest: string, body?: unknown): Promise<T> {
  const answer = await fetch(`${stack.url}/api/v1/sessions/${uuid}/runs${rest}`, {
    method,
    headers: { cookie, origin: stack.url, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(text);
  return JSON.parse(text) as T;
}

const post = (body: unknown): Promise<Run> => send('POST', '', body);
const get = (id: number): Promise<RunReceipt> => send('GET', `/${String(id)}`);

function receiptOf(id: number): Promise<RunReceipt> {
  return waitFor(
    async () => {
      const run = await get(id);
      return isEndedRun(run.status) ? run : null;
    },
    { deadlineMs: 80_000, what: `the end of run ${String(id)}` },
  );
}

/** A file that a program of the session wrote, null when there is none. */
function onVolume(name: string): string | null {
  const file = path.join(stack.config.BERTH_DATA_DIR, 'volumes', uuid, 'workspace', name);
  return existsSync(file) ? readFileSync(file, 'utf8') : null;
}

describe('a worker that is killed', () => {
  const runs = new Map<string, number>();

  /** Runs that have gone on for a while, and one that was asked for so many milliseconds before, all lose their worker at once. */
  beforeAll(async () => {
    const ask = async (name: string, command: string): Promise<void> => {
      runs.set(name, (await post({ command })).id);
    };
    await ask('ending', 'echo begun >> log.txt; echo begun; sleep 1; echo ended | tee -a log.txt');
    await ask('endless', "trap '' TERM; touch begun.txt; while :; do sleep 0.1; done");
    const begun = (): boolean => onVolume('log.txt') !== null && onVolume('begun.txt') !== null;
    await waitFor(begun, { deadlineMs: 60_000, what: 'their beginning' });
    await ask('just begun', 'echo x >> just-begun.txt; cat just-begun.txt');
    await new Promise((resolve) => setTimeout(resolve, 50));
    await ask('asked for', 'echo x >> asked-for.txt; cat asked-for.txt');
    await stack.worker.kill();
    await waitFor(() => onVolume('log.txt') === 'begun\nended\n', { deadlineMs: 30_000, what: 'its end' });
    expect((await get(runs.get('ending')!)).status).toBe('running');
    const cancelled = await send('POST', `/${String(runs.get('endless'))}/cancel`, {});
    expect(cancelled).toMatchObject({ status: 'running', cancelRequested: true });
    stack.worker.start();
  }, 120_000);

  it('takes nothing from a run that ends meanwhile', async () => {
    expect(await receiptOf(runs.get('ending')!)).toMatchObject({
      status: 'succeeded',
      exitCode: 0,
      stdout: { content: 'begun\nended\n', truncated: false },
    });
    expect(onVolume('log.txt')).toBe('begun\nended\n');
  });

  it('leaves to the next one the cancel that came meanwhile', async () => {
    expect(await receiptOf(runs.get('endless')!)).toMatchObject({ status: 'cancelled', signal: 'SIGKILL' });
  });

  it.each(['just begun', 'asked for'])('leaves a run that was %s to be executed exactly once', async (name) => {
    expect(await receiptOf(runs.get(name)!)).toMatchObject({ status: 'succeeded', stdout: { content: 'x\n' } });
    expect(onVolume(`${name.replace(' ', '-')}.txt`)).toBe('x\n');
  });
});
