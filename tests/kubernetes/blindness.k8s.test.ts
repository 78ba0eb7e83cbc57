import { jest } from '@jest/globals';
import type { V1ObjectMeta } from '@kubernetes/client-node';
import { WorkflowFailedError } from '@temporalio/client';
import { acceptDatabase } from '#platform/db/repositories/installation.ts';
import type { SessionRecord } from '#platform/db/repositories/sessions.ts';
import { listWarmSlots, type WarmSlotRecord } from '#platform/db/repositories/warmSlots.ts';
import { agedRuntime } from '#tests/support/agedRuntime.ts';
import { createTestNamespace, type TestNamespace } from '#tests/support/cluster.ts';
import { workspaceImage } from '#tests/support/images.ts';
import { startKubernetesProxy, type KubernetesProxy, type ProxyMode } from '#tests/support/kubernetesProxy.ts';
import { sessionWithKeptVolume } from '#tests/support/keptVolume.ts';
import { objectsOfSession } from '#tests/support/podPrograms.ts';
import { createReaperSchedule } from '#tests/support/reaperSchedule.ts';
import { createSessionStack, type SessionStack } from '#tests/support/sessionStack.ts';
import { openScreen } from '#tests/support/terminalScreen.ts';
import { waitFor } from '#tests/support/waitFor.ts';
import { runPool } from '#tests/support/warmPool.ts';

const MINUTE = 60_000;
/** How long the API server is out of sight: by far longer than what makes Berth think that something is wrong. */
const BLIND_MS = process.env['BERTH_PROOFS'] === 'full' ? 5 * MINUTE : 40_000;
/** What Berth waits for a minute otherwise. */
const SHORT_TIMES = { NODE_LOST_SECONDS: '8', POD_START_SECONDS: '10' };
/** Until what was asked for blindly has come about: pauses of up to half a minute, and a pod's start and end. */
const AFTERWARDS = { deadlineMs: 3 * MINUTE };

jest.setTimeout(BLIND_MS + 10 * MINUTE);

/** What the workers of one Berth went through while they could not see the cluster. */
interface Blindness {
  mode: ProxyMode;
  /** Its own: to the reaper of one Berth the sessions of another in its namespace would be litter. */
  namespace: TestNamespace;
  stack: SessionStack;
  proxy: KubernetesProxy;
  /** Has a shell before, and must have the same one after. */
  stays: SessionRecord;
  closes: SessionRecord;
  opens: SessionRecord;
  /** Closed, with a volume that holds what could not be saved. */
  keeps: SessionRecord;
}

const CASES: { mode: ProxyMode; route: 'pod-address' | 'port-forward' }[] = [
  { mode: 'error', route: 'pod-address' },
  { mode: 'hang', route: 'pod-address' },
  { mode: 'empty', route: 'pod-address' },
  // The streams to the agents lead through the API server and break with it.
  { mode: 'refuse', route: 'port-forward' },
];

/** What the reaper says when all is as it should be. */
const NOTHING_DONE = { alarm: null, removed: 0, closing: [] };

const stages: Blindness[] = [];

beforeAll(async () => {
  const image = await workspaceImage();
  for (const { mode, route } of CASES) {
    const namespace = await createTestNamespace({ BERTH_WORKSPACE_IMAGE: image });
    const proxy = await startKubernetesProxy();
    const stack = await createSessionStack(
      { ...namespace.settings, ...SHORT_TIMES, BERTH_AGENT_ROUTE: route },
      { wrapRuntime: agedRuntime, kubeconfig: proxy.kubeconfig },
    );
    const [stays, closes, opens] = [await stack.newSession(), await stack.newSession(), await stack.newSession()];
    const keeps = await sessionWithKeptVolume(stack);
    stages.push({ mode, namespace, stack, proxy, stays, closes, opens, keeps });
  }
}, 16 * MINUTE);
afterAll(async () => {
  const ends = stages.map(async ({ stack, proxy, namespace }) => {
    await proxy.switchTo('pass');
    await stack.stop();
    await proxy.stop();
    await namespace.drop();
  });
  await Promise.all(ends);
}, 5 * MINUTE);

/** Pods and claims by name, as the cluster itself knows them, past every proxy. */
type Uids = Record<string, string>;

/** Of a session or a warm slot, without what is on its way out. */
async function uidsOf(namespace: TestNamespace, { uuid }: { uuid: string }): Promise<Uids> {
  const { items } = await namespace.get<{ items: { metadata: V1ObjectMeta }[] }>('pods,persistentvolumeclaims');
  const own = items.filter(({ metadata }) => metadata.name?.endsWith(uuid) && metadata.deletionTimestamp === undefined);
  return Object.fromEntries(own.map(({ metadata }) => [metadata.name ?? '', metadata.uid ?? '']));
}

/** Of all that blindness must leave alone. */
async function uidsOfAll({ namespace, stays, keeps }: Blindness, slot: WarmSlotRecord): Promise<Uids[]> {
  return Promise.all([stays, keeps, slot].map((one) => uidsOf(namespace, one)));
}

/** A shell whose number can be asked for again later. */
async function openShell({ stack, stays }: Blindness): Promise<{ id: string; pid: string }> {
  const client = await stack.agent(stays);
  const { id } = await client.openTerminal({ name: null, size: { cols: 80, rows: 24 } });
  return { id, pid: await pidOfShell({ stack, stays }, id) };
}

