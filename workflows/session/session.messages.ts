import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import type { SessionPhase } from '#shared/domain/session.ts';

/** Starts or reopens: the run of an older generation ends itself and continues as this one. */
export interface OpenInput {
  opId: string;
  generation: number;
}
/** Asks for a reconcile of volume and database. */
export interface RequestSyncInput {
  opId?: string;
  cause?: string;
  generation?: number;
}
/** Asks for an orderly close. */
export interface CloseInput {
  opId?: string;
  reason?: string;
  actor?: string;
}
/** Holds an idle session open until a time (ISO 8601). */
export interface ExtendInput {
  opId?: string;
  until?: string;
  actor?: string;
}
/** What a running session knows of its parts; a run takes it over from the one before it. */
export interface RunningParts {
  summary: string;
  ownerId: number;
  idleSeconds: number;
  expiresAt: string | null;
  volumeId: number;
  claimUid: string;
  bootId: string;
  /** Its node did not answer when the run continued as new. */
  nodeLost?: boolean;
}
/** Bounds that tests shorten. */
export interface SessionLimits {
  /** Events of history after which a run continues as new. */
  historyEvents?: number;
  /** How often an activity that a person waits for is tried before the step counts as failed. */
  stepAttempts?: number;
}
/** What a run carries over continue-as-new, and what it starts with. */
export interface SessionWorkflowInput {
  sessionId: number;
  uuid: string;
  generation: number;
  /**
   * True when the row was admitted before: after a continue-as-new of the same generation, with `carried`, and in a run
   * that a close starts because none was left to close; that one only tears down.
   */
  admitted?: boolean;
  carried?: { syncSeq: number; recentOpIds: string[]; running?: RunningParts };
  /** The run before this one asked operators for attention. */
  needsAttention?: boolean;
  limits?: SessionLimits;
}
/** What a run answers when it ends. */
export interface SessionOutcome {
  generation: number;
  phase: SessionPhase;
  reason: string;
}
/** What the query `state` answers. */
export interface SessionWorkflowState {
  uuid: string;
  generation: number;
  phase: SessionPhase;
  reason: string | null;
  syncSeq: number;
  pending: string[];
}

export const openSignal = defineSignal<[OpenInput]>('open');
export const requestSyncSignal = defineSignal<[RequestSyncInput?]>('requestSync');
export const closeSignal = defineSignal<[CloseInput?]>('close');
export const extendSignal = defineSignal<[ExtendInput?]>('extend');
export const syncNowUpdate = defineUpdate<{ seq: number; changed: number }, [{ opId: string }]>('syncNow');
export const closeAndWaitUpdate = defineUpdate<{ phase: SessionPhase }, [{ opId: string; actor?: string }]>(
  'closeAndWait',
);
export const stateQuery = defineQuery<SessionWorkflowState>('state');

/** The workflow type's name. */
export const SESSION_WORKFLOW = 'session';
