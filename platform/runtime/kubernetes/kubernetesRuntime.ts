import type { Duplex } from 'node:stream';
import type { V1ObjectMeta } from '@kubernetes/client-node';
import type { Logger } from 'pino';
import { podName } from '#shared/domain/podNames.ts';
import type { Config } from '#platform/config/config.ts';
import { createKubernetesClient, type KubernetesClient } from '#platform/runtime/kubernetes/client.ts';
import { connectPod, type AgentRoute } from '#platform/runtime/kubernetes/connectPod.ts';
import { KubernetesError } from '#platform/runtime/kubernetes/kubernetesError.ts';
import { installationSelector, readOwnLabels } from '#platform/runtime/kubernetes/labels.ts';
import { buildClaim, buildPod } from '#platform/runtime/kubernetes/objects.ts';
import { tellingOutage } from '#platform/runtime/kubernetes/outage.ts';
import { createPodInformer, type PodInformer } from '#platform/runtime/kubernetes/podInformer.ts';
import { createPods, type Pods } from '#platform/runtime/kubernetes/pods.ts';
import { describePod } from '#platform/runtime/kubernetes/podState.ts';
import { createVolumes, type Volumes } from '#platform/runtime/kubernetes/volumes.ts';
import type { PodSpec, PodState, Runtime, RuntimeObject } from '#platform/runtime/Runtime.ts';
import { specificationOf } from '#platform/runtime/specification.ts';

/** What the Kubernetes runtime is made from. */
export interface KubernetesRuntimeOptions {
  config: Config;
  log: Logger;
  installationId(): Promise<string>;
}

/** Sessions as pods, each with a claim as its volume. Throws a ConfigError when no cluster is configured. */
export function createKubernetesRuntime(options: KubernetesRuntimeOptions): Runtime {
  return new SessionPods(options, createKubernetesClient(options.config.BERTH_KUBERNETES_NAMESPACE));
}

class SessionPods implements Runtime {
  readonly warning = null;
  readonly specification: string;
  readonly #client: KubernetesClient;
  readonly #route: AgentRoute;
  readonly #volumes: Volumes;
  readonly #pods: Pods;
  readonly #informer: PodInformer;
  readonly #log: Logger;
  readonly #askInstallation: () => Promise<string>;
  #installation: string | null = null;

  constructor({ config, log, installationId }: KubernetesRuntimeOptions, client: KubernetesClient) {
    this.specification = specificationOf(config.BERTH_SECRET, specimen(config));
    this.#client = client;
    this.#route = chooseRoute(config, client);
    this.#volumes = createVolumes({ client, config });
    this.#log = log;
    this.#askInstallation = installationId;
    this.#informer = createPodInformer({ client, installationId: () => this.#installationId(), log });
    this.#pods = createPods({ client, informer: this.#informer, config });
  }

  async ensureVolume(uuid: string, volumeId: number): Promise<{ claimUid: string }> {
    const installation = await this.#installationId();
    return tellingOutage(() => this.#volumes.ensure({ installation, uuid, volumeId }));
  }

  async ensurePod(spec: PodSpec): Promise<{ podUid: string }> {
    const installation = await this.#installationId();
    return tellingOutage(() => this.#pods.ensure(installation, spec));
  }

  async status(uuid: string): Promise<PodState> {
    try {
      const pod = await this.#client.readPod(podName(uuid));
      if (pod === null) return { status: 'gone', cause: null, podUid: null };
      if (readOwnLabels(pod.metadata)?.installation === (await this.#installationId())) {
        return describePod(pod, Date.now());
      }
      return {
        status: 'unknown',
        cause: null,
        podUid: null,
        detail: `Pod ${podName(uuid)} is another installation's.`,
      };
    } catch (error) {
      if (!(error instanceof KubernetesError)) throw error;
      // Whatever the API server answers, no answer about the pod means that nothing is known.
      this.#log.warn({ err: error, session: uuid }, 'a pod could not be read');
      return { status: 'unknown', cause: null, podUid: null, detail: error.message };
    }
  }

  async connect(uuid: string, generation: number): Promise<Duplex> {
    const options = { client: this.#client, informer: this.#informer, route: this.#route };
    return connectPod(options, { installation: await this.#installationId(), uuid, generation });
  }

  async destroyPod(uuid: string, podUid?: string, how: { force?: boolean; upTo?: number } = {}): Promise<void> {
    const installation = await this.#installationId();
    const { force = false, upTo } = how;
    await tellingOutage(() => this.#pods.destroy(installation, { uuid, podUid, upTo, force }));
  }

  async destroyVolume(uuid: string, claimUid: string): Promise<void> {
    await tellingOutage(() => this.#volumes.destroy(uuid, claimUid));
  }

  async list(): ReturnType<Runtime['list']> {
    const selector = installationSelector(await this.#installationId());
    const [pods, claims] = await tellingOutage(() =>
      Promise.all([this.#client.listPods(selector), this.#client.listClaims(selector)]),
    );
    return { pods: toObjects(pods.items), volumes: toObjects(claims.items) };
  }

  watch(changed: (uuid: string) => void): () => void {
    return this.#informer.subscribe(changed);
  }

  async close(): Promise<void> {
    const informed = this.#informer.close();
    // Ends what the informer waits for.
    await this.#client.close();
    await informed;
  }

  async #installationId(): Promise<string> {
    return (this.#installation ??= await this.#askInstallation());
  }
}

function chooseRoute(config: Config, client: KubernetesClient): AgentRoute {
  if (config.BERTH_AGENT_ROUTE !== 'auto') return config.BERTH_AGENT_ROUTE;
  return client.inCluster ? 'pod-address' : 'port-forward';
}

/** What all pods have in common, as the pod and the claim of nobody. */
function specimen(config: Config): unknown {
  const nobody = { installation: '', uuid: '', volumeId: 0 };
  const spec = { ...nobody, generation: 0, claimUid: '', language: '' };
  return [buildPod(config, { installation: '', spec }), buildClaim(config, nobody)];
}

function toObjects(items: { metadata?: V1ObjectMeta }[]): RuntimeObject[] {
  return items.flatMap(({ metadata }) => {
    const labels = readOwnLabels(metadata);
    if (labels === null || metadata?.uid === undefined) return [];
    const madeAt = metadata.creationTimestamp === undefined ? Date.now() : metadata.creationTimestamp.getTime();
    // The API server's clock may be ahead of ours.
    const ageSeconds = Math.max(0, (Date.now() - madeAt) / 1_000);
    return [{ uuid: labels.uuid, uid: metadata.uid, generation: labels.generation, ageSeconds }];
  });
}
