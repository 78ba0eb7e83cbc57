import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { MAX_RUNNING_RUNS } from '#shared/contracts/agentRuns.ts';
import type { AgentClient, AgentRun, AgentRunStart } from '#platform/agent/AgentClient.ts';
import { startLocalSession, type LocalSession } from '#tests/support/localSession.ts';
import { waitFor } from '#tests/support/waitFor.ts';

let session: LocalSession;
let lastId = 0;

beforeAll(async () => {
  session = await startLocalSession();
});
afterAll(() => session.stop());

interface Output {
  stdout: string;
  stderr: string;
}

/** Starts a line of a shell, or a program with its arguments. */
async function start(command: string | string[], given: Partial<AgentRunStart> = {}): Promise<AgentRun> {
  return session.client.runs.start({
    id: String(++lastId),
    argv: typeof command === 'string' ? ['/bin/sh', '-c', command] : command,
    folder: '',
    environment: {},
    stdin: new Uint8Array(),
    timeLimitMs: 30_000,
    outputLimitBytes: 64 * 1024,
    ...given,
  });
}

/** What a run has put out after those offsets, up to its end. */
async function read(client: AgentClient, id: string, from = { stdout: 0, stderr: 0 }): Promise<Output> {
  const pieces: Record<keyof Output, Uint8Array[]> = { stdout: [], stderr: [] };
  for await (const part of client.runs.follow(id, from)) {
    if (!('ended' in part)) pieces[part.stream].push(part.bytes);
  }
  const { stdout, stderr } = pieces;
  return { stdout: Buffer.concat(stdout).toString(), stderr: Buffer.concat(stderr).toString() };
}

async function run(
  command: string | string[],
  given: Partial<AgentRunStart> = {},
): Promise<{ end: AgentRun; output: Output }> {
  const { id } = await start(command, given);
  return { end: await session.client.runs.wait(id), output: await read(session.client, id) };
}

/** How many processes there are with that word in their command line; seen from inside, as only the session sees them. */
async function count(word: string): Promise<number> {
  // No command line of the counting itself may hold the word.
  const pattern = `[${word.slice(0, 1)}]${word.slice(1)}`;
  const counting = 'cat /proc/[0-9]*/cmdline 2>/dev/null | tr "\\0" " " | grep -o "$0" | wc -l';
  const { output } = await run(['/bin/sh', '-c', counting, pattern]);
  return Number(output.stdout);
}

