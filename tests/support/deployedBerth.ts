import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { serverImage, workspaceImage } from '#tests/support/images.ts';
import { install, uninstall } from '#tests/support/installation.ts';
import { kubectl } from '#tests/support/kubectl.ts';
import { postgresImage, temporalImage } from '#tests/support/stackImages.ts';
import { startTcpProxy } from '#tests/support/tcpProxy.ts';

const COMPONENTS = ['api', 'orchestration', 'runtime', 'watch'];

/** A ready pod of the api. */
export interface ApiPod {
  name: string;
  host: string;
}

/** How a run of the reaper ended, and what it did when it ended well. */
export type ReaperRun = z.infer<typeof ReaperRunSchema>;

const ReaperRunSchema = z.object({
  status: z.string(),
  result: z.object({ removed: z.number(), alarm: z.string().nullable() }).nullish(),
});

/** Berth on the cluster, installed by its own manifests from images of this repository. */
export interface DeployedBerth {
  /** The address of a proxy on loopback in front of the api's pods. */
  url: string;
  /** The pods of the api that are ready and not ending. */
  apiPods(): Promise<ApiPod[]>;
  /** Sends connections to these pods from now on; those that are open stay. */
  aim(pods: ApiPod[]): void;
  /**
   * Kills the api in the pod at once, without a word to anybody, and then the pod, so that it never comes back; new
   * connections go to those that are left, as a Service would have it.
   */
  kill(pod: ApiPod): Promise<void>;
  /** What each run of the reaper that has ended came to, the youngest first. */
  reaperRuns(): Promise<ReaperRun[]>;
  /** What a person would look at when something does not come up: pods, events, the ends of logs. */
  troubles(): Promise<string>;
  remove(): Promise<void>;
}

/** Builds the images, applies the overlay of a small cluster and waits until everything is ready. */
export async function deployBerth(): Promise<DeployedBerth> {
  const proxy = await startTcpProxy();
  const url = `http://127.0.0.1:${String(proxy.port)}`;
  try {
    await apply(url);
  } catch (error) {
    await proxy.close();
    throw error;
  }
  const aim = (pods: ApiPod[]): void => proxy.aim(pods.map(({ host }) => ({ host, port: 4600 })));
  return {
    url,
    apiPods,
    aim,
    async kill(pod) {
      await killApiPod(pod.name);
      aim((await apiPods()).filter(({ name }) => name !== pod.name));
    },
    reaperRuns,
    troubles,
    async remove() {
      await uninstall();
      await proxy.close();
    },
  };
}

async function apply(url: string): Promise<void> {
  // Not side by side: a build takes all of a small machine.
  const workspace = await workspaceImage();
  const images = {
    berth: await serverImage(),
    postgres: await postgresImage(),
    'temporalio/temporal': await temporalImage(),
  };
  const password = randomBytes(24).toString('hex');
  await install({
    folder: 'overlays/kind',
    images,
    settings: { BERTH_PUBLIC_URL: url, BERTH_WORKSPACE_IMAGE: workspace, BERTH_WARM_POOL_SIZE: '1' },
    // What the other processes are told, this one finds out: it is inside of the cluster.
    ownSettings: { 'berth-api': { BERTH_AGENT_ROUTE: 'auto' } },
    secrets: {
      'berth-postgres': { POSTGRES_PASSWORD: password },
      berth: {
        BERTH_SECRET: randomBytes(32).toString('hex'),
        DATABASE_URL: `postgres://berth:${password}@postgres:5432/berth`,
      },
    },
  });
  const rollouts = [
    'statefulset/postgres',
    'statefulset/temporal',
    ...COMPONENTS.map((one) => `deployment/berth-${one}`),
  ];
  for (const rollout of rollouts) {
    await kubectl(['-n', 'berth', 'rollout', 'status', rollout, '--timeout=300s']).catch(async (error: unknown) => {
      throw new Error(`${rollout} is not ready:\n${await troubles()}`, { cause: error });
    });
  }
}

async function killApiPod(name: string): Promise<void> {
  const kill = 'kill -9 $(cat /proc/1/task/1/children)';
  await kubectl(['-n', 'berth', 'exec', name, '-c', 'api', '--', 'sh', '-c', kill]);
  await kubectl(['-n', 'berth', 'delete', 'pod', name, '--grace-period=0', '--force', '--wait=false']);
}

interface Pods {
  items: {
    metadata: { name: string; deletionTimestamp?: string };
    status: { podIP?: string; conditions?: { type: string; status: string }[] };
  }[];
}

async function apiPods(): Promise<ApiPod[]> {
  const selector = 'app.kubernetes.io/name=berth,app.kubernetes.io/component=api';
  const { items } = JSON.parse(await kubectl(['-n', 'berth', 'get', 'pods', '-l', selector, '-o', 'json'])) as Pods;
  return items
    .filter(({ metadata, status }) => {
      const ready = status.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True');
      return ready === true && metadata.deletionTimestamp === undefined;
    })
    .map(({ metadata, status }) => ({ name: metadata.name, host: status.podIP ?? '' }));
}

const WorkflowsSchema = z.array(z.object({ execution: z.object({ workflowId: z.string(), runId: z.string() }) }));

async function reaperRuns(): Promise<ReaperRun[]> {
  const temporal = async (...args: string[]): Promise<unknown> =>
    JSON.parse(await kubectl(['-n', 'berth', 'exec', 'temporal-0', '--', 'temporal', ...args, '-o', 'json']));
  const query = `WorkflowType = 'reap' AND ExecutionStatus != 'Running'`;
  const ended = WorkflowsSchema.parse(await temporal('workflow', 'list', '--query', query));
  const results = ended.map(({ execution: { workflowId, runId } }) =>
    temporal('workflow', 'result', '-w', workflowId, '-r', runId),
  );
  return z.array(ReaperRunSchema).parse(await Promise.all(results));
}

async function troubles(): Promise<string> {
  const look = (...args: string[]): Promise<string> => kubectl(['-n', 'berth', ...args]).catch(String);
  const logs = COMPONENTS.map((component) =>
    look('logs', '-l', `app.kubernetes.io/component=${component}`, '--all-containers', '--prefix', '--tail=15'),
  );
  const told = [look('get', 'pods', '-o', 'wide'), look('get', 'events', '--sort-by=.lastTimestamp'), ...logs];
  return (await Promise.all(told)).join('\n');
}
