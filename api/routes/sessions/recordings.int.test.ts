import { randomUUID } from 'node:crypto';
import { readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { startTestApi, type TestApi, type TestPerson } from '#tests/support/testApi.ts';
import { buildRunningSession, type RunningSession } from '#tests/support/runningSession.ts';
import { openScreen, type TerminalScreen } from '#tests/support/terminalScreen.ts';
import { waitFor } from '#tests/support/waitFor.ts';
import type { AgentClient } from '#platform/agent/AgentClient.ts';

const MAX_BYTES = 20_000;

let api: TestApi;
let alice: TestPerson;
let running: RunningSession;
let agent: AgentClient;
let base: string;

beforeAll(async () => {
  api = await startTestApi({ RECORDING_MAX_BYTES: String(MAX_BYTES), RECORDINGS_PER_SESSION: '6' });
  alice = await api.person({ username: 'alice' });
  running = await buildRunningSession(api, alice.id);
  base = `/api/v1/sessions/${running.session.uuid}`;
  agent = await api.deps.agentPool.get(running.session.uuid, 1);
});
afterEach(async () => {
  for (const { id } of await list()) await ask('DELETE', `/recordings/${id}`);
  for (const { id } of await agent.listTerminals()) await agent.closeTerminal(id);
});
afterAll(async () => {
  await running.destroy();
  await api.close();
});

const ask = (method: string, address: string, body?: unknown) =>
  api.send(method, base + address, { as: alice, ...(body !== undefined && { body }) });
const list = async (): Promise<{ id: string; endReason: string | null }[]> =>
  (await ask('GET', '/recordings')).body.items;

async function openTerminal(): Promise<{ id: string; screen: TerminalScreen }> {
  const { id } = await agent.openTerminal({ name: 'build', size: { cols: 80, rows: 24 } });
  const screen = await openScreen(agent, id);
  await screen.awaitText('$ ');
  return { id, screen };
}

async function record(terminalId: string, body: object = {}): Promise<string> {
  const answer = await ask('POST', `/terminals/${terminalId}/recordings`, body);
  expect([answer.status, answer.body]).toEqual([201, expect.objectContaining({ endReason: null, terminalId })]);
  return answer.body.id as string;
}

/** The events of a recording, after its header. */
async function castOf(id: string): Promise<{ header: Record<string, unknown>; events: [number, string, string][] }> {
  const answer = await ask('GET', `/recordings/${id}/content`);
  expect(answer.status).toBe(200);
  const [header, ...events] = (answer.body as string)
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown);
  return { header: header as Record<string, unknown>, events: events as [number, string, string][] };
}
const textOf = (events: [number, string, string][], code: string): string =>
  events.flatMap((event) => (event[1] === code ? [event[2]] : [])).join('');

