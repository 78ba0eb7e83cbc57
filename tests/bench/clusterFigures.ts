import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { createKubernetesClient, type KubernetesClient } from '#platform/runtime/kubernetes/client.ts';
import { pauseWarmPool, readWarmPool, resumeWarmPool } from '#platform/db/repositories/warmPool.ts';
import { createTemporal } from '#platform/temporal/client.ts';
import { scheduleIds } from '#platform/temporal/ensureSchedules.ts';
import { podName } from '#shared/domain/podNames.ts';
import type { HttpPerson } from '#tests/e2e/httpPerson.ts';
import { compareEchoes } from '#tests/bench/echoes.ts';
import { register, withServers } from '#tests/bench/ground.ts';
import { runBench } from '#tests/bench/performanceTable.ts';
import { measureSaves } from '#tests/bench/saves.ts';
import { compareSyncs } from '#tests/bench/syncs.ts';
import { compareThroughput } from '#tests/bench/podThroughput.ts';
import { compareTransfers } from '#tests/bench/transfers.ts';
import { startRawPod, until } from '#tests/bench/rawPod.ts';
import { middle, printLimit, printRatio, printTimes, timed } from '#tests/bench/figures.ts';
import { createTestNamespace, type TestNamespace } from '#tests/support/cluster.ts';
import { startStack, type Stack } from '#tests/support/stack.ts';
import { typist, type Typist } from '#tests/support/typist.ts';

/*
 * `npm run figures:cluster [-- once] [starts|at-once|echoes|throughput|saves|files …]`: what a person waits for on the cluster of KUBECONFIG, each beside a bare reference in the same
 * run. Api and worker run here as processes of their own, sessions are pods. Ratios matter; times are this machine's.
 */

const ROUNDS = 10;
/** A kubelet looks at its containers once a second: starts that all fell at one moment of that second would show its luck. */
const KUBELET_ROUND_MS = 1_000;
const AT_ONCE = 20;
const LONG_MS = 180_000;

type Route = 'pod-address' | 'port-forward';

interface SessionBody {
  uuid: string;
  phase: string;
}

/** What the bench works with. */
interface Ground {
  namespace: TestNamespace;
  stack: Stack;
  client: KubernetesClient;
  person: HttpPerson;
}

async function main(): Promise<void> {
  await withServers(async () => {
    const namespace = await createTestNamespace();
    const client = createKubernetesClient(namespace.name);
    const inPods = (work: (ground: Ground) => Promise<void>) => () =>
      onCluster({ namespace, client }, 'pod-address', work);
    const echoes = (route: Route, budget: number): Promise<void> =>
      onCluster({ namespace, client }, route, (ground) => echoesOf(ground, budget));
    try {
      await runBench('cluster', {
        starts: inPods(compareStarts),
        'at-once': inPods(openAtOnce),
        async echoes() {
          await echoes('pod-address', 1);
          await echoes('port-forward', 1.6);
        },
        throughput: inPods((ground) => inSession(ground, (uuid) => compareThroughput(ground, uuid))),
        saves: inPods((ground) => inSession(ground, (uuid) => savesOf(ground, uuid))),
        files: inPods(compareFiles),
      });
    } finally {
      await client.close();
      await namespace.drop();
    }
  });
}

/** A part on an api and a worker of its own, which end after it. */
async function onCluster(
  { namespace, client }: Pick<Ground, 'namespace' | 'client'>,
  route: Route,
  work: (ground: Ground) => Promise<void>,
): Promise<void> {
  const settings = {
    BERTH_AGENT_ROUTE: route,
    BERTH_WARM_POOL_SIZE: String(ROUNDS),
    SESSION_LIVE_LIMIT: '100',
  };
  const stack = await startStack({ ...namespace.settings, ...settings });
  try {
    await pauseWarmPool(stack.database, 'the bench');
    const person = await register(stack.url, `bench-${randomUUID().slice(0, 8)}`);
    await work({ namespace, stack, client, person });
  } finally {
    await stack.stop();
  }
}

async function echoesOf(ground: Ground, budget: number): Promise<void> {
  const echoes = await inSession(ground, (uuid) => compareEchoes(ground, uuid));
  const route = ground.stack.config.BERTH_AGENT_ROUTE;
  printRatio(`a key and its echo beside exec (${route})`, { ...echoes, budget });
}

async function savesOf({ stack, person }: Ground, uuid: string): Promise<void> {
  const terminal = await typist(stack.url, person, uuid);
  await measureSaves({ person, uuid, terminal });
  terminal.leave();
}

