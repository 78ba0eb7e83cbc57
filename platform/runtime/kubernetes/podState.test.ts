import type { V1ContainerState, V1ContainerStatus, V1Pod, V1PodCondition } from '@kubernetes/client-node';
import { describePod } from '#platform/runtime/kubernetes/podState.ts';

const NOW = Date.parse('2026-11-22T12:00:00Z');

interface Situation {
  phase?: string;
  reason?: string;
  message?: string;
  conditions?: Record<string, { status: string; reason?: string; message?: string }>;
  container?: Partial<V1ContainerStatus>;
  deletedAt?: string;
}

/** A pod as the API server gives it. */
function pod({ phase = 'Running', conditions = {}, container, deletedAt, ...status }: Situation): V1Pod {
  return {
    metadata: {
      uid: 'the-uid',
      ...(deletedAt === undefined ? {} : { deletionTimestamp: new Date(deletedAt) }),
    },
    status: {
      phase,
      ...status,
      conditions: Object.entries(conditions).map(([type, one]) => ({ type, ...one }) as V1PodCondition),
      ...(container === undefined
        ? {}
        : {
            containerStatuses: [
              { name: 'workspace', image: '', imageID: '', ready: false, restartCount: 0, ...container },
            ],
          }),
    },
  };
}

const RUNNING = { state: { running: { startedAt: new Date(NOW) } } };
const READY = { Ready: { status: 'True' }, ContainersReady: { status: 'True' }, PodScheduled: { status: 'True' } };

function waiting(reason: string, message?: string): Partial<V1ContainerStatus> {
  return { state: { waiting: { reason, ...(message === undefined ? {} : { message }) } } };
}

function ended(reason: string, exitCode = 137, { livedMs }: { livedMs?: number } = {}): V1ContainerState {
  const times = livedMs === undefined ? {} : { startedAt: new Date(NOW - livedMs), finishedAt: new Date(NOW) };
  return { terminated: { reason, exitCode, ...times } };
}

