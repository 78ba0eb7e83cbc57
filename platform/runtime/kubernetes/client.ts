import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import {
  CoreV1Api,
  KubeConfig,
  Observable,
  Watch,
  type ConfigurationOptions,
  type ObservableMiddleware,
  type RequestContext,
  type ResponseContext,
  type V1PersistentVolumeClaim,
  type V1Pod,
  type V1Secret,
} from '@kubernetes/client-node';
import { WebSocket, type ClientOptions } from 'ws';
import { ConfigError } from '#platform/config/config.ts';
import { reuseConnections } from '#platform/runtime/kubernetes/connections.ts';
import { KubernetesError, saysNotFound, toKubernetesError } from '#platform/runtime/kubernetes/kubernetesError.ts';
import { createRequestGate } from '#platform/runtime/kubernetes/requestGate.ts';
import { followPods, WATCH_STALLS_MS, type PodWatch } from '#platform/runtime/kubernetes/podWatch.ts';

/** No request has a time-out of its own in the library: without these one that hangs would hang for five minutes. */
const READ_MS = 6_000;
const CHANGE_MS = 10_000;
/** Shorter than the steps that list: they must be told that nothing came. */
const LIST_MS = 10_000;
const OPEN_SOCKET_MS = 5_000;
const PAGE_SIZE = 500;
const LARGEST_FRAME = 4 * 1024 * 1024;
const SERVICE_ACCOUNT_TOKEN = '/var/run/secrets/kubernetes.io/serviceaccount/token';

/** A list and the point in time that a watch goes on from. */
export interface KubernetesList<T> {
  items: T[];
  resourceVersion: string;
}

/** The part of the Kubernetes API that Berth uses, in one namespace. Every method rejects with a KubernetesError. */
export interface KubernetesClient {
  /** True when this process runs in the cluster that it talks to. */
  readonly inCluster: boolean;
  /** Null only when the API server itself says that there is no such object. */
  readPod(name: string): Promise<V1Pod | null>;
  readClaim(name: string): Promise<V1PersistentVolumeClaim | null>;
  createPod(pod: V1Pod): Promise<V1Pod>;
  createClaim(claim: V1PersistentVolumeClaim): Promise<V1PersistentVolumeClaim>;
  createSecret(secret: V1Secret): Promise<void>;
  /** Asks for the end of the object with that uid; it is there until a read says otherwise. `force` waits for no node. */
  deletePod(name: string, uid: string, how?: { force?: boolean }): Promise<void>;
  deleteClaim(name: string, uid: string): Promise<void>;
  deleteSecret(name: string): Promise<void>;
  /** All pages. */
  listPods(selector: string): Promise<KubernetesList<V1Pod>>;
  listClaims(selector: string): Promise<KubernetesList<V1PersistentVolumeClaim>>;
  /** Resolves when the server ends the watch; rejects when it fails or brings nothing at all for too long. */
  watchPods(watch: PodWatch): Promise<void>;
  /** A WebSocket to a port of a pod, still connecting. */
  openPortForward(pod: string, port: number): Promise<WebSocket>;
  /** Ends all connections. */
  close(): Promise<void>;
}

