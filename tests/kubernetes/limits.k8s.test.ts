import { jest } from '@jest/globals';
import type { V1Pod } from '@kubernetes/client-node';
import { podName } from '#shared/domain/podNames.ts';
import type { AgentClient } from '#platform/agent/AgentClient.ts';
import type { PodSpec } from '#platform/runtime/Runtime.ts';
import { digest, writing } from '#tests/support/agentChanges.ts';
import { startClusterRuntime, type ClusterRuntime } from '#tests/support/clusterRuntime.ts';
import { runInPod } from '#tests/support/podPrograms.ts';
import { openPodShell, type PodShell } from '#tests/support/podShell.ts';
import { processLimit } from '#tests/support/processLimit.ts';
import { waitFor } from '#tests/support/waitFor.ts';

/* Sessions that take all they can get: each may only harm itself, and its agent goes on answering. */
jest.setTimeout(360_000);

const MAX_AGENT_KIB = 30 * 1024;
/** A limit of more is not tried: so many programs meet the session's memory first. */
const MOST_PROGRAMS = 1_000;

let cluster: ClusterRuntime;
beforeAll(async () => {
  cluster = await startClusterRuntime({ BERTH_POD_STORAGE_LIMIT: '64Mi', BERTH_POD_STORAGE_REQUEST: '16Mi' });
}, 20 * 60_000);
afterAll(() => cluster.stop(), 180_000);

interface Opened {
  spec: PodSpec;
  client: AgentClient;
  shell: PodShell;
}

async function open(): Promise<Opened> {
  const spec = await cluster.newSpec();
  await cluster.runtime.ensurePod(spec);
  const client = await cluster.agents.get(spec.uuid, 1, 90_000);
  return { spec, client, shell: await openPodShell(client) };
}

/** Programs run there as ever, once at least and until the given promise is settled. */
async function answers({ shell }: Opened, until: Promise<unknown> = Promise.resolve()): Promise<void> {
  let isOver = false;
  const over = (): void => void (isOver = true);
  until.then(over, over);
  do expect((await shell.run('/bin/echo fine', 10_000)).output).toBe('fine');
  while (!isOver);
}

async function podOf({ uuid }: PodSpec): Promise<V1Pod> {
  return cluster.namespace.get<V1Pod>('pod', podName(uuid));
}

async function restartsOf(spec: PodSpec): Promise<number> {
  return (await podOf(spec)).status?.containerStatuses?.[0]?.restartCount ?? 0;
}

/** The agent of another start than `bootId`. */
async function nextAgent(spec: PodSpec, bootId: string): Promise<AgentClient> {
  return waitFor(
    async () => {
      const client = await cluster.agents.get(spec.uuid, 1, 5_000);
      return client.bootId === bootId ? null : client;
    },
    { deadlineMs: 120_000, what: 'the agent to be started again' },
  );
}

describe('an idle session', () => {
  it('has an agent of at most 30 MiB of its own memory', async () => {
    const { client, shell } = await open();
    const files = Array.from({ length: 100 }, (_, index) => writing(`d${index % 10}/f${index}.txt`, `file ${index}\n`));
    await client.apply(files, { syncEpoch: null, bulk: true });
    expect((await client.manifest({ syncEpoch: 1, keep: [] })).entries).toHaveLength(110);
    const anonymous = async (): Promise<number> => {
      const { output } = await shell.run('sed -n "s/^RssAnon:[^0-9]*//p" /proc/$AGENT/status');
      return parseInt(output, 10);
    };
    // What the start left behind is given back to the system after a while.
    const found = await waitFor(
      async () => {
        const kib = await anonymous();
        return kib <= MAX_AGENT_KIB ? kib : null;
      },
      { deadlineMs: 60_000, what: `at most ${MAX_AGENT_KIB} KiB of the agent` },
    );
    process.stdout.write(`an idle agent has ${(found / 1024).toFixed(1)} MiB of its own memory\n`);
    expect(found).toBeGreaterThan(0);
  });
});