describe('a run', () => {
  it('has its folder, environment and input, and gives both outputs and the exit code', async () => {
    mkdirSync(join(session.workspace, 'deep', 'er'), { recursive: true });
    const { end, output } = await run('pwd; echo "$GREETING"; cat; echo wrong >&2; exit 3', {
      folder: 'deep/er',
      environment: { GREETING: 'hello' },
      stdin: Buffer.from('typed\n'),
    });
    expect(end).toMatchObject({ running: false, exitCode: 3, signal: null, stopped: null });
    expect(output.stdout).toMatch(/\/deep\/er\nhello\ntyped\n$/);
    expect(output.stderr).toBe('wrong\n');
    expect(end.stdout).toEqual({ bytes: output.stdout.length, kept: output.stdout.length });
  });

  it('is the first to go when memory runs out, leads a session of its own, and sees nothing of the agent', async () => {
    const { output } = await run('cat /proc/self/oom_score_adj; ps -o pid=,sid= -p $$; env; tty');
    const [score, ids, ...rest] = output.stdout.split('\n');
    const [pid, sid] = ids?.trim().split(/\s+/) ?? [];
    expect(score).toBe('1000');
    expect(pid).toBe(sid);
    expect(rest.join('\n')).not.toMatch(/BERTH_AGENT|MAX_FILE/);
    expect(rest.join('\n')).toContain('not a tty');
  });

  it('tells a program that is not there, and one that a signal ended', async () => {
    const missing = await run(['no-such-program', 'x']);
    expect(missing.end.exitCode).toBe(127);
    expect(missing.output.stderr).toContain('no-such-program');
    expect((await run('kill -SEGV $$')).end).toMatchObject({ exitCode: null, signal: 'SIGSEGV', stopped: null });
  });

  it('begins in no folder outside of the workspace, whatever leads there', async () => {
    symlinkSync('/etc', join(session.workspace, 'outside'));
    symlinkSync('deep', join(session.workspace, 'inside'));
    for (const folder of ['outside', 'inside', 'inside/er', 'nothing', 'deep/er/more']) {
      await expect(start('pwd', { folder })).rejects.toMatchObject({ code: 'RUN_REFUSED' });
    }
    for (const folder of ['..', '/etc', 'deep/../..', 'deep//er']) {
      await expect(start('pwd', { folder })).rejects.toMatchObject({ code: 'AGENT_UNREACHABLE' });
    }
  });

  it('is started once for each id, in this life of the agent, also after it was forgotten', async () => {
    const first = await start('echo once >> once.txt; echo done');
    await session.client.runs.wait(first.id);
    const again = await start('echo twice >> once.txt', { id: first.id });
    expect(again).toMatchObject({ running: false, exitCode: 0 });
    await session.client.runs.forget(first.id);
    await expect(start('echo thrice >> once.txt', { id: first.id })).rejects.toMatchObject({ code: 'RUN_NOT_FOUND' });
    expect((await run('cat once.txt')).output.stdout).toBe('once\n');
  });

  it('lives on when its caller is gone, and gives the next one exactly the rest', async () => {
    const caller = await session.connect();
    const { id } = await start('echo first; until [ -e go ]; do sleep 0.05; done; echo second; echo oops >&2');
    let seen = '';
    for await (const part of caller.runs.follow(id, { stdout: 0, stderr: 0 })) {
      if ('ended' in part) throw new Error('it ended early');
      seen += Buffer.from(part.bytes).toString();
      if (seen === 'first\n') break;
    }
    caller.close();
    await run('touch go');
    const rest = await read(await session.connect(), id, { stdout: seen.length, stderr: 0 });
    expect(rest).toEqual({ stdout: 'second\n', stderr: 'oops\n' });
  });

  it('counts and drops what is beyond its limit, and neither waits nor grows', async () => {
    const bytes = 200 * 1024 * 1024;
    const { end, output } = await run(`head -c ${bytes} /dev/zero; echo end >&2`, { outputLimitBytes: 100_000 });
    expect(end).toMatchObject({ exitCode: 0, stdout: { bytes, kept: 100_000 }, stderr: { bytes: 4, kept: 4 } });
    expect(output.stdout).toHaveLength(100_000);
    expect(output.stderr).toBe('end\n');
    // The agent's own anonymous memory, from inside: it held back neither the bytes nor the program.
    const memory = await run(`awk '/RssAnon/ { print $2 }' /proc/$PPID/status`);
    expect(Number(memory.output.stdout)).toBeGreaterThan(1_000);
    expect(Number(memory.output.stdout)).toBeLessThan(120_000);
  });

  it('answers its neighbours while it floods', async () => {
    const { id } = await start('exec yes');
    await waitFor(async () => (await session.client.runs.start(again(id))).stdout.bytes > 10_000_000);
    const before = performance.now();
    expect((await run('echo neighbour')).output.stdout).toBe('neighbour\n');
    expect(performance.now() - before).toBeLessThan(2_000);
    await session.client.runs.stop(id);
    expect(await session.client.runs.wait(id)).toMatchObject({ stopped: 'cancelled', signal: 'SIGTERM' });
  });
});

/** A start that starts nothing: it only tells how the run is. */
function again(id: string): AgentRunStart {
  const stdin = new Uint8Array();
  return { id, argv: ['false'], folder: '', environment: {}, stdin, timeLimitMs: 1, outputLimitBytes: 1 };
}

/** Processes that ignore SIGTERM: a child, a daemon in a session of its own, one that left its parent. */
const TREE = `
  trap '' TERM HUP
  stubborn() { trap '' TERM HUP; while :; do sleep 0.1; done; }
  (stubborn; : treeOfRun) &
  setsid sh -c "trap '' TERM HUP; while :; do sleep 0.1; done; : treeOfRun" &
  (setsid sh -c "trap '' TERM HUP; while :; do sleep 0.1; done; : treeOfRun" &)
  echo ready
  stubborn`;

