import type { PodCause } from '#shared/domain/podCause.ts';

/** The phases of a session, in the order of its life. `recovering` lies between two `running`. */
export const SESSION_PHASES = [
  'requested',
  'provisioning',
  'loading',
  'running',
  'recovering',
  'saving',
  'closing',
  'closed',
  'failed',
] as const;
/** A phase of a session. */
export type SessionPhase = (typeof SESSION_PHASES)[number];

/** True while a workflow owns the session. */
export function isLivePhase(phase: SessionPhase): boolean {
  return phase !== 'closed' && phase !== 'failed';
}

/** True while the session's agent can be expected to answer: terminals and the hand-off of saves work. */
export function isReachablePhase(phase: SessionPhase): boolean {
  return phase === 'running' || phase === 'recovering';
}

/** What a session is for: a person's workspace, or a reviewer's throw-away copy. */
export const SESSION_KINDS = ['workspace', 'review_run'] as const;
/** What a session is for. */
export type SessionKind = (typeof SESSION_KINDS)[number];

/** Why a session closed or needs attention; shown to people as a sentence by the page. */
export const PHASE_REASONS = [
  'user',
  'operator',
  'idle',
  'expired',
  'superseded',
  'discarded',
  'pod-lost',
  'provisioning-failed',
  'agent-unreachable',
  'load-failed',
  'save-failed',
  'node-lost',
  'copy-over',
] as const;
/** Why a session is in its phase. */
export type PhaseReason = (typeof PHASE_REASONS)[number];

/** States of a session's volume; see docs/ARCHITECTURE.md, "Volumes". */
export const VOLUME_STATES = ['new', 'loading', 'live', 'kept', 'drained', 'discarded'] as const;
/** State of a session's volume. */
export type VolumeState = (typeof VOLUME_STATES)[number];

/**
 * True while a volume holds what may be in no other place and Berth cannot save it by itself: its last save failed, or it
 * is on a node that does not answer. Only then may a person give it up.
 */
export function isVolumeInDoubt(
  session: { phase: SessionPhase; phaseCause: PodCause | null },
  volume: { state: VolumeState; keptUntil: Date | null },
): boolean {
  if (volume.state === 'discarded') return false;
  if (isLivePhase(session.phase)) return session.phaseCause === 'node-lost';
  return volume.state === 'kept' && volume.keptUntil === null;
}

/** The Temporal workflow id of a session. */
export function sessionWorkflowId(uuid: string): string {
  return `session/${uuid}`;
}