describe('the state of a pod', () => {
  it.each<[string, Situation, Partial<ReturnType<typeof describePod>>]>([
    ['its container runs', { container: RUNNING, conditions: READY }, { status: 'running', cause: null }],
    ['nobody has placed it yet', { phase: 'Pending' }, { status: 'starting', cause: null }],
    [
      'its container is being made',
      { phase: 'Pending', container: waiting('ContainerCreating') },
      { status: 'starting', cause: null },
    ],
    [
      'no node has room',
      {
        phase: 'Pending',
        conditions: {
          PodScheduled: {
            status: 'False',
            reason: 'Unschedulable',
            message: '0/1 nodes are available: 1 Insufficient memory.',
          },
        },
      },
      { status: 'starting', cause: 'unschedulable', detail: '0/1 nodes are available: 1 Insufficient memory.' },
    ],
    [
      'its claim is not bound',
      {
        phase: 'Pending',
        conditions: {
          PodScheduled: {
            status: 'False',
            reason: 'Unschedulable',
            message: '0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims.',
          },
        },
      },
      { status: 'starting', cause: 'claim-not-bound' },
    ],
    [
      'its volume cannot be made for the node that was chosen',
      {
        phase: 'Pending',
        conditions: {
          PodScheduled: {
            status: 'False',
            reason: 'SchedulerError',
            message: 'running PreBind plugin "VolumeBinding": binding volumes: context deadline exceeded',
          },
        },
      },
      { status: 'starting', cause: 'claim-not-bound' },
    ],
    [
      'a first pull of its image failed',
      { phase: 'Pending', container: waiting('ErrImagePull', 'i/o timeout') },
      { status: 'starting', cause: 'image-pull', hopeless: false },
    ],
    [
      'its image is pulled again and again',
      { phase: 'Pending', container: waiting('ImagePullBackOff', 'Back-off pulling image') },
      { status: 'starting', cause: 'image-pull', hopeless: true, detail: 'Back-off pulling image' },
    ],
    [
      'its image is not there and never pulled',
      { phase: 'Pending', container: waiting('ErrImageNeverPull') },
      { status: 'starting', cause: 'image-pull', hopeless: true },
    ],
    [
      'its container has just crashed',
      { container: { state: ended('Error', 1), restartCount: 0 } },
      { status: 'restarting', cause: 'process-ended' },
    ],
    [
      'its container crashes and is held back, which the node does not say yet',
      { container: { state: ended('Error', 1), restartCount: 1 } },
      { status: 'restarting', cause: 'crash-loop', hopeless: false },
    ],
    [
      'its container crashed again and again, which the node does not say yet',
      { container: { state: ended('Error', 1, { livedMs: 900 }), restartCount: 3 } },
      { status: 'restarting', cause: 'crash-loop', hopeless: true },
    ],
    [
      'its container ended after an hour, not for the first time',
      { container: { state: ended('Error', 1, { livedMs: 3_600_000 }), restartCount: 5 } },
      { status: 'restarting', cause: 'process-ended' },
    ],
    [
      'its container crashes and is held back',
      { container: { ...waiting('CrashLoopBackOff'), lastState: ended('Error', 1), restartCount: 1 } },
      { status: 'restarting', cause: 'crash-loop', hopeless: false },
    ],
    [
      'its container crashed again and again',
      { container: { ...waiting('CrashLoopBackOff'), lastState: ended('Error', 1), restartCount: 3 } },
      { status: 'restarting', cause: 'crash-loop', hopeless: true },
    ],
    [
      'its container ran out of memory',
      { container: { state: ended('OOMKilled') } },
      { status: 'restarting', cause: 'out-of-memory' },
    ],
    [
      'it runs again after it ran out of memory',
      { container: { ...RUNNING, lastState: ended('OOMKilled'), restartCount: 1 }, conditions: READY },
      { status: 'running', cause: 'out-of-memory' },
    ],
    [
      'it runs again after its program ended by itself, though another one had run out of memory before',
      { container: { ...RUNNING, lastState: ended('OOMKilled', 142), restartCount: 1 }, conditions: READY },
      { status: 'running', cause: 'process-ended' },
    ],
    [
      'it runs again after its program ended',
      { container: { ...RUNNING, lastState: ended('Error', 1), restartCount: 1 }, conditions: READY },
      { status: 'running', cause: 'process-ended' },
    ],
    [
      'its node threw it out',
      { phase: 'Failed', reason: 'Evicted', message: 'Pod ephemeral local storage usage exceeds the limit' },
      { status: 'gone', cause: 'evicted', detail: 'Pod ephemeral local storage usage exceeds the limit' },
    ],
    ['its node was shut down', { phase: 'Failed', reason: 'Terminated' }, { status: 'gone', cause: 'evicted' }],
    [
      'another pod took its place',
      { phase: 'Failed', conditions: { DisruptionTarget: { status: 'True', reason: 'PreemptionByScheduler' } } },
      { status: 'gone', cause: 'evicted' },
    ],
    [
      'its node had no room after all',
      { phase: 'Failed', reason: 'OutOfcpu' },
      { status: 'gone', cause: 'unschedulable' },
    ],
    ['it has ended', { phase: 'Succeeded' }, { status: 'gone', cause: null }],
    [
      'somebody deleted it and it is ending',
      { container: RUNNING, conditions: READY, deletedAt: '2026-11-22T12:00:05Z' },
      { status: 'restarting', cause: 'pod-deleted' },
    ],
    [
      'it should have ended long ago',
      { container: RUNNING, conditions: READY, deletedAt: '2026-11-22T11:59:00Z' },
      { status: 'unknown', cause: 'node-lost' },
    ],
    [
      'its node does not tell of it any more',
      { container: RUNNING, conditions: { ...READY, Ready: { status: 'False' } } },
      { status: 'unknown', cause: 'node-lost' },
    ],
    [
      'its readiness is not known',
      { container: RUNNING, conditions: { ...READY, Ready: { status: 'Unknown' } } },
      { status: 'unknown', cause: 'node-lost' },
    ],
    ['its phase is not known', { phase: 'Unknown' }, { status: 'unknown', cause: 'node-lost' }],
  ])('when %s', (_, situation, expected) => {
    expect(describePod(pod(situation), NOW)).toMatchObject({ podUid: 'the-uid', ...expected });
  });

  it('is never gone for a container that ended in a pod that goes on', () => {
    for (const reason of ['Error', 'Completed', 'OOMKilled', 'ContainerStatusUnknown']) {
      expect(describePod(pod({ container: { state: ended(reason) } }), NOW).status).toBe('restarting');
    }
  });

  it('says nothing about an object that says nothing', () => {
    expect(describePod({}, NOW)).toEqual({ status: 'starting', cause: null, podUid: null });
  });
});
