import type { V1Container, V1Pod, V1PodSpec } from '@kubernetes/client-node';
import { loadConfig } from '#platform/config/config.ts';
import { buildClaim, buildPod } from '#platform/runtime/kubernetes/objects.ts';
import { install, uninstall } from '#tests/support/installation.ts';
import { kubectl } from '#tests/support/kubectl.ts';
import { waitFor } from '#tests/support/waitFor.ts';

const MINUTE = 60_000;
const UUID = '8d9d2f62-5f25-4f0e-a9cb-0d6a1f1e7a10';
const OTHER = '11111111-2222-4333-8444-555555555555';
const OWNER = { installation: '2f0a4d3e-95a9-4a1c-8a63-0d2c6f3d1b55', uuid: UUID };

const config = loadConfig({
  BERTH_SECRET: 'x'.repeat(64),
  DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none',
  BERTH_KUBERNETES_NAMESPACE: 'berth-sessions',
});

/** A pod of our shape, made by what makes them, with one thing changed. */
function pod(change: (pod: Required<Pick<V1Pod, 'metadata' | 'spec'>> & V1Pod, spec: V1PodSpec) => void): V1Pod {
  const made = buildPod(config, {
    installation: OWNER.installation,
    spec: { uuid: UUID, generation: 3, volumeId: 7, claimUid: '', language: 'python' },
  });
  const { metadata, spec } = made;
  if (metadata === undefined || spec === undefined) throw new Error('a pod without its parts');
  change({ ...made, metadata, spec }, spec);
  return made;
}

function container(change: (container: V1Container) => void): V1Pod {
  return pod((_pod, spec) => spec.containers.forEach(change));
}