async function compareFiles({ namespace, client, stack }: Ground): Promise<void> {
  const ended = new AsyncDisposableStack();
  try {
    await compareTransfers(client, { config: stack.config, ended });
    await compareSyncs(namespace);
  } finally {
    await ended.disposeAsync();
  }
}

/** A bare pod, a cold opening and a reopening in turns, so that the machine's moods hit all of them; then the pool. */
async function compareStarts(ground: Ground): Promise<void> {
  const raw: number[] = [];
  const cold: number[] = [];
  const again: number[] = [];
  const warm: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    await atAnyMoment();
    const pod = await startRawPod(ground.client, ground.stack.config);
    raw.push(pod.milliseconds);
    await pod.remove();
    await atAnyMoment();
    const uuid = await timed(cold, () => openNew(ground));
    await close(ground, uuid);
    await atAnyMoment();
    await timed(again, () => openAgain(ground, uuid));
    await close(ground, uuid);
  }
  await fillPool(ground);
  for (let round = 0; round < ROUNDS; round += 1) await close(ground, await timed(warm, () => openNew(ground)));
  await pauseWarmPool(ground.stack.database, 'the bench');
  printTimes('a bare pod with the same claim, until its program answers', raw);
  printTimes('create and open to the first prompt, cold', cold);
  printTimes('open again to the first prompt', again);
  printTimes('create and open to the first prompt, from the warm pool', warm);
  printLimit('create and open from the warm pool', { times: warm, share: 0.5, budgetMs: 500 });
  printRatio('cold create and open beside a bare pod', { ours: middle(cold), theirs: middle(raw), budget: 1.5 });
  printRatio('open again beside a bare pod', { ours: middle(again), theirs: middle(raw), budget: 1.5 });
}

const atAnyMoment = (): Promise<void> => delay(Math.random() * KUBELET_ROUND_MS);

/** Fills the pool and then holds its schedule, so that no refill runs beside what is measured. */
async function fillPool({ stack }: Ground): Promise<void> {
  const temporal = createTemporal(stack.config);
  const schedule = temporal.client.schedule.getHandle(scheduleIds(stack.config).pool);
  await resumeWarmPool(stack.database);
  await schedule.trigger();
  await until(async () => (await readWarmPool(stack.database)).ready === ROUNDS, LONG_MS);
  await until(async () => (await schedule.describe()).info.runningActions.length === 0, LONG_MS);
  await schedule.pause('the bench');
  await temporal.close();
}

async function openAtOnce(ground: Ground): Promise<void> {
  const times: number[] = [];
  const uuids = await Promise.all(Array.from({ length: AT_ONCE }, () => timed(times, () => create(ground))));
  printTimes(`${AT_ONCE} sessions created and opened at once, to running`, times);
  await Promise.all(uuids.map((uuid) => close(ground, uuid)));
}

/** A session for one comparison. */
async function inSession<T>(ground: Ground, work: (uuid: string) => Promise<T>): Promise<T> {
  const uuid = await create(ground);
  try {
    return await work(uuid);
  } finally {
    await close(ground, uuid);
  }
}

async function create(ground: Ground): Promise<string> {
  const made = await ground.person.request('POST', '/api/v1/sessions', { name: 'bench', open: true });
  const { uuid } = made.body as SessionBody;
  await phaseOf(ground, uuid, 'running');
  return uuid;
}

async function openNew(ground: Ground): Promise<string> {
  const uuid = await create(ground);
  (await prompt(ground, uuid)).leave();
  return uuid;
}

async function openAgain(ground: Ground, uuid: string): Promise<void> {
  await ground.person.request('POST', `/api/v1/sessions/${uuid}/open`, {});
  await phaseOf(ground, uuid, 'running');
  (await prompt(ground, uuid)).leave();
}

async function prompt({ stack, person }: Ground, uuid: string): Promise<Typist> {
  const terminal = await typist(stack.url, person, uuid);
  while (!terminal.shown().includes('$')) await terminal.more(terminal.shown().length);
  return terminal;
}

async function close(ground: Ground, uuid: string): Promise<void> {
  await ground.person.request('POST', `/api/v1/sessions/${uuid}/close`, {});
  await phaseOf(ground, uuid, 'closed');
}

async function phaseOf({ person, client }: Ground, uuid: string, phase: string): Promise<void> {
  let last = '';
  await until(async () => {
    const { body } = await person.request('GET', `/api/v1/sessions/${uuid}`);
    last = (body as SessionBody).phase;
    return last === phase || last === 'failed';
  }, LONG_MS);
  if (last === phase) return;
  const pod = await client.readPod(podName(uuid));
  throw new Error(`Session ${uuid} is ${last}, not ${phase}; its pod: ${JSON.stringify(pod?.status)}`);
}

await main();
process.exit();