describe('the end of a run', () => {
  const awaitReady = async (id: string): Promise<void> => {
    await waitFor(async () => (await session.client.runs.start(again(id))).stdout.bytes > 0);
    expect(await count('treeOfRun')).toBeGreaterThanOrEqual(3);
  };

  it('comes by its time limit to everything that it started, also to what ignores SIGTERM', async () => {
    const { id } = await start(TREE, { timeLimitMs: 1_500 });
    await awaitReady(id);
    const end = await session.client.runs.wait(id);
    expect(end).toMatchObject({ running: false, stopped: 'time', signal: 'SIGKILL' });
    expect(end.durationMs).toBeLessThan(8_000);
    expect(await count('treeOfRun')).toBe(0);
  });

  it('comes when it is cancelled, and the first reason stays', async () => {
    const { id } = await start(TREE);
    await awaitReady(id);
    await session.client.runs.stop(id);
    await session.client.runs.stop(id);
    expect(await session.client.runs.wait(id)).toMatchObject({ stopped: 'cancelled', signal: 'SIGKILL' });
    expect(await count('treeOfRun')).toBe(0);
  });

  it('comes with its program: what that leaves behind is ended too', async () => {
    const { end, output } = await run(`setsid sleep 300 & (sleep 301 &) ; echo left`);
    expect(end).toMatchObject({ exitCode: 0, stopped: null });
    expect(output.stdout).toBe('left\n');
    expect((await count('sleep 300')) + (await count('sleep 301'))).toBe(0);
  });
});

describe('the runs of a session', () => {
  it('are a job that keeps it open', async () => {
    const { id } = await start('sleep 60');
    expect(await session.client.activity()).toMatchObject({ idleSeconds: 0, foregroundJob: 'run' });
    await session.client.runs.stop(id);
    await session.client.runs.wait(id);
    const idle = await session.client.activity();
    expect(idle.foregroundJob).toBeNull();
    expect(idle.idleSeconds).toBeLessThan(5);
  });

  it('are bounded in number, and in the output that they may keep', async () => {
    const ids: string[] = [];
    for (let number = 0; number < MAX_RUNNING_RUNS; number += 1) ids.push((await start('sleep 60')).id);
    await expect(start('true')).rejects.toMatchObject({ code: 'RUN_LIMIT' });
    for (const id of ids) await session.client.runs.stop(id);
    for (const id of ids) await session.client.runs.wait(id);
    const limit = { outputLimitBytes: 8 * 1024 * 1024 };
    const large: string[] = [];
    for (let number = 0; number < 4; number += 1) large.push((await start('sleep 60', limit)).id);
    await expect(start('true', limit)).rejects.toMatchObject({ code: 'RUN_LIMIT' });
    for (const id of large) await session.client.runs.stop(id);
    for (const id of large) await session.client.runs.wait(id);
  });

  it('that ended and were not taken give way to later ones, oldest first', async () => {
    const oldest = await start('echo oldest');
    await session.client.runs.wait(oldest.id);
    const large = { outputLimitBytes: 8 * 1024 * 1024 };
    for (let number = 0; number < 4; number += 1) {
      const filled = await run('head -c 9000000 /dev/zero; head -c 9000000 /dev/zero >&2', large);
      expect(filled.end.stderr.kept).toBe(8 * 1024 * 1024);
    }
    await run('true', large);
    await expect(session.client.runs.wait(oldest.id)).rejects.toMatchObject({ code: 'RUN_NOT_FOUND' });
  });

  it('are ended and refused once the session is closed', async () => {
    const { id } = await start(`trap '' TERM HUP; while :; do sleep 0.1; done`);
    const waiting = session.client.runs.wait(id);
    await session.client.quiesce({ graceMs: 200 });
    expect(await waiting).toMatchObject({ running: false, stopped: 'session' });
    await expect(start('true')).rejects.toMatchObject({ code: 'SESSION_NOT_RUNNING' });
  });
});