describe('a program that takes more memory than the session has', () => {
  it('is ended, its neighbours answer meanwhile, its agent as before or started again on the same volume', async () => {
    const { spec, client, shell } = await open();
    const neighbour = await open();
    await client.apply([writing('kept.txt', 'kept')], { syncEpoch: null, bulk: false });
    // Not awaited: where the kernel ends the whole container, nothing comes back.
    shell.type(`for n in 1 2 3; do python3 -c "b = b'x' * 2**30"; done; echo ended wi''th $?\r`);
    const ended = waitFor(
      async () => {
        if ((await restartsOf(spec)) > 0) return 'container';
        const { output } = await shell.run('pgrep -c python3', 5_000);
        return output === '0' ? 'program' : null;
      },
      { deadlineMs: 120_000, what: 'the end of the program' },
    );
    await answers(neighbour, ended);
    const outcome = await ended;
    process.stdout.write(`out of memory ended the ${outcome}\n`);
    const after = outcome === 'program' ? client : await nextAgent(spec, client.bootId);
    expect(await after.apply([writing('after.txt', 'x')], { syncEpoch: null, bulk: false })).toEqual([
      { outcome: 'applied' },
    ]);
    expect((await after.manifest({ syncEpoch: 1, keep: ['kept.txt'] })).entries).toContainEqual(
      expect.objectContaining({ path: 'kept.txt', sha256: digest('kept') }),
    );
    const again = await openPodShell(after);
    expect((await again.run('echo fine')).output).toBe('fine');
  });

  it('goes before the agent: shells stand first in the line', async () => {
    const { shell } = await open();
    const { output } = await shell.run('cat /proc/self/oom_score_adj /proc/$AGENT/oom_score_adj');
    const [program, agent] = output.split('\n').map(Number);
    expect(program).toBe(1_000);
    expect(agent).toBeLessThan(1_000);
  });
});

describe('a session whose agent is killed', () => {
  it('is started again in the same pod on the same volume, and says of its terminals that they ended', async () => {
    const { spec, client, shell } = await open();
    await shell.run('echo kept >kept.txt; echo mine >~/mine.txt; sync');
    const uid = (await podOf(spec)).metadata?.uid;
    const [terminal] = await client.listTerminals();
    shell.type('kill -9 $PPID\r');
    await client.ended;
    const after = await nextAgent(spec, client.bootId);
    // The node tells it a moment after the agent answers.
    await waitFor(() => restartsOf(spec), { deadlineMs: 30_000, what: 'the restart to be told' });
    expect(await restartsOf(spec)).toBe(1);
    expect((await podOf(spec)).metadata?.uid).toBe(uid);
    const manifest = await after.manifest({ syncEpoch: 1, keep: [] });
    expect(manifest).toMatchObject({ volumeId: spec.volumeId, complete: true });
    expect(manifest.entries.map(({ path }) => path)).toEqual(['kept.txt']);
    expect(await after.listTerminals()).toEqual([]);
    await expect(
      after.attach(
        terminal?.id ?? '',
        { clientId: 'a page that was open', offset: 0, size: { cols: 80, rows: 24 }, counts: true },
        { output: () => undefined, reset: () => undefined, exit: () => undefined, closed: () => undefined },
      ),
    ).rejects.toMatchObject({ code: 'TERMINAL_NOT_FOUND', message: expect.stringContaining('started again') });
    // Home and /tmp are the pod's, which goes on.
    const again = await openPodShell(after);
    expect((await again.run('cat ~/mine.txt')).output).toBe('mine');
  });
});

const limit = await processLimit();
const isTried = limit !== null && limit <= MOST_PROGRAMS;
const untried = isTried ? '' : ` (the nodes' podPidsLimit is ${limit === null ? 'not set' : String(limit)})`;

