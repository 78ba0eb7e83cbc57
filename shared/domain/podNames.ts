/** The name of a session's pod. */
export function podName(uuid: string): string {
  return `exec-${uuid}`;
}

/** The name of a session's volume: a claim in Kubernetes. */
export function volumeName(uuid: string): string {
  return `workspace-${uuid}`;
}

/** The name of the secret that holds the key of a session's agent in one generation. */
export function agentSecretName(uuid: string, generation: number): string {
  return `agent-${uuid}-${generation}`;
}
