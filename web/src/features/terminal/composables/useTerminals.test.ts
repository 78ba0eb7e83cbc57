import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { effectScope, type EffectScope } from 'vue';
import { ERROR_CATALOGUE } from '#shared/domain/errorCatalogue.ts';
import { waitFor } from '#tests/support/waitFor.ts';
import { useTerminals } from './useTerminals.ts';

const TERMINAL = { id: 't1', name: 'Terminal 1', title: '', running: true, exitCode: null };

/** A session whose agent answers once it is told to. */
let server: Server;
let answers: { list: boolean; create: boolean };
let made: number;
let scope: EffectScope;
const nodeFetch = globalThis.fetch;

function refuse(response: ServerResponse): void {
  const { status, title, remedy } = ERROR_CATALOGUE.AGENT_UNREACHABLE;
  response.writeHead(status).end(JSON.stringify({ code: 'AGENT_UNREACHABLE', status, title, detail: remedy }));
}

beforeEach(async () => {
  answers = { list: false, create: false };
  made = 0;
  scope = effectScope();
  server = createServer((incoming, response) => {
    const creates = incoming.method === 'POST';
    if (!(creates ? answers.create : answers.list)) return refuse(response);
    if (creates) made += 1;
    response.end(JSON.stringify(creates ? TERMINAL : { items: made > 0 ? [TERMINAL] : [] }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  globalThis.fetch = (address, options) => nodeFetch(`http://127.0.0.1:${port}${String(address)}`, options);
});
afterEach(async () => {
  scope.stop();
  globalThis.fetch = nodeFetch;
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

/** The terminals as a panel has them. */
function followed(): ReturnType<typeof useTerminals> {
  const terminals = scope.run(() => useTerminals('6f2c1f8e-8b5b-4a43-9d5c-0c4d8f1f6a10'));
  if (terminals === undefined) throw new Error('the scope has ended');
  return terminals;
}

describe('the terminals of a session that does not answer', () => {
  it('are said not to answer, and are asked for again until they do', async () => {
    const { list, terminals, waiting } = followed();
    await list.reload();
    expect(list.firstLoad.value).toBe(false);
    expect(waiting.value).toBe(true);
    answers = { list: true, create: true };
    await waitFor(() => terminals.value.length === 1, { what: 'the first terminal' });
    expect(waiting.value).toBe(false);
  });

  it('have a first one as soon as it can be made, though an earlier try failed', async () => {
    answers.list = true;
    const { list, terminals } = followed();
    await list.reload();
    expect(list.error.value?.code).toBe('AGENT_UNREACHABLE');
    answers.create = true;
    await waitFor(() => terminals.value.length === 1, { what: 'the first terminal' });
  });
});

describe('a first terminal', () => {
  it('is made once and shown, though the list is loaded again while it is made', async () => {
    answers = { list: true, create: true };
    const { list, terminals } = followed();
    await Promise.all([list.reload(), list.reload()]);
    expect(terminals.value).toEqual([TERMINAL]);
    expect(made).toBe(1);
  });
});