describe('a session full of programs', () => {
  (isTried ? it : it.skip)(`can start no more than its node allows, and harms nobody else${untried}`, async () => {
    const { client, shell } = await open();
    const neighbour = await open();
    shell.type(`python3 -c "
import os, signal, time
children = []
try:
  while len(children) < ${limit}:
    children.append(os.posix_spawn('/bin/sleep', ['sleep', '300'], {}))
except OSError as error: pass
open('full.txt', 'w').write(str(len(children)))
while not os.path.exists('enough'): time.sleep(0.1)
for child in children: os.kill(child, signal.SIGKILL)
for child in children: os.wait()
os.unlink('full.txt')
"\r`);
    const started = Number(await readWhenThere(client, 'full.txt'));
    process.stdout.write(`a session started ${started} programs\n`);
    expect(started).toBeGreaterThan(50);
    // The agent, its shell and Python are some of those that the limit allows.
    expect(started).toBeLessThan(limit ?? 0);
    await answers(neighbour);
    expect((await client.activity()).foregroundJob).not.toBeNull();
    expect(await client.apply([writing('saved.txt', 'x')], { syncEpoch: null, bulk: false })).toEqual([
      { outcome: 'applied' },
    ]);
    await expect(client.openTerminal({ name: null, size: { cols: 80, rows: 24 } })).rejects.toMatchObject({
      code: 'TERMINAL_LIMIT',
      message: expect.stringContaining('End some'),
    });
    await client.apply([writing('enough', 'x')], { syncEpoch: null, bulk: false });
    expect((await shell.run('echo fine', 60_000)).output).toBe('fine');
    // Nothing is left: the first process reaps whatever lost its parent.
    await shell.run('(setsid sh -c "sleep 0.01 &" &)');
    await waitFor(async () => (await shell.run('ps -eo stat= | grep -c Z')).output === '0', {
      deadlineMs: 60_000,
      what: 'the orphans to be reaped',
    });
  });
});

async function readWhenThere(client: AgentClient, path: string): Promise<string> {
  return waitFor(
    async () => {
      for await (const { bytes } of client.read([path])) return Buffer.from(bytes).toString();
      return null;
    },
    { deadlineMs: 60_000, what: path },
  );
}

describe('the end of a session', () => {
  it('leaves no program of it: jobs, daemons and what ignores the hang-up are ended, the agent and tini are not', async () => {
    const { spec, client, shell } = await open();
    await shell.run('nohup sleep 1001 >/dev/null 2>&1 & setsid sleep 1002 >/dev/null 2>&1 &');
    await shell.run(`setsid bash -c 'trap "" HUP TERM; sleep 1003; sleep 1003' >/dev/null 2>&1 & true`);
    await waitFor(async () => (await shell.run('pgrep -c "^sleep$"')).output === '3', { what: 'three programs' });
    await client.quiesce({ graceMs: 500 });
    await waitFor(
      async () => {
        const names = await runInPod(cluster.namespace, spec.uuid, 'cat /proc/[0-9]*/comm 2>/dev/null; true');
        // Besides the two: the very programs that look. What has just ended is reaped a moment later.
        return names.split('\n').filter((name) => !['', 'sh', 'cat'].includes(name)).length === 2;
      },
      { deadlineMs: 30_000, what: 'nothing to be left but the agent and tini' },
    );
    expect((await client.manifest({ syncEpoch: 1, keep: [] })).complete).toBe(true);
    await expect(client.openTerminal({ name: null, size: { cols: 80, rows: 24 } })).rejects.toMatchObject({
      code: 'SESSION_NOT_RUNNING',
    });
  });
});

describe('a session that fills its temporary folder', () => {
  it('loses its pod and nothing else: the volume is there for the next one', async () => {
    const { spec, client, shell } = await open();
    const neighbour = await open();
    await client.apply([writing('kept.txt', 'kept')], { syncEpoch: null, bulk: false });
    await shell.run('head -c 100M /dev/zero >/tmp/big');
    const state = await waitFor(
      async () => {
        const now = await cluster.runtime.status(spec.uuid);
        return now.status === 'gone' ? now : null;
      },
      // The node looks at the sizes of folders about once a minute.
      { deadlineMs: 240_000, what: 'the eviction' },
    );
    expect(state.cause).toBe('evicted');
    await cluster.runtime.ensurePod({ ...spec, generation: 2 });
    const after = await cluster.agents.get(spec.uuid, 2, 90_000);
    expect((await after.manifest({ syncEpoch: 1, keep: [] })).entries.map(({ path }) => path)).toEqual(['kept.txt']);
    await answers(neighbour);
  });
});
