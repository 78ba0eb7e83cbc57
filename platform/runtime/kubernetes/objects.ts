import type { V1PersistentVolumeClaim, V1Pod, V1PodSpec, V1Secret } from '@kubernetes/client-node';
import { agentSecretName, podName, volumeName } from '#shared/domain/podNames.ts';
import type { Config } from '#platform/config/config.ts';
import { ownLabels } from '#platform/runtime/kubernetes/labels.ts';
import type { PodSpec } from '#platform/runtime/Runtime.ts';

/** The port that an agent listens on in its pod. */
export const AGENT_PORT = 7070;
/** The name of the one container of a session's pod. */
export const CONTAINER_NAME = 'workspace';
const WORKSPACE_MOUNT = '/app/workspace';
const HOME_MOUNT = '/home/node';
const KEY_MOUNT = '/run/berth';
const KEY_FILE = 'key';
/** The user `node` of the image. */
const SESSION_USER = 1_000;

/** The claim of a session's volume. */
export function buildClaim(
  config: Config,
  owner: { installation: string; uuid: string; volumeId: number },
): V1PersistentVolumeClaim {
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: {
      name: volumeName(owner.uuid),
      namespace: config.BERTH_KUBERNETES_NAMESPACE,
      labels: ownLabels(owner),
    },
    spec: {
      accessModes: ['ReadWriteOnce'],
      ...(config.BERTH_STORAGE_CLASS === '' ? {} : { storageClassName: config.BERTH_STORAGE_CLASS }),
      resources: { requests: { storage: config.BERTH_VOLUME_SIZE } },
    },
  };
}

/** The secret with the key of one generation's agent. It goes with the claim, should nobody remove it before. */
export function buildSecret(config: Config, owner: { installation: string; spec: PodSpec; key: Buffer }): V1Secret {
  const { installation, spec, key } = owner;
  const { uuid, generation, claimUid } = spec;
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      name: agentSecretName(uuid, generation),
      namespace: config.BERTH_KUBERNETES_NAMESPACE,
      labels: ownLabels({ installation, uuid, generation }),
      ownerReferences: [{ apiVersion: 'v1', kind: 'PersistentVolumeClaim', name: volumeName(uuid), uid: claimUid }],
    },
    type: 'Opaque',
    immutable: true,
    data: { [KEY_FILE]: Buffer.from(key.toString('hex')).toString('base64') },
  };
}

/** The pod of one generation of a session. It meets PodSecurity `restricted`. */
export function buildPod(config: Config, { installation, spec }: { installation: string; spec: PodSpec }): V1Pod {
  const { uuid, generation, volumeId } = spec;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: podName(uuid),
      namespace: config.BERTH_KUBERNETES_NAMESPACE,
      labels: ownLabels({ installation, uuid, generation, volumeId }),
    },
    spec: { ...placement(config), ...confinement(), ...contents(config, spec) },
  };
}

function placement(config: Config): Partial<V1PodSpec> {
  return {
    ...(config.BERTH_RUNTIME_CLASS === '' ? {} : { runtimeClassName: config.BERTH_RUNTIME_CLASS }),
    ...(config.BERTH_NODE_SELECTOR === '' ? {} : { nodeSelector: readSelector(config.BERTH_NODE_SELECTOR) }),
    ...(config.BERTH_HOST_USERS ? {} : { hostUsers: false }),
    // A node that is away for a while keeps its sessions: only a person gives up what runs there.
    tolerations: ['not-ready', 'unreachable'].map((state) => ({
      key: `node.kubernetes.io/${state}`,
      operator: 'Exists',
      effect: 'NoExecute',
    })),
  };
}

function confinement(): Partial<V1PodSpec> {
  return {
    restartPolicy: 'Always',
    terminationGracePeriodSeconds: 5,
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    shareProcessNamespace: false,
    // Sessions have no business with the cluster's own names.
    dnsPolicy: 'Default',
    securityContext: {
      runAsNonRoot: true,
      runAsUser: SESSION_USER,
      runAsGroup: SESSION_USER,
      fsGroup: SESSION_USER,
      // Without it every start would walk the whole volume.
      fsGroupChangePolicy: 'OnRootMismatch',
      seccompProfile: { type: 'RuntimeDefault' },
    },
  };
}

function contents(config: Config, spec: PodSpec): Pick<V1PodSpec, 'containers' | 'volumes'> {
  const sizeLimit = config.BERTH_POD_STORAGE_LIMIT;
  return {
    containers: [
      {
        name: CONTAINER_NAME,
        image: config.BERTH_WORKSPACE_IMAGE,
        imagePullPolicy: config.BERTH_IMAGE_PULL_POLICY,
        env: agentEnvironment(config, spec),
        ports: [{ name: 'agent', containerPort: AGENT_PORT, protocol: 'TCP' }],
        resources: resources(config),
        // A file of the node's own disk, writable for everybody and counted by nobody: it lies where only root can go.
        terminationMessagePath: '/opt/berth/closed/termination-log',
        terminationMessagePolicy: 'FallbackToLogsOnError',
        securityContext: {
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        },
        volumeMounts: [
          { name: 'workspace', mountPath: WORKSPACE_MOUNT },
          { name: 'tmp', mountPath: '/tmp' },
          { name: 'home', mountPath: HOME_MOUNT },
          { name: 'key', mountPath: KEY_MOUNT, readOnly: true },
        ],
      },
    ],
    volumes: [
      { name: 'workspace', persistentVolumeClaim: { claimName: volumeName(spec.uuid) } },
      { name: 'tmp', emptyDir: { sizeLimit } },
      { name: 'home', emptyDir: { sizeLimit } },
      // Readable by the pod's group, which fsGroup makes the owner of the file.
      { name: 'key', secret: { secretName: agentSecretName(spec.uuid, spec.generation), defaultMode: 0o440 } },
    ],
  };
}

function resources(config: Config): { limits: Record<string, string>; requests: Record<string, string> } {
  return {
    limits: {
      cpu: config.BERTH_POD_CPU_LIMIT,
      memory: config.BERTH_POD_MEMORY_LIMIT,
      'ephemeral-storage': config.BERTH_POD_STORAGE_LIMIT,
    },
    requests: {
      cpu: config.BERTH_POD_CPU_REQUEST,
      memory: config.BERTH_POD_MEMORY_REQUEST,
      'ephemeral-storage': config.BERTH_POD_STORAGE_REQUEST,
    },
  };
}

/** Nothing secret: whoever may read pods may read this. */
function agentEnvironment(config: Config, spec: PodSpec): { name: string; value: string }[] {
  return Object.entries({
    BERTH_AGENT_PORT: AGENT_PORT,
    BERTH_AGENT_KEY_FILE: `${KEY_MOUNT}/${KEY_FILE}`,
    BERTH_AGENT_ROOT: WORKSPACE_MOUNT,
    BERTH_AGENT_HOME: HOME_MOUNT,
    BERTH_AGENT_GENERATION: spec.generation,
    BERTH_AGENT_VOLUME_ID: spec.volumeId,
    BERTH_AGENT_OWNS_PROCESSES: true,
    MAX_FILE_BYTES: config.MAX_FILE_BYTES,
    MAX_SESSION_BYTES: config.MAX_SESSION_BYTES,
    MAX_SESSION_ITEMS: config.MAX_SESSION_ITEMS,
  }).map(([name, value]) => ({ name, value: String(value) }));
}

function readSelector(text: string): Record<string, string> {
  return Object.fromEntries(
    text.split(',').map((pair) => {
      const at = pair.indexOf('=');
      return [pair.slice(0, at), pair.slice(at + 1)];
    }),
  );
}
