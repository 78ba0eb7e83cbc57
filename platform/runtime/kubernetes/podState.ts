import type { V1ContainerStateTerminated, V1ContainerStatus, V1Pod } from '@kubernetes/client-node';
import type { PodCause } from '#shared/domain/podCause.ts';
import { CONTAINER_NAME } from '#platform/runtime/kubernetes/objects.ts';
import type { PodState } from '#platform/runtime/Runtime.ts';

/** A pod whose time to end is over for this long, in milliseconds, has a node that does not end it. */
const NODE_ENDS_PODS_MS = 30_000;
/** Restarts after which a program that crashes is taken for one that always will. */
const HOPELESS_RESTARTS = 3;
/** A program that lived longer, in milliseconds, did not crash because it was started. */
const SHORT_LIFE_MS = 60_000;
/** The exit code of what ended by SIGKILL. */
const KILLED = 137;

const IMAGE_REASONS = new Set([
  'ErrImagePull',
  'ImagePullBackOff',
  'ErrImageNeverPull',
  'InvalidImageName',
  'ImageInspectError',
  'RegistryUnavailable',
  'SignatureValidationFailed',
]);
/** The kubelet refused a pod that the scheduler had given it. */
const REFUSED_BY_NODE = /^(OutOf\w+|NodeAffinity|UnexpectedAdmissionError|NodePorts)$/;
const AWAY_FROM_NODE = new Set(['Evicted', 'NodeShutdown', 'Terminated', 'Shutdown', 'Preempting']);

/** What one pod object, read from the API server just now, says about a session. `now` is in milliseconds since 1970. */
export function describePod(pod: V1Pod, now: number): PodState {
  const podUid = pod.metadata?.uid ?? null;
  const state = (status: PodState['status'], cause: PodCause | null, more: Partial<PodState> = {}): PodState => ({
    status,
    cause,
    podUid,
    ...more,
  });
  const phase = pod.status?.phase;
  if (phase === 'Succeeded' || phase === 'Failed') return state('gone', causeOfEnd(pod), detail(pod.status?.message));
  if (isOnLostNode(pod, now)) return state('unknown', 'node-lost', detail(pod.status?.message));
  if (pod.metadata?.deletionTimestamp !== undefined) return state('restarting', 'pod-deleted');
  const container = pod.status?.containerStatuses?.find(({ name }) => name === CONTAINER_NAME);
  if (container === undefined) return { ...beforeStart(pod), podUid };
  return { ...describeContainer(container), podUid };
}

type StateOfContainer = Omit<PodState, 'podUid'>;

function beforeStart(pod: V1Pod): StateOfContainer {
  const scheduled = pod.status?.conditions?.find(({ type }) => type === 'PodScheduled');
  if (scheduled?.status !== 'False') return { status: 'starting', cause: null };
  const message = scheduled.message ?? '';
  const cause = /persistentvolumeclaim|binding volumes/i.test(message) ? 'claim-not-bound' : 'unschedulable';
  return { status: 'starting', cause, ...detail(message) };
}

function describeContainer(container: V1ContainerStatus): StateOfContainer {
  const before = container.lastState?.terminated;
  const { waiting, running, terminated } = container.state ?? {};
  if (running !== undefined) return { status: 'running', cause: before === undefined ? null : causeOfCrash(before) };
  if (terminated !== undefined) return { ...describeCrash(terminated, container.restartCount), status: 'restarting' };
  const reason = waiting?.reason ?? '';
  if (IMAGE_REASONS.has(reason)) {
    // The first failure of a pull may pass; the kubelet backs off only after it has tried.
    const hopeless = reason !== 'ErrImagePull' && reason !== 'RegistryUnavailable';
    return { status: 'starting', cause: 'image-pull', hopeless, ...detail(waiting?.message) };
  }
  if (before === undefined) return { status: 'starting', cause: null, ...detail(waiting?.message) };
  if (reason !== 'CrashLoopBackOff') {
    return { status: 'restarting', cause: causeOfCrash(before), ...detail(waiting?.message) };
  }
  const { cause, hopeless } = describeLoop(before, container.restartCount);
  return { status: 'restarting', cause, hopeless, ...detail(before.message ?? waiting?.message) };
}

/**
 * While the kubelet holds a crashing container back, it may show its end (seen with 1.35: the reason CrashLoopBackOff was
 * there for less than a second of 40), so what was restarted and ended soon is held back already.
 */
function describeCrash(ended: V1ContainerStateTerminated, restarts: number): Omit<StateOfContainer, 'status'> {
  const told = detail(ended.message);
  if (restarts === 0 || lifeOf(ended) > SHORT_LIFE_MS) return { cause: causeOfCrash(ended), ...told };
  return { ...describeLoop(ended, restarts), ...told };
}

function describeLoop(ended: V1ContainerStateTerminated, restarts: number): { cause: PodCause; hopeless: boolean } {
  const cause = causeOfCrash(ended);
  return { cause: cause === 'out-of-memory' ? cause : 'crash-loop', hopeless: restarts >= HOPELESS_RESTARTS };
}

function lifeOf({ startedAt, finishedAt }: V1ContainerStateTerminated): number {
  return new Date(finishedAt ?? 0).getTime() - new Date(startedAt ?? 0).getTime();
}

/**
 * Some container runtimes put the reason OOMKilled to a container in which any program was ended for want of memory, long
 * before its main program ended of something else (containerd on cgroup v1). Only the kernel's kill itself ends with 137.
 */
function causeOfCrash({ reason, exitCode }: V1ContainerStateTerminated): PodCause {
  return reason === 'OOMKilled' && exitCode === KILLED ? 'out-of-memory' : 'process-ended';
}

function causeOfEnd(pod: V1Pod): PodCause | null {
  const reason = pod.status?.reason ?? '';
  if (AWAY_FROM_NODE.has(reason)) return 'evicted';
  if (REFUSED_BY_NODE.test(reason)) return 'unschedulable';
  if (pod.status?.conditions?.some(({ type, status }) => type === 'DisruptionTarget' && status === 'True')) {
    return 'evicted';
  }
  const ended = pod.status?.containerStatuses?.find(({ name }) => name === CONTAINER_NAME)?.state?.terminated;
  return ended === undefined ? null : causeOfCrash(ended);
}

/**
 * What the control plane notes about pods of a node that it no longer hears from. The containers' own states stay what
 * they were; only the condition Ready is taken back, which the kubelet never does alone for a pod without a probe.
 */
function isOnLostNode(pod: V1Pod, now: number): boolean {
  const { phase, reason } = pod.status ?? {};
  if (phase === 'Unknown' || reason === 'NodeLost') return true;
  const deleted = pod.metadata?.deletionTimestamp;
  if (deleted !== undefined) return now - new Date(deleted).getTime() > NODE_ENDS_PODS_MS;
  const condition = (wanted: string): string | undefined =>
    pod.status?.conditions?.find(({ type }) => type === wanted)?.status;
  return (
    condition('Ready') === 'Unknown' || (condition('Ready') === 'False' && condition('ContainersReady') === 'True')
  );
}

function detail(message: string | undefined): { detail?: string } {
  return message === undefined || message === '' ? {} : { detail: message };
}