/** What the API server says to it: nothing when it would let it in. */
async function refusal(object: object): Promise<string> {
  try {
    await kubectl(['create', '--dry-run=server', '-f', '-'], object);
    return '';
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

async function complaint(...args: string[]): Promise<string> {
  return kubectl(['--namespace', 'berth-sessions', ...args]).then(
    () => '',
    (error: unknown) => String(error),
  );
}

/** Shapes of pods that do not get in, and what the refusal says. */
const REFUSED: [string, () => V1Pod, RegExp][] = [
  ['another name', () => pod((one) => (one.metadata.name = 'busybox')), /named exec-/],
  ['a name that is no uuid', () => pod((one) => (one.metadata.name = 'exec-fractals')), /named exec-/],
  [
    'a generated name',
    () =>
      pod((one) => {
        delete one.metadata.name;
        one.metadata.generateName = 'exec-';
      }),
    /named exec-/,
  ],
  [
    "another session's label",
    () => pod((one) => (one.metadata.labels = { ...one.metadata.labels, 'berth.dev/session': OTHER })),
    /labels of its session/,
  ],
  ['no labels', () => pod((one) => delete one.metadata.labels), /labels of its session/],
  ['another image', () => container((one) => (one.image = 'docker.io/library/busybox:1.36')), /image here is/],
  ['the image under another tag', () => container((one) => (one.image = 'berth-workspace:latest')), /image here is/],
  [
    'a second container',
    () => pod((_one, spec) => spec.containers.push({ ...spec.containers[0], name: 'b' })),
    /one container/,
  ],
  [
    'a container that runs first',
    () => pod((_one, spec) => (spec.initContainers = [{ ...spec.containers[0], name: 'first' }])),
    /one container/,
  ],
  ['another program', () => container((one) => (one.command = ['sleep', '1000'])), /program of its image/],
  ['other arguments', () => container((one) => (one.args = ['--inspect'])), /program of its image/],
  [
    'a command when it starts',
    () => container((one) => (one.lifecycle = { postStart: { exec: { command: ['id'] } } })),
    /program of its image/,
  ],
  [
    'a probe that runs a command',
    () => container((one) => (one.livenessProbe = { exec: { command: ['id'] } })),
    /program of its image/,
  ],
  [
    "another session's volume",
    () =>
      pod((_one, spec) =>
        spec.volumes?.forEach((volume) => {
          if (volume.persistentVolumeClaim) volume.persistentVolumeClaim.claimName = `workspace-${OTHER}`;
        }),
      ),
    /session's own claim/,
  ],
  [
    "another agent's key",
    () =>
      pod((_one, spec) =>
        spec.volumes?.forEach((volume) => {
          if (volume.secret) volume.secret.secretName = `agent-${OTHER}-3`;
        }),
      ),
    /session's own claim/,
  ],
  [
    'the key of another generation',
    () =>
      pod((_one, spec) =>
        spec.volumes?.forEach((volume) => {
          if (volume.secret) volume.secret.secretName = `agent-${UUID}-4`;
        }),
      ),
    /session's own claim/,
  ],
  [
    'a folder without a bound',
    () => pod((_one, spec) => spec.volumes?.push({ name: 'more', emptyDir: {} })),
    /bounded empty folders/,
  ],
  [
    "a ConfigMap's contents",
    () => pod((_one, spec) => spec.volumes?.push({ name: 'more', configMap: { name: 'kube-root-ca.crt' } })),
    /session's own claim/,
  ],
  [
    'a projected token',
    () =>
      pod((_one, spec) =>
        spec.volumes?.push({ name: 'more', projected: { sources: [{ serviceAccountToken: { path: 'token' } }] } }),
      ),
    /session's own claim/,
  ],
  [
    "the host's files",
    () => pod((_one, spec) => spec.volumes?.push({ name: 'host', hostPath: { path: '/' } })),
    /session's own claim|PodSecurity/,
  ],
  [
    'a secret in its environment',
    () =>
      container((one) =>
        one.env?.push({ name: 'KEY', valueFrom: { secretKeyRef: { name: `agent-${UUID}-3`, key: 'key' } } }),
      ),
    /plain values/,
  ],
  [
    'all of a secret as its environment',
    () => container((one) => (one.envFrom = [{ secretRef: { name: `agent-${OTHER}-1` } }])),
    /plain values/,
  ],
  [
    'a volume over the programs of the image',
    () => container((one) => one.volumeMounts?.push({ name: 'tmp', mountPath: '/opt/berth' })),
    /mounted at/,
  ],
  ["the host's network", () => pod((_one, spec) => (spec.hostNetwork = true)), /of the host|PodSecurity/],
  ["the host's processes", () => pod((_one, spec) => (spec.hostPID = true)), /of the host|PodSecurity/],
  [
    'names of its own for addresses',
    () => pod((_one, spec) => (spec.hostAliases = [{ ip: '10.0.0.1', hostnames: ['api'] }])),
    /of the host/,
  ],
  [
    'a token of Kubernetes',
    () => pod((_one, spec) => (spec.automountServiceAccountToken = true)),
    /no token|session's own claim/,
  ],
  [
    'root',
    () => pod((_one, spec) => Object.assign(spec.securityContext ?? {}, { runAsUser: 0 })),
    /user 1000|PodSecurity/,
  ],
  [
    'a root that can be written',
    () => container((one) => Object.assign(one.securityContext ?? {}, { readOnlyRootFilesystem: false })),
    /read-only root/,
  ],
  [
    'a capability',
    () =>
      container((one) =>
        Object.assign(one.securityContext ?? {}, { capabilities: { drop: ['ALL'], add: ['NET_BIND_SERVICE'] } }),
      ),
    /read-only root/,
  ],
  ['a node of its choice', () => pod((_one, spec) => (spec.nodeName = 'node-1')), /scheduler chooses/],
  ['a deadline', () => pod((_one, spec) => (spec.activeDeadlineSeconds = 60)), /no deadline/],
  [
    'a runtime class that is not configured',
    () => pod((_one, spec) => (spec.runtimeClassName = 'other')),
    /runtime class|RuntimeClass/i,
  ],
  [
    'more memory than a session may have',
    () =>
      container((one) => (one.resources = { ...one.resources, limits: { ...one.resources?.limits, memory: '4Gi' } })),
    /maximum memory usage per Container is 512Mi/,
  ],
];

describe('the namespace of sessions on a cluster', () => {
  beforeAll(async () => {
    await install({ folder: 'base', wanted: (kind) => kind !== 'Deployment' });
    // A policy works some moments after it was stored.
    await waitFor(async () => /named exec-/.test(await refusal(pod((one) => (one.metadata.name = 'stranger')))), {
      deadlineMs: MINUTE,
      what: 'the policy to be enforced',
    });
  }, 5 * MINUTE);

  afterAll(uninstall, 4 * MINUTE);

  it('lets in a pod as the workers make it', async () => {
    expect(await refusal(pod(() => undefined))).toBe('');
    expect(await refusal(buildClaim(config, { ...OWNER, volumeId: 7 }))).toBe('');
  });

  it.each(REFUSED)('refuses a pod with %s', async (_name, make, reason) => {
    expect(await refusal(make())).toMatch(reason);
  });

  it('refuses what is not for sessions: services, deployments, volumes beyond their size', async () => {
    const metadata = { name: 'way-in', namespace: 'berth-sessions' };
    const service = { apiVersion: 'v1', kind: 'Service', metadata, spec: { ports: [{ port: 80 }] } };
    const claim = buildClaim({ ...config, BERTH_VOLUME_SIZE: '2Gi' }, { ...OWNER, volumeId: 7 });
    expect(await refusal(service)).toMatch(/exceeded quota/);
    expect(await refusal(claim)).toMatch(/maximum storage usage per PersistentVolumeClaim is 1Gi/);
  });

  it('keeps a pod as it was admitted, and lets nobody in, not even who may do everything', async () => {
    const name = `exec-${UUID}`;
    await kubectl(
      ['create', '-f', '-'],
      pod(() => undefined),
    );
    const image = `{"spec":{"containers":[{"name":"workspace","image":"docker.io/library/busybox:1.36"}]}}`;
    expect(await complaint('patch', 'pod', name, '-p', image)).toMatch(/keeps its image/);
    expect(await complaint('label', 'pod', name, '--overwrite', `berth.dev/session=${OTHER}`)).toMatch(
      /stay as they are/,
    );
    expect(await complaint('label', 'pod', name, 'team=blue')).toBe('');
    expect(await complaint('exec', name, '--', 'id')).toMatch(/nobody runs commands/);
    expect(await complaint('attach', name)).toMatch(/nobody runs commands/);
    expect(await complaint('debug', name, '--image=busybox:1.36', '--profile=restricted')).toMatch(
      /nobody runs commands/,
    );
    await kubectl(['--namespace', 'berth-sessions', 'delete', 'pod', name, '--grace-period=0', '--force']);
  });

  it(
    'gives each account its rights and no other, as the API server sees them',
    async () => {
      // What is behind a slash is a name to kubectl: parts of a resource are told by a flag.
      const may = async (
        account: string,
        verb: string,
        what: string,
        namespace = 'berth-sessions',
      ): Promise<boolean> => {
        const [resource = '', part] = what.split('/');
        const args = ['auth', 'can-i', verb, resource, ...(part === undefined ? [] : [`--subresource=${part}`])];
        const as = `--as=system:serviceaccount:berth:${account}`;
        return kubectl([...args, '--namespace', namespace, as]).then(
          (answer) => answer.trim() === 'yes',
          // `no` is told by the exit code too.
          () => false,
        );
      };
      expect(await may('berth-runtime', 'create', 'pods')).toBe(true);
      expect(await may('berth-runtime', 'create', 'secrets')).toBe(true);
      expect(await may('berth-runtime', 'get', 'secrets')).toBe(false);
      expect(await may('berth-api', 'list', 'pods')).toBe(true);
      expect(await may('berth-api', 'delete', 'pods')).toBe(false);
      expect(await may('berth-watch', 'create', 'pods')).toBe(false);
      expect(await may('berth-orchestration', 'get', 'pods')).toBe(false);
      for (const account of ['berth-api', 'berth-runtime', 'berth-watch', 'berth-orchestration']) {
        for (const what of ['pods/exec', 'pods/attach', 'pods/portforward', 'pods/ephemeralcontainers']) {
          expect([account, what, await may(account, 'create', what), await may(account, 'get', what)]).toEqual([
            account,
            what,
            false,
            false,
          ]);
        }
        expect(await may(account, 'list', 'pods', 'kube-system')).toBe(false);
        expect(await may(account, 'list', 'secrets', 'berth')).toBe(false);
      }
    },
    2 * MINUTE,
  );
});
