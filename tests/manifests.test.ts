import { z } from 'zod';
import { NODE_OPTIONS_OF } from '#cli/embedded/programs.ts';
import { ConfigSchema, loadConfig } from '#platform/config/config.ts';
import {
  containers,
  environment,
  HAS_KUBECTL,
  named,
  ofKind,
  render,
  selects,
  workloads,
  type Manifest,
} from '#tests/support/manifests.ts';

const FOLDERS = ['base', 'overlays/kind', 'overlays/production'];
/** kubectl is a large program; on a busy machine it takes its time to start. */
const PATIENCE_MS = 60_000;
const PROCESSES = ['berth-api', 'berth-orchestration', 'berth-runtime', 'berth-watch'];

const RuleSchema = z.object({
  apiGroups: z.array(z.string()),
  resources: z.array(z.string()),
  verbs: z.array(z.string()),
});
const BindingSchema = z.object({
  roleRef: z.object({ kind: z.string(), name: z.string() }),
  subjects: z.array(z.object({ kind: z.string(), name: z.string(), namespace: z.string() })),
});

/** What an account may do, as `verb resource`, by the roles that are bound to it. */
function rights(manifests: Manifest[], account: string): string[] {
  const bound = ofKind(manifests, 'RoleBinding').filter((binding) =>
    BindingSchema.parse(binding).subjects.some(({ name }) => name === account),
  );
  const rules = bound.flatMap((binding) => {
    const role = named(manifests, 'Role', BindingSchema.parse(binding).roleRef.name);
    return z.array(RuleSchema).parse(role['rules']);
  });
  return rules.flatMap((rule) => rule.resources.flatMap((what) => rule.verbs.map((verb) => `${verb} ${what}`))).sort();
}