describe('a recording of a terminal', () => {
  it('is an asciicast of what was shown from its beginning to its stop, without what was typed', async () => {
    const { id: terminalId, screen } = await openTerminal();
    screen.type('echo before-$((1+1))\r');
    await screen.awaitText('before-2');
    const id = await record(terminalId);
    screen.attachment.resize({ cols: 100, rows: 30 });
    screen.type("stty -echo; echo ready-$((1+1)); read secret; printf 'zw\\303'; sleep 0.1; printf '\\266lf ✓\\n'\r");
    await screen.awaitText('ready-2');
    screen.type('hidden-secret\r');
    await screen.awaitText('zwölf ✓');
    const stopped = await ask('POST', `/recordings/${id}/stop`);
    expect(stopped.body).toMatchObject({ id, endReason: 'stopped', terminalName: 'build', withInput: false });
    screen.type('stty echo; echo after-$((1+1))\r');
    await screen.awaitText('after-2');
    const { header, events } = await castOf(id);
    expect(header).toMatchObject({ version: 2, width: 80, height: 24, title: 'build' });
    expect(textOf(events, 'o')).toContain('zwölf ✓');
    expect(textOf(events, 'o')).not.toMatch(/before-2|after-2/);
    expect(textOf(events, 'r')).toBe('100x30');
    expect(JSON.stringify(events)).not.toContain('hidden-secret');
    const times = events.map(([time]) => time);
    expect(times).toEqual([...times].sort((left, right) => left - right));
    expect(stopped.body.seconds).toBe(times.at(-1));
    // Stopping again changes nothing, and nothing is left on the volume.
    expect((await ask('POST', `/recordings/${id}/stop`)).body).toEqual(stopped.body);
    expect(await agent.recordings.list()).toEqual([]);
  });

  it('holds what was typed when that is asked for', async () => {
    const { id: terminalId, screen } = await openTerminal();
    const id = await record(terminalId, { withInput: true });
    screen.type('echo ty$((1+1))ed\r');
    await screen.awaitText('ty2ed');
    await ask('POST', `/recordings/${id}/stop`);
    expect(textOf((await castOf(id)).events, 'i')).toBe('echo ty$((1+1))ed\r');
  });

  it('is one of a terminal at a time, and is not to be had before its end', async () => {
    const { id: terminalId } = await openTerminal();
    const id = await record(terminalId);
    expect((await ask('POST', `/terminals/${terminalId}/recordings`, {})).body.code).toBe('RECORDING_UNDER_WAY');
    expect((await ask('GET', `/recordings/${id}/content`)).body.code).toBe('RECORDING_UNDER_WAY');
    expect((await ask('POST', '/terminals/nobodys/recordings', {})).body.code).toBe('TERMINAL_NOT_FOUND');
  });

  it('is cut off at its limit, and says so', async () => {
    const { id: terminalId, screen } = await openTerminal();
    const id = await record(terminalId);
    screen.type('seq 1 20000; echo over-$((1+1))\r');
    await screen.awaitText('over-2');
    const [recording] = await list();
    expect(recording).toMatchObject({ id, endReason: 'size-limit' });
    const { events } = await castOf(id);
    expect(textOf(events, 'm')).toContain('limit of size');
    expect(JSON.stringify(events).length).toBeLessThan(MAX_BYTES);
    // The terminal can be recorded anew.
    await record(terminalId);
  });

  it('ends with its terminal', async () => {
    const { id: terminalId, screen } = await openTerminal();
    const id = await record(terminalId);
    screen.type('echo bye-$((1+1)); exit\r');
    await waitFor(async () => (await list())[0]?.endReason === 'terminal-ended', { what: 'the end' });
    expect(textOf((await castOf(id)).events, 'o')).toContain('bye-2');
  });

  it('is refused beyond so many of a session', async () => {
    const ids: string[] = [];
    for (let count = 0; count < 6; count += 1) ids.push(await record((await openTerminal()).id));
    const { id: terminalId } = await openTerminal();
    expect((await ask('POST', `/terminals/${terminalId}/recordings`, {})).body.code).toBe('RECORDING_LIMIT');
    expect((await ask('DELETE', `/recordings/${ids[0]}`)).status).toBe(204);
    await record(terminalId);
    expect((await agent.recordings.list()).map(({ id }) => id)).not.toContain(ids[0]);
  });

  it('that its agent does not know any more is lost, and one that nobody wants is forgotten', async () => {
    const { id: terminalId } = await openTerminal();
    const id = await record(terminalId);
    await agent.recordings.remove(id);
    expect(await list()).toEqual([expect.objectContaining({ id, endReason: null })]);
    await api.database.query(`UPDATE recordings SET started_at = now() - interval '2 minutes' WHERE id = $1`, [id]);
    expect(await list()).toEqual([expect.objectContaining({ id, endReason: 'lost', size: null })]);
    expect((await ask('GET', `/recordings/${id}/content`)).body.code).toBe('RECORDING_NOT_FOUND');
  });

  it('that was cut off by a new start of the agent is kept up to its last whole line, and no link is followed', async () => {
    const { id: terminalId, screen } = await openTerminal();
    const id = await record(terminalId);
    screen.type('echo kept-$((1+1))\r');
    await screen.awaitText('kept-2');
    await waitFor(() => readFileSync(castFile(id), 'utf8').includes('kept-2'), { what: 'the line on the volume' });
    await api.runtime.destroyPod(running.session.uuid);
    writeFileSync(castFile(id), '[1.5,"o","half a li', { flag: 'a' });
    symlinkSync('/etc/passwd', castFile(randomUUID()));
    await startAgain();
    expect(await agent.recordings.list()).toEqual([{ id, end: 'restarted' }]);
    expect(await list()).toEqual([expect.objectContaining({ id, endReason: 'restarted' })]);
    const { events } = await castOf(id);
    expect(textOf(events, 'o')).toContain('kept-2');
    expect(textOf(events, 'o')).not.toContain('half');
  });
});

/** Where the agent writes a recording. */
function castFile(id: string): string {
  const { uuid } = running.session;
  return path.join(api.config.BERTH_DATA_DIR, 'volumes', uuid, 'workspace', `.berth-recording-${id}.cast`);
}

/** Another agent on the same volume. */
async function startAgain(): Promise<void> {
  const { uuid } = running.session;
  const [volume] = await api.database.query<{ id: number }>('SELECT id FROM volumes WHERE session_id = $1', [
    running.session.id,
  ]);
  const { claimUid } = await api.runtime.ensureVolume(uuid, volume!.id);
  await api.runtime.ensurePod({ uuid, generation: 1, volumeId: volume!.id, claimUid, language: 'python' });
  agent = await waitFor(() => api.deps.agentPool.get(uuid, 1), { deadlineMs: 60_000, what: 'the agent' });
}
