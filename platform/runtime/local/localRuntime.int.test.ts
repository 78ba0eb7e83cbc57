import { randomUUID } from 'node:crypto';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pino from 'pino';
import { createAgentPool } from '#platform/agent/agentPool.ts';
import { describeRuntimeContract } from '#platform/runtime/contract.ts';
import { createLocalRuntime } from '#platform/runtime/local/localRuntime.ts';
import { readPod } from '#platform/runtime/local/podRecord.ts';
import { findMarkedProcesses, identifyProcess, killProcess } from '#platform/runtime/local/processes.ts';
import { localConfig, startLocalSession } from '#tests/support/localSession.ts';
import { openScreen } from '#tests/support/terminalScreen.ts';
import { waitFor } from '#tests/support/waitFor.ts';

const log = pino({ level: 'silent' });

for (const sandbox of ['bubblewrap', 'none'] as const) {
  describeRuntimeContract(`local (${sandbox})`, async () => {
    const { config, remove } = localConfig({ BERTH_SANDBOX: sandbox });
    return {
      create: () => createLocalRuntime(config, log),
      secret: config.BERTH_SECRET,
      log,
      crash: async (uuid) => {
        const record = readPod(join(config.BERTH_DATA_DIR, 'pods'), uuid);
        if (record !== null) killProcess(record.process);
      },
      waitFor,
      stop: async () => remove(),
    };
  });
}

describe('the choice of a sandbox', () => {
  it('is bubblewrap where that works', async () => {
    const { config, remove } = localConfig();
    const runtime = await createLocalRuntime(config, log);
    expect(runtime).toMatchObject({ sandbox: 'bubblewrap', warning: null });
    await runtime.close();
    remove();
  });

  it('warns where there is none, and refuses that on an address that others can reach', async () => {
    const { config, remove } = localConfig({ BERTH_SANDBOX: 'none' });
    const runtime = await createLocalRuntime(config, log);
    expect(runtime.sandbox).toBe('none');
    expect(runtime.warning).toContain('not isolated');
    await runtime.close();
    await expect(createLocalRuntime({ ...config, BERTH_PUBLIC_URL: 'https://berth.example.org' }, log)).rejects.toThrow(
      'allowed only when BERTH_PUBLIC_URL is loopback',
    );
    remove();
  });
});

