import { execFileSync, spawnSync } from 'node:child_process';
import path from 'node:path';
import { parseAllDocuments } from 'yaml';
import { z } from 'zod';
import { ROOT } from '#tests/support/importGraph.ts';

const LabelsSchema = z.record(z.string(), z.string());
const ProbeSchema = z
  .object({ httpGet: z.object({ path: z.string(), port: z.union([z.string(), z.number()]) }).optional() })
  .loose();

const ContainerSchema = z
  .object({
    name: z.string(),
    image: z.string(),
    imagePullPolicy: z.string().optional(),
    command: z.array(z.string()).default([]),
    env: z
      .array(
        z.object({
          name: z.string(),
          value: z.string().optional(),
          valueFrom: z
            .object({
              secretKeyRef: z.object({ name: z.string(), key: z.string(), optional: z.boolean().optional() }),
            })
            .optional(),
        }),
      )
      .default([]),
    envFrom: z.array(z.object({ configMapRef: z.object({ name: z.string() }) })).default([]),
    ports: z.array(z.object({ name: z.string(), containerPort: z.number() })).default([]),
    startupProbe: ProbeSchema.optional(),
    readinessProbe: ProbeSchema.optional(),
    livenessProbe: ProbeSchema.optional(),
    resources: z.object({ requests: LabelsSchema, limits: LabelsSchema }),
    securityContext: z.unknown(),
    volumeMounts: z.array(z.object({ name: z.string(), mountPath: z.string() })).default([]),
  })
  .loose();

const WorkloadSchema = z.object({
  replicas: z.number().optional(),
  selector: z.object({ matchLabels: LabelsSchema }),
  template: z.object({
    metadata: z.object({ labels: LabelsSchema }),
    spec: z
      .object({
        serviceAccountName: z.string().optional(),
        automountServiceAccountToken: z.boolean(),
        enableServiceLinks: z.boolean(),
        terminationGracePeriodSeconds: z.number().optional(),
        securityContext: z.unknown(),
        initContainers: z.array(ContainerSchema).default([]),
        containers: z.array(ContainerSchema),
        volumes: z.array(z.object({ name: z.string() }).loose()).default([]),
        topologySpreadConstraints: z.array(z.unknown()).default([]),
      })
      .loose(),
  }),
});

const ManifestSchema = z
  .object({
    apiVersion: z.string(),
    kind: z.string(),
    metadata: z.object({
      name: z.string(),
      namespace: z.string().optional(),
      labels: LabelsSchema.default({}),
      annotations: LabelsSchema.default({}),
    }),
    spec: z.unknown().optional(),
    data: LabelsSchema.optional(),
  })
  .loose();

/** An object of a rendered manifest. */
export type Manifest = z.infer<typeof ManifestSchema>;
/** A container of a workload, as it is written. */
export type ManifestContainer = z.infer<typeof ContainerSchema>;
/** What a Deployment or StatefulSet says. */
export type Workload = z.infer<typeof WorkloadSchema> & { name: string };

/** True where kubectl, which renders the manifests, is on the PATH. */
export const HAS_KUBECTL = spawnSync('kubectl', ['version', '--client'], { stdio: 'ignore' }).status === 0;

/** Renders a folder below k8s/ as `kubectl apply -k` would. */
export function render(folder: string): Manifest[] {
  const text = execFileSync('kubectl', ['kustomize', path.join(ROOT, 'k8s', folder)], {
    encoding: 'utf8',
    maxBuffer: 16 * 1024 * 1024,
  });
  return parseAllDocuments(text).map((document) => ManifestSchema.parse(document.toJS()));
}

/** The objects of a kind. */
export function ofKind(manifests: Manifest[], kind: string): Manifest[] {
  return manifests.filter((manifest) => manifest.kind === kind);
}

/** The one object of that kind and name; fails when there is none, or more. */
export function named(manifests: Manifest[], kind: string, name: string): Manifest {
  const found = ofKind(manifests, kind).filter((manifest) => manifest.metadata.name === name);
  if (found.length !== 1 || found[0] === undefined) throw new Error(`${String(found.length)} × ${kind} ${name}`);
  return found[0];
}

/** Everything that runs. */
export function workloads(manifests: Manifest[]): Workload[] {
  return manifests
    .filter(({ kind }) => ['Deployment', 'StatefulSet', 'DaemonSet', 'Job'].includes(kind))
    .map((manifest) => ({ ...WorkloadSchema.parse(manifest.spec), name: manifest.metadata.name }));
}

/** The containers of a workload, those that only prepare it among them. */
export function containers(workload: Workload): ManifestContainer[] {
  return [...workload.template.spec.initContainers, ...workload.template.spec.containers];
}

/** The environment of a container by name: plain values as they are, secrets as `secret <name>/<key>`. */
export function environment(manifests: Manifest[], container: ManifestContainer): Record<string, string> {
  const maps = container.envFrom.map(({ configMapRef }) => named(manifests, 'ConfigMap', configMapRef.name).data ?? {});
  const own = container.env.map(({ name, value, valueFrom }): [string, string] => [
    name,
    valueFrom ? `secret ${valueFrom.secretKeyRef.name}/${valueFrom.secretKeyRef.key}` : (value ?? ''),
  ]);
  return Object.assign({}, ...maps, Object.fromEntries(own)) as Record<string, string>;
}

/** True when a selector's labels are all on the object. */
export function selects(selector: Record<string, string>, labels: Record<string, string>): boolean {
  return Object.entries(selector).every(([name, value]) => labels[name] === value);
}
