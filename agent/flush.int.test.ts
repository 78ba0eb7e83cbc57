import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildAgent } from '#agent/build.ts';
import type { AgentClient } from '#platform/agent/AgentClient.ts';
import { connectAgent } from '#platform/agent/connectAgent.ts';
import { writing } from '#tests/support/agentChanges.ts';
import { waitFor } from '#tests/support/waitFor.ts';

const key = randomBytes(32);
let folder: string;
let agent: ChildProcess;
let client: AgentClient;
let epoch = 0;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'berth-flush-'));
  for (const name of ['workspace', 'programs']) mkdirSync(join(folder, name));
  // The system's own program, and a line in a book for each time.
  const recording = `#!/bin/sh\nPATH=/usr/bin:/bin sync "$@" && echo "$@" >> ${at('flushes')}\n`;
  writeFileSync(at('programs/sync'), recording, { mode: 0o755 });
  const wrapper = createRequire(createRequire(import.meta.url).resolve('@lydell/node-pty'));
  agent = spawn(process.execPath, [await buildAgent()], {
    stdio: ['pipe', 'ignore', 'inherit'],
    env: {
      PATH: `${at('programs')}:/usr/bin:/bin`,
      BERTH_AGENT_SOCKET: at('socket'),
      BERTH_AGENT_KEY_FILE: '-',
      BERTH_AGENT_ROOT: at('workspace'),
      BERTH_AGENT_HOME: folder,
      BERTH_AGENT_GENERATION: '1',
      BERTH_AGENT_PTY: wrapper.resolve(`@lydell/node-pty-${process.platform}-${process.arch}/pty.node`),
      BERTH_AGENT_MARK: 'a-test-of-flushes',
      MAX_FILE_BYTES: '100000',
      MAX_SESSION_BYTES: '1000000',
      MAX_SESSION_ITEMS: '100',
    },
  });
  agent.stdin?.end(key.toString('hex'));
  client = await waitFor(
    () => connectAgent({ stream: connect(at('socket')), key, generation: 1, deadlineMs: 20_000 }),
    { what: 'the agent to listen' },
  );
});

afterAll(async () => {
  client.close();
  agent.kill('SIGKILL');
  await once(agent, 'close');
  rmSync(folder, { recursive: true, force: true });
});

function at(path: string): string {
  return join(folder, path);
}

/** Scans, and tells how often the volume was flushed meanwhile. */
async function flushesOfScan(): Promise<number> {
  const before = flushes();
  epoch += 1;
  await client.manifest({ syncEpoch: epoch, keep: [] });
  return flushes() - before;
}

function flushes(): number {
  return existsSync(at('flushes')) ? readFileSync(at('flushes'), 'utf8').split('\n').length - 1 : 0;
}

describe('a scan', () => {
  it('tells only of what a crash of the machine cannot take back', async () => {
    writeFileSync(at('workspace/a.txt'), 'one');
    expect(await flushesOfScan()).toBe(1);
    writeFileSync(at('workspace/a.txt'), 'two');
    expect(await flushesOfScan()).toBe(1);
  });

  it('that finds what was flushed already does not flush again', async () => {
    await flushesOfScan();
    expect(await flushesOfScan()).toBe(0);
    expect(await flushesOfScan()).toBe(0);
  });

  it('flushes after a batch of changes that broke off, though it finds the same', async () => {
    await flushesOfScan();
    const broken = { op: 'mkdir', path: 1 } as never;
    await expect(client.apply([writing('a.txt', 'two'), broken], { syncEpoch: null, bulk: true })).rejects.toThrow();
    expect(await flushesOfScan()).toBe(1);
  });
});