describe('a pod of the local runtime', () => {
  it('outlives the process that started it, killed with -9, with its shell and its job', async () => {
    const { config, remove } = localConfig();
    const uuid = randomUUID();
    const starter = spawn(
      process.execPath,
      [fileURLToPath(new URL('../../../tests/support/startPod.ts', import.meta.url)), uuid],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
        env: {
          ...process.env,
          NODE_OPTIONS: '',
          BERTH_SECRET: config.BERTH_SECRET,
          BERTH_DATA_DIR: config.BERTH_DATA_DIR,
        },
      },
    );
    await once(starter.stdout, 'data');
    starter.kill('SIGKILL');
    await once(starter, 'close');
    const runtime = await createLocalRuntime(config, log);
    const pool = createAgentPool({ runtime, secret: config.BERTH_SECRET, log });
    const client = await pool.get(uuid, 1, 30_000);
    const [terminal] = await client.listTerminals();
    const screen = await openScreen(client, terminal?.id ?? '');
    await screen.awaitText('tick 12');
    expect(terminal?.running).toBe(true);
    await pool.close();
    await runtime.destroyPod(uuid);
    remove();
  });

  it('ends by itself when its starter dies before it has written it down', async () => {
    const { config, remove } = localConfig();
    const runtime = await createLocalRuntime(config, log);
    const uuid = randomUUID();
    const { claimUid } = await runtime.ensureVolume(uuid, 1);
    const { podUid } = await runtime.ensurePod({ uuid, generation: 1, volumeId: 1, claimUid, language: 'python' });
    await waitFor(async () => (await runtime.status(uuid)).status === 'running');
    const bundle = fileURLToPath(new URL('../../../agent/dist/agent.mjs', import.meta.url));
    const socket = join(config.BERTH_DATA_DIR, 'unwritten.sock');
    const agent = spawn(process.execPath, [bundle], {
      stdio: ['pipe', 'ignore', 'ignore'],
      env: {
        BERTH_AGENT_SOCKET: socket,
        BERTH_AGENT_KEY_FILE: '-',
        BERTH_AGENT_ROOT: config.BERTH_DATA_DIR,
        BERTH_AGENT_HOME: config.BERTH_DATA_DIR,
        BERTH_AGENT_GENERATION: '1',
        BERTH_AGENT_PTY: '/nowhere',
        BERTH_AGENT_MARK: podUid,
        MAX_FILE_BYTES: '1',
        MAX_SESSION_BYTES: '1',
        MAX_SESSION_ITEMS: '1',
      },
    });
    agent.stdin.end();
    const [code] = (await once(agent, 'exit')) as [number];
    expect(code).toBe(1);
    expect(existsSync(socket)).toBe(false);
    await runtime.destroyPod(uuid);
    remove();
  });

  it('ends by itself when its volume is deleted under it', async () => {
    const session = await startLocalSession();
    rmSync(join(session.config.BERTH_DATA_DIR, 'volumes'), { recursive: true, force: true });
    await waitFor(async () => (await session.runtime.status(session.uuid)).status === 'gone', { deadlineMs: 20_000 });
    await session.stop();
  });

  it('is never taken for a later process with the same id', async () => {
    const own = identifyProcess(process.pid);
    expect(own).not.toBeNull();
    const { config, remove } = localConfig();
    const runtime = await createLocalRuntime(config, log);
    const uuid = randomUUID();
    const { claimUid } = await runtime.ensureVolume(uuid, 1);
    await runtime.ensurePod({ uuid, generation: 1, volumeId: 1, claimUid, language: 'python' });
    const file = join(config.BERTH_DATA_DIR, 'pods', uuid, 'pod.json');
    const record = readPod(join(config.BERTH_DATA_DIR, 'pods'), uuid);
    await runtime.destroyPod(uuid);
    const { podUid } = await runtime.ensurePod({ uuid, generation: 1, volumeId: 1, claimUid, language: 'python' });
    const present = readPod(join(config.BERTH_DATA_DIR, 'pods'), uuid);
    // As after a restart of the machine: the id is somebody else's now, this test's own.
    writeFileSync(file, JSON.stringify({ ...record, process: { pid: process.pid, startTime: '1' } }));
    expect(await runtime.status(uuid)).toMatchObject({ status: 'gone' });
    await runtime.destroyPod(uuid);
    expect(identifyProcess(process.pid)).toEqual(own);
    if (present !== null) killProcess(present.process);
    expect(podUid).toBe(present?.podUid);
    remove();
  });

  it('is reached also where the data folder has a very long path', async () => {
    const base = mkdtempSync(join(tmpdir(), 'berth-long-'));
    const session = await startLocalSession({ BERTH_DATA_DIR: join(base, 'a-folder-with-a-long-name'.repeat(5)) });
    expect((await session.client.manifest({ syncEpoch: 1, keep: [] })).complete).toBe(true);
    await session.stop();
    rmSync(base, { recursive: true, force: true });
  });

  it('takes over the files of a time without a sandbox', async () => {
    const { config, remove } = localConfig();
    const uuid = randomUUID();
    const plain = await createLocalRuntime({ ...config, BERTH_SANDBOX: 'none' }, log);
    const { claimUid } = await plain.ensureVolume(uuid, 1);
    writeFileSync(join(config.BERTH_DATA_DIR, 'volumes', uuid, 'workspace', 'old.txt'), 'old', { mode: 0o600 });
    const runtime = await createLocalRuntime(config, log);
    await runtime.ensurePod({ uuid, generation: 1, volumeId: 1, claimUid, language: 'python' });
    const pool = createAgentPool({ runtime, secret: config.BERTH_SECRET, log });
    const files: string[] = [];
    for await (const file of (await pool.get(uuid, 1, 30_000)).read(['old.txt'])) {
      files.push(Buffer.from(file.bytes).toString());
    }
    expect(files).toEqual(['old']);
    await pool.close();
    await runtime.destroyPod(uuid);
    remove();
  });

  it('without a sandbox ends its own programs and nobody else when it is quiesced and destroyed', async () => {
    const bystander = spawn('sleep', ['1000'], { stdio: 'ignore' });
    const session = await startLocalSession({ BERTH_SANDBOX: 'none' });
    const { podUid } = await session.runtime.status(session.uuid);
    const { id } = await session.client.openTerminal({ name: null, size: { cols: 80, rows: 24 } });
    const screen = await openScreen(session.client, id);
    screen.type("(trap '' HUP; sleep 1000) & setsid sleep 1000 & (setsid sleep 1000 &); echo st''arted\r");
    await screen.awaitText('started\r\n');
    // While a program replaces another one in its process, its environment cannot be read.
    await waitFor(() => findMarkedProcesses(podUid ?? '').length >= 4, { what: 'the four programs' });
    await session.client.quiesce({ graceMs: 200 });
    expect(findMarkedProcesses(podUid ?? '')).toEqual([]);
    expect((await session.client.manifest({ syncEpoch: 1, keep: [] })).complete).toBe(true);
    await session.stop();
    expect(bystander.exitCode).toBeNull();
    expect(identifyProcess(bystander.pid ?? 0)).not.toBeNull();
    bystander.kill();
  });

  it('needs little memory of its own', async () => {
    const session = await startLocalSession();
    await session.client.openTerminal({ name: null, size: { cols: 80, rows: 24 } });
    await session.client.manifest({ syncEpoch: 1, keep: [] });
    const record = readPod(join(session.config.BERTH_DATA_DIR, 'pods'), session.uuid);
    const children = execFileSync('ps', ['-o', 'pid=', '--ppid', String(record?.process.pid)], { encoding: 'utf8' });
    const status = readFileSync(`/proc/${children.trim().split(/\s+/)[0] ?? ''}/status`, 'utf8');
    const anonymous = Number(/RssAnon:\s+(\d+) kB/.exec(status)?.[1]) / 1024;
    process.stdout.write(`agent with one terminal: ${anonymous.toFixed(1)} MiB anonymous\n`);
    expect(anonymous).toBeLessThan(40);
    await session.stop();
  });
});
