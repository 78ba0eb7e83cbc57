import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { workspaceImage } from '#tests/support/images.ts';
import { kubectl } from '#tests/support/kubectl.ts';
import { waitFor } from '#tests/support/waitFor.ts';

export { kubectl };

/** A namespace of a test's own on the cluster that KUBECONFIG names. */
export interface TestNamespace {
  name: string;
  /** Environment variables for `createTestDatabase` or `loadConfig`: sessions become pods of this namespace. */
  settings: Record<string, string>;
  /** Runs kubectl in the namespace and resolves with what it prints; rejects with what it says. */
  kubectl(...args: string[]): Promise<string>;
  /** Gives kubectl a document (YAML or JSON) to apply in the namespace. */
  apply(document: string | object): Promise<void>;
  /** What `kubectl get … -o json` gives: one object when it is named, else the list's items as `items`. */
  get<T>(...args: string[]): Promise<T>;
  /** Removes the namespace with everything in it; resolves once it is gone. */
  drop(): Promise<void>;
}

/** Makes a namespace in which PodSecurity enforces `restricted`. `settings` are added to its own. */
export async function createTestNamespace(settings: Record<string, string> = {}): Promise<TestNamespace> {
  const name = `berth-test-${randomBytes(5).toString('hex')}`;
  const labels = Object.fromEntries(
    ['enforce', 'warn', 'audit'].map((mode) => [`pod-security.kubernetes.io/${mode}`, 'restricted']),
  );
  await kubectl(['create', '-f', '-'], { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } });
  // The admission of pods looks it up, and the cluster makes it a moment after the namespace.
  await waitFor(() => kubectl(['--namespace', name, 'get', 'serviceaccount', 'default']), {
    deadlineMs: 30_000,
    what: `the service account of namespace ${name}`,
  });
  const inNamespace = (...args: string[]): Promise<string> => kubectl(['--namespace', name, ...args]);
  return {
    name,
    settings: {
      BERTH_RUNTIME: 'kubernetes',
      BERTH_KUBERNETES_NAMESPACE: name,
      BERTH_WORKSPACE_IMAGE: settings['BERTH_WORKSPACE_IMAGE'] ?? (await workspaceImage()),
      ...settings,
    },
    kubectl: inNamespace,
    async apply(document) {
      await kubectl(['--namespace', name, 'apply', '-f', '-'], document);
    },
    async get<T>(...args: string[]) {
      return JSON.parse(await inNamespace('get', ...args, '-o', 'json')) as T;
    },
    async drop() {
      await kubectl(['delete', 'namespace', name, '--ignore-not-found', '--wait=true', '--timeout=120s']);
    },
  };
}

const StorageClassesSchema = z.object({
  items: z.array(
    z.object({
      metadata: z.object({ name: z.string(), annotations: z.record(z.string(), z.string()).optional() }),
      volumeBindingMode: z.string().optional(),
    }),
  ),
});

/**
 * The name of a storage class of the cluster with that binding mode, the default class before others. Null where the
 * cluster has none, as kind has none that binds at once.
 */
export async function storageClass(binding: 'Immediate' | 'WaitForFirstConsumer'): Promise<string | null> {
  const { items } = StorageClassesSchema.parse(JSON.parse(await kubectl(['get', 'storageclasses', '-o', 'json'])));
  const fitting = items.filter(({ volumeBindingMode }) => volumeBindingMode === binding);
  const preset = fitting.find(
    ({ metadata }) => metadata.annotations?.['storageclass.kubernetes.io/is-default-class'] === 'true',
  );
  return (preset ?? fitting[0])?.metadata.name ?? null;
}
