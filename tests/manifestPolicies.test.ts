import { z } from 'zod';
import { loadConfig, type Config } from '#platform/config/config.ts';
import {
  environment,
  HAS_KUBECTL,
  named,
  ofKind,
  render,
  selects,
  workloads,
  type Manifest,
} from '#tests/support/manifests.ts';

/** kubectl is a large program; on a busy machine it takes its time to start. */
const PATIENCE_MS = 60_000;

const PeerSchema = z.object({
  namespaceSelector: z.object({ matchLabels: z.record(z.string(), z.string()) }).optional(),
  podSelector: z
    .object({
      matchLabels: z.record(z.string(), z.string()).optional(),
      matchExpressions: z
        .array(z.object({ key: z.string(), operator: z.string(), values: z.array(z.string()) }))
        .optional(),
    })
    .optional(),
  ipBlock: z.object({ cidr: z.string(), except: z.array(z.string()) }).optional(),
});
const PortsSchema = z.array(z.object({ protocol: z.string(), port: z.union([z.string(), z.number()]) })).optional();
const NetworkPolicySchema = z.object({
  podSelector: z.object({ matchLabels: z.record(z.string(), z.string()).optional() }),
  policyTypes: z.array(z.string()),
  ingress: z.array(z.object({ from: z.array(PeerSchema).optional(), ports: PortsSchema })).default([]),
  egress: z.array(z.object({ to: z.array(PeerSchema).optional(), ports: PortsSchema })).default([]),
});

const inNamespace = (manifests: Manifest[], namespace: string): Manifest[] =>
  manifests.filter(({ metadata }) => metadata.namespace === namespace);
const policies = (manifests: Manifest[], namespace: string) =>
  ofKind(inNamespace(manifests, namespace), 'NetworkPolicy').map(({ metadata, spec }) => ({
    name: metadata.name,
    ...NetworkPolicySchema.parse(spec),
  }));

/** The settings of the api as a manifest makes them. */
function apiConfig(manifests: Manifest[]): Config {
  const api = workloads(manifests).find(({ name }) => name === 'berth-api');
  const [container] = api?.template.spec.containers ?? [];
  if (!container) throw new Error('there is no api');
  const secrets = { BERTH_SECRET: 'x'.repeat(64), DATABASE_URL: 'postgres://berth:x@postgres/berth' };
  return loadConfig({ ...environment(manifests, container), ...secrets });
}

/** Bytes or cores of a quantity. */
function amount(quantity: string): number {
  const [, digits, unit = ''] = /^([\d.]+)(m|Mi|Gi)?$/.exec(quantity) ?? [];
  return Number(digits) * ({ m: 0.001, Mi: 2 ** 20, Gi: 2 ** 30 }[unit] ?? 1);
}

