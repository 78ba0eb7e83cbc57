import type { Config } from '#platform/config/config.ts';

/** What is looked at: the checked settings, and the environment for what nobody set. */
export interface ClusterCheck {
  config: Config;
  environment: Record<string, string | undefined>;
}

/**
 * Lists the sessions of nobody: that needs an answer and the right to read, and changes nothing. Resolves with what can be
 * read; rejects when this process needs more. In a cluster each process has an account of its own (k8s/base/roles.yaml).
 */
export async function lookAtCluster({ config, environment }: ClusterCheck): Promise<string> {
  const needs = needsOf(environment);
  if (!needs.pods) return 'not for this process, which runs workflows alone';
  // Its library is large, and nobody needs it for local sessions.
  const { createKubernetesClient } = await import('#platform/runtime/kubernetes/client.ts');
  const { installationSelector } = await import('#platform/runtime/kubernetes/labels.ts');
  const { KubernetesError } = await import('#platform/runtime/kubernetes/kubernetesError.ts');
  const namespace = config.BERTH_KUBERNETES_NAMESPACE;
  const client = createKubernetesClient(namespace);
  const selector = installationSelector('nobody');
  try {
    await client.listPods(selector);
    const refused = await client.listClaims(selector).then(
      () => null,
      (error: unknown) => error,
    );
    if (refused === null) return `answers, pods and claims in namespace ${namespace} can be read`;
    if (needs.claims || !(refused instanceof KubernetesError) || refused.status !== 403) throw refused;
    return `answers, pods in namespace ${namespace} can be read; claims are not for this process`;
  } finally {
    await client.close();
  }
}

/** A process whose roles nobody set is the api when it runs in a cluster, and everything at once elsewhere. */
function needsOf(environment: ClusterCheck['environment']): { pods: boolean; claims: boolean } {
  const roles = environment['BERTH_WORKER_ROLES']?.split(',');
  if (roles === undefined) return { pods: true, claims: environment['KUBERNETES_SERVICE_HOST'] === undefined };
  return { pods: roles.includes('runtime') || roles.includes('watch'), claims: roles.includes('runtime') };
}