/** A client for the cluster that this process runs in, or that KUBECONFIG names. Throws a ConfigError when there is none. */
export function createKubernetesClient(namespace: string): KubernetesClient {
  const { config, inCluster } = loadKubeConfig();
  const connections = reuseConnections(config);
  const api = config.makeApiClient(CoreV1Api);
  const gate = createRequestGate();

  /** One read of a named object; a 404 counts only when it is about this very object. */
  async function read<T extends Named>(kind: string, name: string, request: () => Promise<T>): Promise<T | null> {
    try {
      const object = await gate.read(() => named(request, `read ${kind} ${name}`));
      if (object.metadata?.name === name && object.metadata.uid !== undefined) return object;
    } catch (error) {
      if (saysNotFound(error, { kind, name })) return null;
      throw error;
    }
    throw new KubernetesError(`read ${kind} ${name}: the answer is another object`);
  }

  async function remove(kind: string, name: string, request: () => Promise<unknown>): Promise<void> {
    try {
      await gate.change(() => named(request, `delete ${kind} ${name}`));
    } catch (error) {
      if (!saysNotFound(error, { kind, name })) throw error;
    }
  }

  function create<T>(what: string, request: () => Promise<T>): Promise<T> {
    return gate.change(() => named(request, `create ${what}`));
  }

  async function list<T>(what: string, page: (from?: string) => Promise<ListPage<T>>): Promise<KubernetesList<T>> {
    const items: T[] = [];
    for (let from: string | undefined; ;) {
      const answer = await gate.read(() => named(() => page(from), `list ${what}`));
      // Something else than a list has no items; taking it for an empty one would make sessions look gone.
      if (!Array.isArray(answer.items) || answer.metadata?.resourceVersion === undefined) {
        throw new KubernetesError(`list ${what}: the answer is no list`);
      }
      items.push(...answer.items);
      from = answer.metadata._continue;
      if (from === undefined || from === '') return { items, resourceVersion: answer.metadata.resourceVersion };
    }
  }

  return {
    inCluster,
    readPod: (name) => read('pods', name, () => api.readNamespacedPod({ name, namespace }, within(READ_MS))),
    readClaim: (name) =>
      read('persistentvolumeclaims', name, () =>
        api.readNamespacedPersistentVolumeClaim({ name, namespace }, within(READ_MS)),
      ),
    createPod: (body) => create('pod', () => api.createNamespacedPod({ namespace, body }, within(CHANGE_MS))),
    createClaim: (body) =>
      create('claim', () => api.createNamespacedPersistentVolumeClaim({ namespace, body }, within(CHANGE_MS))),
    async createSecret(body) {
      await create('secret', () => api.createNamespacedSecret({ namespace, body }, within(CHANGE_MS)));
    },
    deletePod: (name, uid, { force = false } = {}) =>
      remove('pods', name, () =>
        api.deleteNamespacedPod(
          { name, namespace, body: { preconditions: { uid }, ...(force ? { gracePeriodSeconds: 0 } : {}) } },
          within(CHANGE_MS),
        ),
      ),
    deleteClaim: (name, uid) =>
      remove('persistentvolumeclaims', name, () =>
        api.deleteNamespacedPersistentVolumeClaim(
          { name, namespace, body: { preconditions: { uid } } },
          within(CHANGE_MS),
        ),
      ),
    deleteSecret: (name) =>
      remove('secrets', name, () => api.deleteNamespacedSecret({ name, namespace }, within(CHANGE_MS))),
    listPods: (labelSelector) =>
      list('pods', (_continue) =>
        api.listNamespacedPod({ namespace, labelSelector, limit: PAGE_SIZE, _continue }, within(LIST_MS)),
      ),
    listClaims: (labelSelector) =>
      list('claims', (_continue) =>
        api.listNamespacedPersistentVolumeClaim(
          { namespace, labelSelector, limit: PAGE_SIZE, _continue },
          within(LIST_MS),
        ),
      ),
    watchPods(podWatch) {
      const watch = new Watch(config);
      // Its only knob, by mistake private in the typings.
      (watch as unknown as { requestTimeoutMs: number }).requestTimeoutMs = WATCH_STALLS_MS;
      return followPods(watch, namespace, podWatch);
    },
    async openPortForward(pod, port) {
      const options: ClientOptions = {
        handshakeTimeout: OPEN_SOCKET_MS,
        maxPayload: LARGEST_FRAME,
        perMessageDeflate: false,
      };
      await config.applyToHTTPSOptions(options as Parameters<KubeConfig['applyToHTTPSOptions']>[0]);
      const server = config.getCurrentCluster()?.server.replace(/^http/, 'ws').replace(/\/$/, '') ?? '';
      const address = `${server}/api/v1/namespaces/${namespace}/pods/${pod}/portforward?ports=${port}`;
      return new WebSocket(address, ['v4.channel.k8s.io'], options);
    },
    close: () => connections.close(),
  };
}

interface Named {
  metadata?: { name?: string; uid?: string };
}

interface ListPage<T> {
  items: T[];
  metadata?: { resourceVersion?: string; _continue?: string };
}

async function named<T>(request: () => Promise<T>, what: string): Promise<T> {
  try {
    return await request();
  } catch (error) {
    throw toKubernetesError(error, what);
  }
}

/** An explicit KUBECONFIG says which cluster is meant, also inside another one. */
function loadKubeConfig(): { config: KubeConfig; inCluster: boolean } {
  const config = new KubeConfig();
  const file = process.env['KUBECONFIG'] ?? '';
  const inCluster = file === '' && 'KUBERNETES_SERVICE_HOST' in process.env && existsSync(SERVICE_ACCOUNT_TOKEN);
  try {
    if (inCluster) config.loadFromCluster();
    else if (file !== '') config.loadFromFile(file);
    else config.loadFromFile(path.join(homedir(), '.kube', 'config'));
    if (config.getCurrentCluster() === null) throw new Error('it names no current cluster');
  } catch (error) {
    throw new ConfigError([
      `BERTH_RUNTIME: got "kubernetes", but there is no cluster to use: ${error instanceof Error ? error.message : String(error)}. Set KUBECONFIG to the file of a cluster`,
    ]);
  }
  return { config, inCluster };
}

/** A middleware whose `pre` returns a promise fails in the library: it has to be an observable of its own kind. */
function within(milliseconds: number): ConfigurationOptions<ObservableMiddleware> {
  const limit: ObservableMiddleware = {
    pre(context: RequestContext) {
      context.setSignal(AbortSignal.timeout(milliseconds));
      return new Observable(Promise.resolve(context));
    },
    post: (context: ResponseContext) => new Observable(Promise.resolve(context)),
  };
  return { middleware: [limit], middlewareMergeStrategy: 'append' };
}