(HAS_KUBECTL ? describe : describe.skip)('the namespace of sessions', () => {
  let manifests: Manifest[];

  beforeAll(() => {
    manifests = render('base');
  }, PATIENCE_MS);

  it('lets nothing in or out but what is named', () => {
    const all = policies(manifests, 'berth-sessions');
    expect(all.map(({ name }) => name).sort()).toEqual(['control-plane-to-agents', 'default-deny']);
    const deny = all.find(({ name }) => name === 'default-deny');
    expect(deny).toMatchObject({ podSelector: {}, policyTypes: ['Ingress', 'Egress'], ingress: [], egress: [] });
  });

  it("lets the api and the workers that speak with agents reach the agent's port, and nobody else", () => {
    const ingress = policies(manifests, 'berth-sessions').flatMap((policy) => policy.ingress);
    expect(ingress).toHaveLength(1);
    expect(ingress[0]?.ports).toEqual([{ protocol: 'TCP', port: 7070 }]);
    expect(ingress[0]?.from).toHaveLength(1);
    const [peer] = ingress[0]?.from ?? [];
    expect(peer?.namespaceSelector?.matchLabels).toEqual({ 'kubernetes.io/metadata.name': 'berth' });
    const admitted = workloads(manifests).filter(({ template }) => {
      const { labels } = template.metadata;
      const { matchLabels = {}, matchExpressions = [] } = peer?.podSelector ?? {};
      return (
        selects(matchLabels, labels) &&
        matchExpressions.every(({ key, operator, values }) => operator === 'In' && values.includes(labels[key] ?? ''))
      );
    });
    expect(admitted.map(({ name }) => name).sort()).toEqual(['berth-api', 'berth-runtime', 'berth-watch']);
  });

  it('lets sessions reach nothing', () => {
    expect(policies(manifests, 'berth-sessions').flatMap((policy) => policy.egress)).toEqual([]);
  });

  it('bounds one session to what the configuration asks for, and all of them together', () => {
    const config = apiConfig(manifests);
    const LimitSchema = z.object({
      limits: z.array(
        z.object({
          type: z.string(),
          default: z.record(z.string(), z.string()).optional(),
          defaultRequest: z.record(z.string(), z.string()).optional(),
          max: z.record(z.string(), z.string()),
        }),
      ),
    });
    const { limits } = LimitSchema.parse(named(manifests, 'LimitRange', 'session').spec);
    const most = {
      cpu: config.BERTH_POD_CPU_LIMIT,
      memory: config.BERTH_POD_MEMORY_LIMIT,
      'ephemeral-storage': config.BERTH_POD_STORAGE_LIMIT,
    };
    expect(limits.find(({ type }) => type === 'Container')).toMatchObject({ max: most, default: most });
    expect(limits.find(({ type }) => type === 'PersistentVolumeClaim')?.max).toEqual({
      storage: config.BERTH_VOLUME_SIZE,
    });
    const { hard } = z
      .object({ hard: z.record(z.string(), z.string()) })
      .parse(named(manifests, 'ResourceQuota', 'sessions').spec);
    const pods = Number(hard['pods']);
    expect(amount(hard['requests.cpu'] ?? '')).toBeGreaterThanOrEqual(pods * amount(config.BERTH_POD_CPU_REQUEST));
    expect(amount(hard['requests.memory'] ?? '')).toBeGreaterThanOrEqual(
      pods * amount(config.BERTH_POD_MEMORY_REQUEST),
    );
    expect(amount(hard['limits.cpu'] ?? '')).toBeGreaterThanOrEqual(pods * amount(config.BERTH_POD_CPU_LIMIT));
    expect(amount(hard['limits.memory'] ?? '')).toBeGreaterThanOrEqual(pods * amount(config.BERTH_POD_MEMORY_LIMIT));
    expect(Number(hard['persistentvolumeclaims'])).toBeGreaterThan(pods);
    expect(Number(hard['count/secrets'])).toBeGreaterThan(pods);
    expect(hard['count/services']).toBe('0');
  });

  it('is watched over by policies that refuse, and refuse too when they cannot be asked', () => {
    const BindingSchema = z.object({
      policyName: z.string(),
      validationActions: z.array(z.string()),
      matchResources: z.object({ namespaceSelector: z.object({ matchLabels: z.record(z.string(), z.string()) }) }),
    });
    const bindings = ofKind(manifests, 'ValidatingAdmissionPolicyBinding').map(({ spec }) => BindingSchema.parse(spec));
    expect(bindings.map(({ policyName }) => policyName).sort()).toEqual(
      ofKind(manifests, 'ValidatingAdmissionPolicy')
        .map(({ metadata }) => metadata.name)
        .sort(),
    );
    for (const { validationActions, matchResources } of bindings) {
      expect(validationActions).toEqual(['Deny']);
      expect(matchResources.namespaceSelector.matchLabels).toEqual({ 'kubernetes.io/metadata.name': 'berth-sessions' });
    }
    for (const { spec } of ofKind(manifests, 'ValidatingAdmissionPolicy'))
      expect(spec).toMatchObject({ failurePolicy: 'Fail' });
  });
});