(HAS_KUBECTL ? describe : describe.skip).each(FOLDERS)('k8s/%s', (folder) => {
  let manifests: Manifest[];

  beforeAll(() => {
    manifests = render(folder);
  }, PATIENCE_MS);

  it('runs each process once', () => {
    expect(workloads(manifests).map(({ name }) => name)).toEqual(expect.arrayContaining(PROCESSES));
  });

  it('lets nobody exec, attach, read a secret or hold a right outside of the namespace of sessions', () => {
    expect(manifests.filter(({ kind }) => /^ClusterRole/.test(kind))).toEqual([]);
    const roles = ofKind(manifests, 'Role');
    expect(roles.map(({ metadata }) => metadata.namespace)).toEqual(roles.map(() => 'berth-sessions'));
    const rules = roles.flatMap((role) => z.array(RuleSchema).parse(role['rules']));
    const resources = rules.flatMap((rule) => rule.resources);
    expect(resources.filter((resource) => /[/*]/.test(resource))).toEqual([]);
    expect(rules.flatMap((rule) => rule.verbs)).not.toContain('*');
    const onSecrets = rules.filter((rule) => rule.resources.includes('secrets')).flatMap((rule) => rule.verbs);
    expect(new Set(onSecrets)).toEqual(new Set(['create', 'delete']));
  });

  it('gives each process the rights that it needs', () => {
    const keeper = ['create', 'delete', 'get', 'list', 'watch'];
    expect(rights(manifests, 'berth-api')).toEqual(['get pods', 'list pods', 'watch pods']);
    expect(rights(manifests, 'berth-watch')).toEqual(['get pods', 'list pods', 'watch pods']);
    expect(rights(manifests, 'berth-orchestration')).toEqual([]);
    expect(rights(manifests, 'default')).toEqual([]);
    expect(rights(manifests, 'berth-runtime')).toEqual(
      [
        ...keeper.flatMap((verb) => [`${verb} persistentvolumeclaims`, `${verb} pods`]),
        'create secrets',
        'delete secrets',
      ].sort(),
    );
  });

  it('mounts a token of Kubernetes only where rights are', () => {
    for (const { name, template } of workloads(manifests)) {
      const account = template.spec.serviceAccountName ?? 'default';
      expect([name, template.spec.automountServiceAccountToken]).toEqual([name, rights(manifests, account).length > 0]);
    }
    const defaults = ofKind(manifests, 'ServiceAccount').filter(({ metadata }) => metadata.name === 'default');
    expect(defaults.map((account) => account['automountServiceAccountToken'])).toEqual([false, false]);
  });

  it('holds every pod to PodSecurity restricted, with a read-only root', () => {
    for (const { metadata } of ofKind(manifests, 'Namespace')) {
      for (const mode of ['enforce', 'warn', 'audit']) {
        expect(metadata.labels[`pod-security.kubernetes.io/${mode}`]).toBe('restricted');
      }
    }
    for (const workload of workloads(manifests)) {
      const { spec } = workload.template;
      expect(spec.securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } });
      expect(spec.enableServiceLinks).toBe(false);
      expect(Object.keys(spec).filter((name) => /^host/.test(name))).toEqual([]);
      for (const container of containers(workload)) {
        expect(container.securityContext).toEqual({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        });
        expect(Object.keys(container.resources.requests).sort()).toEqual(['cpu', 'memory']);
        expect(container.resources.limits).toHaveProperty('memory');
      }
    }
  });

  it('pins every image to one version, and pulls it only where it is missing', () => {
    const all = workloads(manifests).flatMap(containers);
    expect(all.filter(({ image }) => !/:\d+\.\d+(\.\d+)?(-[a-z0-9.]+)?$/.test(image))).toEqual([]);
    expect(new Set(all.map(({ imagePullPolicy }) => imagePullPolicy))).toEqual(new Set(['IfNotPresent']));
  });

  it('mounts only volumes that are there, each of them bounded', () => {
    for (const workload of workloads(manifests)) {
      const { volumes } = workload.template.spec;
      for (const volume of volumes) expect(volume).toMatchObject({ emptyDir: { sizeLimit: expect.any(String) } });
      const claimed = ofKind(manifests, 'StatefulSet').some(({ metadata }) => metadata.name === workload.name);
      const names = [...volumes.map(({ name }) => name), ...(claimed ? ['data'] : [])];
      const mounted = containers(workload).flatMap(({ volumeMounts }) => volumeMounts.map(({ name }) => name));
      expect([...new Set(mounted)].sort()).toEqual(names.sort());
    }
  });

  it('sets only variables that Berth has, to values that it takes, the same in every process', () => {
    const given = workloads(manifests)
      .filter(({ name }) => PROCESSES.includes(name))
      .flatMap(({ name, template }) =>
        template.spec.containers.map((container) => ({ name, values: environment(manifests, container) })),
      );
    expect(given).toHaveLength(PROCESSES.length);
    for (const { name, values } of given) {
      expect(Object.keys(values).filter((variable) => !(variable in ConfigSchema.shape))).toEqual([]);
      const config = loadConfig({
        ...values,
        BERTH_SECRET: 'x'.repeat(64),
        DATABASE_URL: 'postgres://berth:x@postgres/berth',
      });
      expect(config).toMatchObject({
        BERTH_RUNTIME: 'kubernetes',
        BERTH_KUBERNETES_NAMESPACE: 'berth-sessions',
        BERTH_AGENT_ROUTE: 'pod-address',
      });
      if (name !== 'berth-api') expect(config.BERTH_WORKER_ROLES).toBe(name.replace('berth-', ''));
    }
  });

  it('holds no secret, and takes each from the secret of its name', () => {
    expect(ofKind(manifests, 'Secret')).toEqual([]);
    const maps = ofKind(manifests, 'ConfigMap').flatMap(({ data }) => Object.keys(data ?? {}));
    expect(maps.filter((name) => /SECRET|PASSWORD|DATABASE_URL|OPERATOR_CODE/.test(name))).toEqual([]);
    const variables = workloads(manifests).flatMap((workload) => containers(workload).flatMap(({ env }) => env));
    const secret = variables.filter(({ name }) => /SECRET|PASSWORD|DATABASE_URL|OPERATOR_CODE/.test(name));
    expect(secret.length).toBeGreaterThanOrEqual(2 * PROCESSES.length);
    for (const { name, value, valueFrom } of secret) {
      expect(value).toBeUndefined();
      expect(valueFrom?.secretKeyRef).toMatchObject({
        name: /^berth(-postgres)?$/.exec(valueFrom?.secretKeyRef.name ?? '')?.[0],
        key: name,
      });
    }
  });

  it('asks every process whether it is alive and ready, on a port that it has', () => {
    for (const { name, template } of workloads(manifests).filter((one) => PROCESSES.includes(one.name))) {
      const [container] = template.spec.containers;
      const probes = [container?.startupProbe, container?.readinessProbe, container?.livenessProbe];
      expect([name, ...probes.map((probe) => probe?.httpGet?.path)]).toEqual([name, '/healthz', '/readyz', '/healthz']);
      const values = container ? environment(manifests, container) : {};
      const port = name === 'berth-api' ? values['BERTH_PORT'] : values['BERTH_WORKER_HEALTH_PORT'];
      for (const probe of probes) {
        const target = container?.ports.find((one) => one.name === probe?.httpGet?.port);
        expect(String(target?.containerPort)).toBe(port);
      }
      // Longer than preStop and the process's own deadline together, so that it ends in order.
      expect(template.spec.terminationGracePeriodSeconds).toBeGreaterThan(5 + 15);
    }
  });

  it('migrates before a process starts', () => {
    for (const { name, template } of workloads(manifests).filter((one) => PROCESSES.includes(one.name))) {
      const [first] = template.spec.initContainers;
      expect([name, first?.command.slice(-2)]).toEqual([name, ['cli/main.ts', 'migrate']]);
      expect(first?.image).toBe(template.spec.containers[0]?.image);
    }
  });

  it('gives Node the same options as the embedded start', () => {
    const api = workloads(manifests).find(({ name }) => name === 'berth-api');
    const command = ['tini', '--', 'node', ...NODE_OPTIONS_OF.api, 'api/main.ts'];
    expect(api?.template.spec.containers[0]?.command).toEqual(command);
  });

  it('has selectors that find what they mean', () => {
    const running = workloads(manifests);
    for (const { selector, template } of running)
      expect(selects(selector.matchLabels, template.metadata.labels)).toBe(true);
    const ServiceSchema = z.object({
      selector: z.record(z.string(), z.string()),
      ports: z.array(z.object({ name: z.string(), targetPort: z.string() })),
    });
    for (const service of ofKind(manifests, 'Service')) {
      const { selector, ports } = ServiceSchema.parse(service.spec);
      const targets = running.filter(({ template }) => selects(selector, template.metadata.labels));
      expect(targets).toHaveLength(1);
      const names = targets.flatMap(({ template }) => template.spec.containers.flatMap((one) => one.ports));
      for (const { targetPort } of ports) expect(names.map(({ name }) => name)).toContain(targetPort);
    }
  });
});
