/** Why a pod does not run as it should: a closed set, each shown to people with what to do. */
export const POD_CAUSES = [
  'image-pull',
  'unschedulable',
  'quota',
  'claim-not-bound',
  'crash-loop',
  'out-of-memory',
  'evicted',
  'disk-full',
  'node-lost',
  'cluster-unreachable',
  'pod-deleted',
  'process-ended',
] as const;
/** Why a pod does not run as it should. */
export type PodCause = (typeof POD_CAUSES)[number];

/** What people and operators read about a cause. */
export interface CauseAdvice {
  /** What happened, in one sentence. */
  sentence: string;
  /** What to do about it, addressed to whoever uses the session. */
  remedy: string;
  /** Who can mend it. `nobody` has to: Berth does it by itself. */
  who: 'you' | 'operator' | 'nobody';
  /** What an operator looks at and does. `NAME` stands for the session's uuid. */
  operator: string;
}

/** The advice on every cause. */
export const CAUSE_ADVICE: Readonly<Record<PodCause, CauseAdvice>> = {
  'image-pull': {
    sentence: 'The image that sessions start from cannot be fetched.',
    remedy: 'An operator has to correct the image; then try again. Your files are safe and can be edited here.',
    who: 'operator',
    operator:
      'Look at the events of pod `exec-NAME`; correct BERTH_WORKSPACE_IMAGE, the pull policy or the pull secret, and open the session again.',
  },
  unschedulable: {
    sentence: 'No machine has room for the session at the moment.',
    remedy:
      'It starts by itself once there is room. If it gives up, try again later, or close a session that you do not need.',
    who: 'operator',
    operator:
      'Pod `exec-NAME` cannot be placed: add nodes, end other pods, or look at requests, node selector, taints and the zone of claim `workspace-NAME`.',
  },
  quota: {
    sentence: 'The limit of running sessions on this installation is reached.',
    remedy: 'Close a session that you do not need and try again, or try again later.',
    who: 'you',
    operator: 'The ResourceQuota of the sessions’ namespace is used up: raise it, or end sessions that nobody needs.',
  },
  'claim-not-bound': {
    sentence: 'The disk of the session is not ready yet.',
    remedy: 'It goes on by itself once the disk is there. If it gives up, try again; if it lasts, tell the operator.',
    who: 'operator',
    operator:
      'Claim `workspace-NAME` is not bound: look at its events, the storage class (BERTH_STORAGE_CLASS) and its provisioner.',
  },
  'crash-loop': {
    sentence: 'The session’s program starts and ends again and again.',
    remedy: 'Try again; if it lasts, tell the operator. Your files are safe and can be edited here.',
    who: 'operator',
    operator:
      'The container of pod `exec-NAME` crashes: read the log of its previous run, and look at the image and its entrypoint.',
  },
  'out-of-memory': {
    sentence: 'The programs in the session used more memory than it has, and it was started again.',
    remedy: 'Your files are safe; programs in its terminals ended. Work on less data at once, or run fewer programs.',
    who: 'you',
    operator: 'Nothing is broken. If people need more, raise the memory limit of sessions.',
  },
  evicted: {
    sentence: 'The machine it ran on was short of room and moved it away.',
    remedy: 'It starts again elsewhere by itself; your files are safe. Keep large temporary files out of /tmp.',
    who: 'nobody',
    operator:
      'Pod `exec-NAME` was evicted: look at its events, the pressure on its node, and the limit of ephemeral storage.',
  },
  'disk-full': {
    sentence: 'The session’s disk is full.',
    remedy:
      'What you save here is kept, but programs in the session do not see it until there is room. Remove files there that you do not need; it goes on by itself.',
    who: 'you',
    operator: 'The volume of session NAME has no room left: its owner has to remove files, or the volume has to grow.',
  },
  'node-lost': {
    sentence: 'The machine it runs on does not answer.',
    remedy:
      'Files can still be edited here. It goes on by itself when the machine is back; otherwise discard it and open it again from what is saved.',
    who: 'nobody',
    operator:
      'The node of pod `exec-NAME` does not answer: bring it back, and the session goes on. Only its owner can discard what is on its volume.',
  },
  'cluster-unreachable': {
    sentence: 'The cluster that sessions run on does not answer Berth.',
    remedy: 'It goes on by itself as soon as the cluster answers again; nothing was ended meanwhile.',
    who: 'operator',
    operator:
      'The Kubernetes API does not answer the workers, or refuses them: look at its health, at KUBECONFIG or the service account, and at the network between. Session NAME waits and goes on by itself.',
  },
  'pod-deleted': {
    sentence: 'The session’s pod was deleted from outside.',
    remedy: 'It starts again by itself with the same files; programs in its terminals ended.',
    who: 'nobody',
    operator:
      'Somebody or something deleted pod `exec-NAME`: look at the cluster’s audit log. To end a session, close it.',
  },
  'process-ended': {
    sentence: 'The session’s main program ended unexpectedly.',
    remedy: 'It starts again by itself with the same files; programs in its terminals ended.',
    who: 'nobody',
    operator: 'The agent of session NAME ended; look at its log. Berth starts it again.',
  },
};

/** The agent's reason for refusing a change that found no room on the volume. */
export const DISK_FULL_REASON = 'the disk is full';

/** The cause that a text names, null for anything else: what comes over a wire or from an older row is not trusted. */
export function readPodCause(value: unknown): PodCause | null {
  return POD_CAUSES.find((cause) => cause === value) ?? null;
}

/** What an operator reads about a cause of this very session. */
export function operatorAdvice(cause: PodCause, uuid: string): string {
  return CAUSE_ADVICE[cause].operator.replaceAll('NAME', uuid);
}
