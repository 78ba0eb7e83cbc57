import { loadConfig, type Config } from '#platform/config/config.ts';
import { installationSelector, readOwnLabels } from '#platform/runtime/kubernetes/labels.ts';
import { buildClaim, buildPod, buildSecret } from '#platform/runtime/kubernetes/objects.ts';

const UUID = '8d9d2f62-5f25-4f0e-a9cb-0d6a1f1e7a10';
const INSTALLATION = '2f0a4d3e-95a9-4a1c-8a63-0d2c6f3d1b55';
const SPEC = { uuid: UUID, generation: 4, volumeId: 11, claimUid: 'the-claim', language: 'python' };

function config(settings: Record<string, string> = {}): Config {
  return loadConfig({
    BERTH_SECRET: 'a secret of more than thirty-two characters',
    DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none',
    BERTH_KUBERNETES_NAMESPACE: 'sessions',
    ...settings,
  });
}

const pod = (settings?: Record<string, string>) =>
  buildPod(config(settings), { installation: INSTALLATION, spec: SPEC });

describe('the pod of a session', () => {
  it('has the names and labels that everything else finds it by', () => {
    expect(pod().metadata).toEqual({
      name: `exec-${UUID}`,
      namespace: 'sessions',
      labels: {
        'app.kubernetes.io/name': 'berth-session',
        'app.kubernetes.io/managed-by': 'berth',
        'berth.dev/installation': INSTALLATION,
        'berth.dev/session': UUID,
        'berth.dev/generation': '4',
        'berth.dev/volume': '11',
      },
    });
    expect(readOwnLabels(pod().metadata)).toEqual({
      installation: INSTALLATION,
      uuid: UUID,
      generation: 4,
      volumeId: 11,
    });
    expect(installationSelector(INSTALLATION)).toBe(
      `app.kubernetes.io/managed-by=berth,berth.dev/installation=${INSTALLATION}`,
    );
  });

  it('meets every rule of PodSecurity restricted, and has no right at the cluster', () => {
    const { spec } = pod();
    expect(spec).toMatchObject({
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      shareProcessNamespace: false,
      securityContext: {
        runAsNonRoot: true,
        runAsUser: 1000,
        runAsGroup: 1000,
        fsGroup: 1000,
        seccompProfile: { type: 'RuntimeDefault' },
      },
    });
    expect(spec?.containers).toHaveLength(1);
    expect(spec?.containers[0]?.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
    for (const shared of ['hostNetwork', 'hostPID', 'hostIPC', 'serviceAccountName', 'initContainers']) {
      expect(spec).not.toHaveProperty(shared);
    }
    expect(spec?.containers[0]?.ports).toEqual([{ name: 'agent', containerPort: 7070, protocol: 'TCP' }]);
  });

  it('can write to its volume and to two bounded places only, and reads its key from a file', () => {
    const { containers, volumes } = pod().spec ?? { containers: [] };
    expect(containers[0]?.volumeMounts).toEqual([
      { name: 'workspace', mountPath: '/app/workspace' },
      { name: 'tmp', mountPath: '/tmp' },
      { name: 'home', mountPath: '/home/node' },
      { name: 'key', mountPath: '/run/berth', readOnly: true },
    ]);
    expect(volumes).toEqual([
      { name: 'workspace', persistentVolumeClaim: { claimName: `workspace-${UUID}` } },
      { name: 'tmp', emptyDir: { sizeLimit: '1Gi' } },
      { name: 'home', emptyDir: { sizeLimit: '1Gi' } },
      { name: 'key', secret: { secretName: `agent-${UUID}-4`, defaultMode: 0o440 } },
    ]);
    const environment = Object.fromEntries((containers[0]?.env ?? []).map(({ name, value }) => [name, value]));
    expect(environment).toMatchObject({
      BERTH_AGENT_PORT: '7070',
      BERTH_AGENT_KEY_FILE: '/run/berth/key',
      BERTH_AGENT_ROOT: '/app/workspace',
      BERTH_AGENT_HOME: '/home/node',
      BERTH_AGENT_GENERATION: '4',
      BERTH_AGENT_VOLUME_ID: '11',
      BERTH_AGENT_OWNS_PROCESSES: 'true',
      MAX_FILE_BYTES: '10485760',
    });
    expect(containers[0]).not.toHaveProperty('args');
    expect(containers[0]).not.toHaveProperty('command');
    expect(JSON.stringify(pod())).not.toContain('a secret of more than thirty-two characters');
  });

  it('is limited, reserves little, is started again for ever and ends quickly', () => {
    expect(pod().spec?.containers[0]?.resources).toEqual({
      limits: { cpu: '2', memory: '512Mi', 'ephemeral-storage': '1Gi' },
      requests: { cpu: '20m', memory: '96Mi', 'ephemeral-storage': '256Mi' },
    });
    expect(pod().spec).toMatchObject({ restartPolicy: 'Always', terminationGracePeriodSeconds: 5 });
    expect(pod().spec).not.toHaveProperty('activeDeadlineSeconds');
  });

  it('stays on a node that is away: nothing but a person gives it up', () => {
    expect(pod().spec?.tolerations).toEqual([
      { key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute' },
      { key: 'node.kubernetes.io/unreachable', operator: 'Exists', effect: 'NoExecute' },
    ]);
  });

  it('takes what differs between clusters from the settings', () => {
    const plain = pod().spec;
    expect(plain?.containers[0]).toMatchObject({ image: 'berth-workspace:0.1.0', imagePullPolicy: 'IfNotPresent' });
    for (const optional of ['runtimeClassName', 'nodeSelector', 'hostUsers'])
      expect(plain).not.toHaveProperty(optional);
    const other = pod({
      BERTH_WORKSPACE_IMAGE: 'registry.example.org/workspace:7',
      BERTH_IMAGE_PULL_POLICY: 'Always',
      BERTH_RUNTIME_CLASS: 'gvisor',
      BERTH_NODE_SELECTOR: 'pool=sessions,disk=',
      BERTH_HOST_USERS: 'false',
      BERTH_POD_MEMORY_LIMIT: '2Gi',
      BERTH_POD_STORAGE_LIMIT: '3Gi',
    }).spec;
    expect(other).toMatchObject({
      runtimeClassName: 'gvisor',
      nodeSelector: { pool: 'sessions', disk: '' },
      hostUsers: false,
    });
    expect(other?.containers[0]).toMatchObject({
      image: 'registry.example.org/workspace:7',
      imagePullPolicy: 'Always',
      resources: { limits: { memory: '2Gi', 'ephemeral-storage': '3Gi' } },
    });
    expect(other?.volumes?.find(({ name }) => name === 'tmp')?.emptyDir).toEqual({ sizeLimit: '3Gi' });
  });
});

describe('the claim of a volume', () => {
  it('says whose it is, and leaves the storage class to the cluster unless it is set', () => {
    const owner = { installation: INSTALLATION, uuid: UUID, volumeId: 11 };
    const claim = buildClaim(config(), owner);
    expect(claim.metadata).toMatchObject({
      name: `workspace-${UUID}`,
      labels: { 'berth.dev/session': UUID, 'berth.dev/volume': '11', 'berth.dev/installation': INSTALLATION },
    });
    expect(claim.metadata?.labels).not.toHaveProperty('berth.dev/generation');
    expect(claim.spec).toEqual({ accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } });
    expect(buildClaim(config({ BERTH_STORAGE_CLASS: 'fast', BERTH_VOLUME_SIZE: '5Gi' }), owner).spec).toEqual({
      accessModes: ['ReadWriteOnce'],
      storageClassName: 'fast',
      resources: { requests: { storage: '5Gi' } },
    });
  });
});

describe('the secret of an agent', () => {
  it('holds the key of one generation, cannot be changed, and goes with the claim', () => {
    const key = Buffer.alloc(32, 7);
    const secret = buildSecret(config(), { installation: INSTALLATION, spec: SPEC, key });
    expect(secret).toMatchObject({
      metadata: {
        name: `agent-${UUID}-4`,
        labels: { 'berth.dev/session': UUID, 'berth.dev/generation': '4' },
        ownerReferences: [{ kind: 'PersistentVolumeClaim', name: `workspace-${UUID}`, uid: 'the-claim' }],
      },
      immutable: true,
    });
    expect(Buffer.from(secret.data?.['key'] ?? '', 'base64').toString()).toBe('07'.repeat(32));
  });
});

describe('the labels of an object', () => {
  it('are no labels of ours when one is missing, or a count is none', () => {
    const labels = pod().metadata?.labels ?? {};
    expect(readOwnLabels(undefined)).toBeNull();
    expect(readOwnLabels({ labels: {} })).toBeNull();
    for (const name of ['app.kubernetes.io/managed-by', 'berth.dev/installation', 'berth.dev/session']) {
      expect(readOwnLabels({ labels: { ...labels, [name]: undefined as unknown as string } })).toBeNull();
    }
    expect(
      readOwnLabels({ labels: { ...labels, 'berth.dev/generation': '-1', 'berth.dev/volume': 'x' } }),
    ).toMatchObject({
      generation: null,
      volumeId: null,
    });
  });
});
