import { readFileSync } from 'node:fs';
import { httpPerson, type HttpPerson } from '#tests/e2e/httpPerson.ts';
import { startTestServers } from '#tests/support/servers.ts';
import { startStack, type Stack } from '#tests/support/stack.ts';
import { joinTerminal, newTerminal, type TerminalClient } from '#tests/support/terminalClient.ts';
import { waitFor } from '#tests/support/waitFor.ts';

/** Does the work with PostgreSQL and Temporal servers that end after it. */
export async function withServers(work: () => Promise<void>): Promise<void> {
  const servers = await startTestServers();
  process.env['BERTH_TEST_POSTGRES_URL'] = servers.postgresUrl;
  process.env['BERTH_TEST_TEMPORAL_ADDRESS'] = servers.temporalAddress;
  try {
    await work();
  } finally {
    await servers.stop();
  }
}

/** A part of a bench on an api and a worker of its own, started anew for each run. */
export function onStack(part: (stack: Stack) => Promise<void>): () => Promise<void> {
  return async () => {
    const stack = await startStack({ SESSION_LIVE_LIMIT: '100' });
    try {
      await part(stack);
    } finally {
      await stack.stop();
    }
  };
}

/** Makes an account of that name and signs it in. */
export async function register(url: string, username: string): Promise<HttpPerson> {
  const person = httpPerson(url);
  const account = { username, email: `${username}@example.org`, password: 'violet anchor over nine harbours' };
  await person.request('POST', '/api/v1/auth/register', account);
  return person;
}

/** Creates a session and resolves with its uuid once it runs. */
export async function openSession(person: HttpPerson): Promise<string> {
  const made = await person.request('POST', '/api/v1/sessions', { name: 'bench', open: true });
  const { uuid } = made.body as { uuid: string };
  await waitForPhase(person, { uuid, phase: 'running' });
  return uuid;
}

/** Resolves once the session is in the phase. */
export async function waitForPhase(
  person: HttpPerson,
  { uuid, phase }: { uuid: string; phase: string },
): Promise<void> {
  const read = async (): Promise<string> =>
    ((await person.request('GET', `/api/v1/sessions/${uuid}`)).body as { phase: string }).phase;
  await waitFor(async () => (await read()) === phase, { deadlineMs: 60_000, what: `the session to be ${phase}` });
}

/** Opens a terminal in a running session and resolves when its prompt is there. */
export async function openTerminal(url: string, person: HttpPerson, sessionUuid: string): Promise<TerminalClient> {
  const terminalId = await newTerminal(person, sessionUuid);
  const terminal = await joinTerminal({ url, cookie: person.cookie(), sessionUuid, terminalId });
  await terminal.shows(isPrompt, 60_000);
  return terminal;
}

/** Whether what a terminal shows ends in a shell's prompt. */
export function isPrompt(tail: string): boolean {
  return tail.endsWith('$ ');
}

/** Memory of a process in MiB: all that is resident, or what is its own alone. */
export function memoryMib(pid: number, kind: 'VmRSS' | 'RssAnon' = 'VmRSS'): number {
  const status = readFileSync(`/proc/${String(pid)}/status`, 'utf8');
  return Number(new RegExp(`${kind}:\\s+(\\d+)`).exec(status)?.[1]) / 1_024;
}