async function pidOfShell({ stack, stays }: Pick<Blindness, 'stack' | 'stays'>, id: string): Promise<string> {
  const screen = await openScreen(await stack.agent(stays), id);
  const from = screen.text().length;
  screen.type('echo shell-$$-\r');
  const answer = (): string | undefined => /shell-(\d+)-/.exec(screen.text().slice(from))?.[1];
  const pid = await waitFor(answer, { deadlineMs: MINUTE, what: 'the answer of the shell' });
  screen.attachment.detach();
  return pid;
}

async function goBlind(blindness: Blindness): Promise<void> {
  const { mode, namespace, stack, proxy, stays, closes, opens, keeps } = blindness;
  await Promise.all([stays, closes].map((session) => stack.open(session)));
  for (const session of [stays, closes]) await stack.reaches(session, 'running');
  expect(await runPool(stack, 1)).toMatchObject({ ready: 1, problem: null });
  const [slot] = await listWarmSlots(stack.database, 'ready');
  const shell = await openShell(blindness);
  // Writes once the close has begun: what only the volume holds when nothing can be seen.
  const lateWriter = `(trap 'echo newer > newer.txt; exit' HUP; echo ready > ready.txt; while :; do sleep 0.1; done) &`;
  await stack.type(closes, lateWriter);
  await waitFor(async () => (await stack.fileInDatabase(closes, 'ready.txt')) !== null, {
    ...AFTERWARDS,
    what: 'ready',
  });
  const uids = { all: await uidsOfAll(blindness, slot!), closes: await uidsOf(namespace, closes) };
  // A pod and a claim each, but the volume that was kept has no pod.
  expect(uids.all.map((own) => Object.keys(own).length)).toEqual([2, 1, 2]);
  const reaper = await createReaperSchedule(stack);
  await acceptDatabase(stack.database);
  expect(await reaper.run()).toMatchObject(NOTHING_DONE);

  await proxy.switchTo(mode);
  const blindSince = Date.now();
  const reaped = reaper.run().catch((error: unknown) => error);
  await stack.open(opens);
  await stack.close(closes);
  await waitFor(
    async () => {
      // Asked again and again: a phase that comes and goes is one too many.
      const { phase, generation } = await stack.read(stays);
      if (phase !== 'running' || generation !== 1) throw new Error(`the session became ${phase}`);
      return Date.now() - blindSince > BLIND_MS;
    },
    { deadlineMs: BLIND_MS + 5_000, what: 'the end of the blindness, running all the time' },
  );
  expect(await uidsOfAll(blindness, slot!)).toEqual(uids.all);
  // What is asked for by name is seen in an empty list's world too; in the others nothing could be ended or begun.
  if (mode !== 'empty') {
    expect(await uidsOf(namespace, closes)).toEqual(uids.closes);
    expect(await stack.read(opens)).toMatchObject({ phase: 'provisioning', phaseCause: 'cluster-unreachable' });
    expect(['saving', 'closing']).toContain((await stack.read(closes)).phase);
  }
  if (mode === 'refuse') expect(await stack.read(stays)).toMatchObject({ phaseCause: 'cluster-unreachable' });
  else expect(proxy.misled()).toBeGreaterThan(0);

  await proxy.switchTo('pass');
  await waitFor(async () => (await stack.read(opens)).phase === 'running', { ...AFTERWARDS, what: 'the open' });
  await waitFor(async () => (await stack.read(closes)).phase === 'closed', { ...AFTERWARDS, what: 'the close' });
  expect(await stack.volumeState(closes)).toBeNull();
  expect(await stack.fileInDatabase(closes, 'newer.txt')).toBe('newer\n');
  await waitFor(async () => (await objectsOfSession(namespace, closes.uuid)).length === 0, AFTERWARDS);
  await waitFor(async () => (await stack.read(stays)).phaseCause === null, {
    ...AFTERWARDS,
    what: 'no cause any more',
  });
  expect(await stack.read(stays)).toMatchObject({ phase: 'running', phaseReason: null, generation: 1 });
  expect(await pidOfShell(blindness, shell.id)).toBe(shell.pid);
  // Who sees nothing may give up; a list without anything in it is seen, and no reason to.
  const run = await reaped;
  if (mode === 'empty' || !(run instanceof WorkflowFailedError)) expect(run).toMatchObject(NOTHING_DONE);
  expect(await reaper.run()).toMatchObject(NOTHING_DONE);
  expect(await runPool(stack, 1)).toMatchObject({ ready: 1, made: 0, removed: 0, problem: null });
  expect(await uidsOfAll(blindness, slot!)).toEqual(uids.all);
  expect(await stack.volumeState(keeps)).toBe('kept');
  expect(await timesRecovered(blindness)).toBe(0);
  await reaper.stop();
}

async function timesRecovered({ stack }: Blindness): Promise<number> {
  const rows = await stack.database.query(
    `SELECT 1 FROM events WHERE subject = 'session' AND kind = 'phase' AND payload ->> 'phase' IN ('recovering', 'failed')`,
  );
  return rows.length;
}

describe('a Berth whose view of the cluster is', () => {
  const runs = new Map<ProxyMode, Promise<void>>();
  beforeAll(() => {
    // All at once: most of the time goes by waiting.
    for (const blindness of stages) {
      const run = goBlind(blindness);
      run.catch(() => undefined); // Its test tells.
      runs.set(blindness.mode, run);
    }
  });

  it.each([
    ['an error for every request', 'error'],
    ['no answer at all', 'hang'],
    ['a list without anything in it', 'empty'],
    ['a closed door, also to the agents', 'refuse'],
  ] as const)('%s ends no pod and no session, and catches up afterwards', async (_view, mode) => {
    await runs.get(mode);
  });
});