(HAS_KUBECTL ? describe : describe.skip)('the policy that watches over sessions', () => {
  it.each(['base', 'overlays/kind', 'overlays/production'])(
    'wants in %s what the workers use',
    (folder) => {
      const manifests = render(folder);
      const { BERTH_WORKSPACE_IMAGE, BERTH_RUNTIME_CLASS } = apiConfig(manifests);
      expect(named(manifests, 'Namespace', 'berth-sessions').metadata.annotations).toEqual({
        'berth.dev/workspace-image': BERTH_WORKSPACE_IMAGE,
        'berth.dev/runtime-class': BERTH_RUNTIME_CLASS,
      });
    },
    PATIENCE_MS,
  );
});

(HAS_KUBECTL ? describe : describe.skip)('the overlay for one small cluster', () => {
  it(
    'has the servers that its settings name, and opens them to Berth alone',
    () => {
      const manifests = render('overlays/kind');
      const { BERTH_PUBLIC_URL, TEMPORAL_ADDRESS } = apiConfig(manifests);
      expect(new URL(BERTH_PUBLIC_URL).hostname).toBe('localhost');
      expect(named(manifests, 'Service', 'temporal').spec).toMatchObject({
        ports: expect.arrayContaining([expect.objectContaining({ port: Number(TEMPORAL_ADDRESS.split(':')[1]) })]),
      });
      expect(named(manifests, 'Service', 'postgres').spec).toMatchObject({ ports: [{ port: 5432 }] });
      const inside = policies(manifests, 'berth').filter(({ name }) => name.startsWith('berth-to-'));
      expect(inside.map(({ ingress }) => ingress[0]?.from)).toEqual(
        Array(2).fill([{ podSelector: { matchLabels: { 'app.kubernetes.io/name': 'berth' } } }]),
      );
    },
    PATIENCE_MS,
  );
});

