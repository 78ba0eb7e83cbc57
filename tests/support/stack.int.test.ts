import { httpPerson } from '#tests/e2e/httpPerson.ts';
import { startStack, type Stack } from '#tests/support/stack.ts';
import { waitFor } from '#tests/support/waitFor.ts';
import { checkEverything } from '#tests/faults/checker.ts';

describe('a whole Berth of child processes', () => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await startStack();
  });
  afterAll(() => stack.stop(), 60_000);

  it('opens a session, goes on after its processes were killed, and leaves nothing over', async () => {
    const ada = httpPerson(stack.url);
    const account = { username: 'ada', email: 'ada@example.org', password: 'violet anchor over nine harbours' };
    expect((await ada.request('POST', '/api/v1/auth/register', account)).status).toBe(201);
    const created = await ada.request('POST', '/api/v1/sessions', { name: 'fractals', language: 'python', open: true });
    const { uuid } = created.body as { uuid: string };
    const phaseIs = (wanted: string): Promise<unknown> =>
      waitFor(
        async () => {
          const { body } = await ada.request('GET', `/api/v1/sessions/${uuid}`);
          return (body as { phase: string }).phase === wanted;
        },
        { deadlineMs: 90_000, what: `the phase ${wanted}` },
      );
    await phaseIs('running');
    expect(await checkEverything(stack.config, [])).toEqual([]);
    await Promise.all([stack.api.kill(), stack.worker.kill()]);
    stack.api.start();
    stack.worker.start();
    await stack.ready();
    expect((await ada.request('POST', `/api/v1/sessions/${uuid}/close`, {})).status).toBe(202);
    await phaseIs('closed');
    expect(await checkEverything(stack.config, [])).toEqual([]);
  }, 240_000);

  it('says so when something that was acknowledged is not there', async () => {
    const [row] = await stack.database.query<{ uuid: string }>('SELECT uuid FROM sessions');
    const write = { sessionUuid: row?.uuid ?? '', path: 'main.py', sha256: '0'.repeat(64) };
    expect(await checkEverything(stack.config, [write])).toEqual([`acknowledged and lost: main.py (${write.sha256})`]);
  });

  it('says so when the database contradicts itself', async () => {
    await stack.database.query(`UPDATE workspace_items SET content = content || 'x'`);
    expect(await checkEverything(stack.config, [])).toEqual(['contents that differ from their digest: main.py']);
  });
});
