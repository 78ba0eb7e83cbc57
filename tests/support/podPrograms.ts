import { podName } from '#shared/domain/podNames.ts';
import type { TestNamespace } from '#tests/support/cluster.ts';

/** What is in the namespace of a session, by name: `pod/exec-…`, `persistentvolumeclaim/workspace-…`, `secret/agent-…`. */
export async function objectsOfSession(namespace: TestNamespace, uuid: string): Promise<string[]> {
  const names = await namespace.kubectl('get', 'pods,persistentvolumeclaims,secrets', '-o', 'name');
  return names.split('\n').filter((name) => name.includes(uuid));
}

/** Ends the session's pod as a crash of its node would: nothing in it is told. Resolves once its object is gone. */
export async function killPod(namespace: TestNamespace, uuid: string): Promise<void> {
  await namespace.kubectl('delete', 'pod', podName(uuid), '--force', '--grace-period=0', '--wait=true');
}

/** Runs a shell line in the pod beside its agent and resolves with what it prints. */
export function runInPod(namespace: TestNamespace, uuid: string, line: string): Promise<string> {
  return namespace.kubectl('exec', podName(uuid), '--', 'sh', '-c', line);
}