(HAS_KUBECTL ? describe : describe.skip)('the overlay for production', () => {
  let manifests: Manifest[];

  beforeAll(() => {
    manifests = render('overlays/production');
  }, PATIENCE_MS);

  it('grows the api from 2 to as many as the api is told, and fixes no number of its own', () => {
    const { spec } = named(manifests, 'HorizontalPodAutoscaler', 'berth-api');
    expect(spec).toMatchObject({
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'berth-api' },
      minReplicas: 2,
      maxReplicas: apiConfig(manifests).API_MAX_REPLICAS,
    });
    expect(apiConfig(manifests).API_MAX_REPLICAS).toBe(10);
    expect(workloads(manifests).find(({ name }) => name === 'berth-api')?.replicas).toBeUndefined();
  });

  it('grows the api by its processor alone, for memory that a process took once it rarely gives back', () => {
    const { metrics } = z
      .object({ metrics: z.array(z.object({ type: z.string(), resource: z.object({ name: z.string() }) })) })
      .parse(named(manifests, 'HorizontalPodAutoscaler', 'berth-api').spec);
    expect(metrics.map(({ type, resource }) => [type, resource.name])).toEqual([['Resource', 'cpu']]);
  });

  it('runs every process twice at least, spread over machines, and lets one of each be moved at a time', () => {
    const BudgetSchema = z.object({
      maxUnavailable: z.number(),
      selector: z.object({ matchLabels: z.record(z.string(), z.string()) }),
    });
    const budgets = ofKind(manifests, 'PodDisruptionBudget').map(({ spec }) => BudgetSchema.parse(spec));
    for (const { name, replicas = 2, template } of workloads(manifests)) {
      expect([name, replicas >= 2]).toEqual([name, true]);
      const mine = budgets.filter(({ selector }) => selects(selector.matchLabels, template.metadata.labels));
      expect(mine.map(({ maxUnavailable }) => maxUnavailable)).toEqual([1]);
      expect(template.spec.topologySpreadConstraints[0]).toMatchObject({
        topologyKey: 'kubernetes.io/hostname',
        labelSelector: {
          matchLabels: template.metadata.labels['app.kubernetes.io/component'] ? expect.anything() : {},
        },
      });
      const { labelSelector } = z
        .object({ labelSelector: z.object({ matchLabels: z.record(z.string(), z.string()) }) })
        .parse(template.spec.topologySpreadConstraints[0]);
      expect(selects(labelSelector.matchLabels, template.metadata.labels)).toBe(true);
    }
    expect(budgets).toHaveLength(workloads(manifests).length);
  });

  it('asks for https, for a code before the first operator, and keeps pods ready', () => {
    const config = apiConfig(manifests);
    expect(new URL(config.BERTH_PUBLIC_URL).protocol).toBe('https:');
    expect(config.BERTH_TRUST_PROXY_HOPS).toBe(1);
    expect(config.BERTH_WARM_POOL_SIZE).toBeGreaterThan(0);
    const api = workloads(manifests).find(({ name }) => name === 'berth-api');
    const code = api?.template.spec.containers[0]?.env.find(({ name }) => name === 'BERTH_OPERATOR_CODE');
    expect(code?.valueFrom?.secretKeyRef.optional).toBe(false);
  });

  it('sends people to the api at the address that it knows itself by, and keeps quiet sockets open', () => {
    const ingress = named(manifests, 'Ingress', 'berth');
    const { rules } = z
      .object({
        rules: z.array(
          z.object({
            host: z.string(),
            http: z.object({
              paths: z.array(
                z.object({
                  path: z.string(),
                  backend: z.object({ service: z.object({ name: z.string(), port: z.object({ name: z.string() }) }) }),
                }),
              ),
            }),
          }),
        ),
      })
      .parse(ingress.spec);
    expect(rules.map(({ host }) => host)).toEqual([new URL(apiConfig(manifests).BERTH_PUBLIC_URL).hostname]);
    const backend = rules[0]?.http.paths[0]?.backend.service;
    expect(named(manifests, 'Service', backend?.name ?? '').spec).toMatchObject({
      ports: expect.arrayContaining([expect.objectContaining({ name: backend?.port.name })]),
    });
    const { annotations } = ingress.metadata;
    for (const side of ['read', 'send']) {
      expect(Number(annotations[`nginx.ingress.kubernetes.io/proxy-${side}-timeout`])).toBeGreaterThanOrEqual(3_600);
    }
  });
});

(HAS_KUBECTL ? describe : describe.skip)('what an installation may add', () => {
  it(
    'opens the internet to sessions without the networks inside',
    () => {
      const manifests = render('components/session-internet');
      const [policy] = policies(manifests, 'berth-sessions');
      const blocks =
        policy?.egress.flatMap(({ to = [] }) => to.flatMap(({ ipBlock }) => (ipBlock ? [ipBlock] : []))) ?? [];
      const except = (cidr: string): string[] => blocks.find((block) => block.cidr === cidr)?.except ?? [];
      expect(except('0.0.0.0/0')).toEqual(
        expect.arrayContaining(['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10', '169.254.0.0/16']),
      );
      expect(except('::/0')).toEqual(expect.arrayContaining(['fc00::/7', 'fe80::/10']));
      expect(policy?.podSelector.matchLabels).toEqual({ 'app.kubernetes.io/name': 'berth-session' });
    },
    PATIENCE_MS,
  );

  it(
    'gives the right to forward ports to an api outside of the cluster alone',
    () => {
      const manifests = render('components/outside-api');
      expect(named(manifests, 'Role', 'session-forwarder')['rules']).toEqual([
        { apiGroups: [''], resources: ['pods/portforward'], verbs: ['get', 'create'] },
      ]);
      const subjects = ofKind(manifests, 'RoleBinding').flatMap((binding) =>
        z.array(z.object({ name: z.string() })).parse(binding['subjects']),
      );
      expect(new Set(subjects.map(({ name }) => name))).toEqual(new Set(['berth-outside']));
    },
    PATIENCE_MS,
  );
});
