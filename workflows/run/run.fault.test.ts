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

describe('a run whose worker is killed', () => {
  it('ends without anybody, or by the cancel that meets the next worker, and has its whole receipt then', async () => {
    const ending = await post({ command: 'echo begun >> log.txt; echo begun; sleep 1; echo ended | tee -a log.txt' });
    const endless = await post({ command: "trap '' TERM; touch begun.txt; while :; do sleep 0.1; done" });
    const begun = (): boolean => onVolume('log.txt') !== null && onVolume('begun.txt') !== null;
    await waitFor(begun, { deadlineMs: 60_000, what: 'their beginning' });
    await stack.worker.kill();
    const cancelled = await send('POST', `/${String(endless.id)}/cancel`, {});
    expect(cancelled).toMatchObject({ status: 'running', cancelRequested: true });
    await waitFor(() => onVolume('log.txt') === 'begun\nended\n', { deadlineMs: 30_000, what: 'its end' });
    expect((await get(ending.id)).status).toBe('running');
    stack.worker.start();
    expect(await receiptOf(ending.id)).toMatchObject({
      status: 'succeeded',
      exitCode: 0,
      stdout: { content: 'begun\nended\n', truncated: false },
    });
    expect(onVolume('log.txt')).toBe('begun\nended\n');
    expect(await receiptOf(endless.id)).toMatchObject({ status: 'cancelled', signal: 'SIGKILL' });
  }, 150_000);

  it('is executed exactly once, wherever in its beginning that was', async () => {
    const moments = [0, 100];
    const ids: number[] = [];
    for (const moment of moments) {
      const { id } = await post({ command: `echo x >> once-${String(moment)}.txt; cat once-${String(moment)}.txt` });
      ids.push(id);
      await new Promise((resolve) => setTimeout(resolve, moment));
      await stack.worker.kill();
      stack.worker.start();
    }
    for (const id of ids) {
      expect(await receiptOf(id)).toMatchObject({ status: 'succeeded', stdout: { content: 'x\n' } });
    }
    expect(moments.map((moment) => onVolume(`once-${String(moment)}.txt`))).toEqual(['x\n', 'x\n']);
  }, 150_000);
});
