import { defineQuery, defineSignal } from '@temporalio/workflow';
import type { RunEnd } from '#shared/domain/run.ts';

/** What the run's workflow starts with. */
export interface RunWorkflowInput {
  runId: number;
}
/** Ends the run. */
export interface CancelRunInput {
  opId?: string;
  actor?: string;
}
/** How the workflow ended. `gone`: there was nothing left to do. */
export interface RunOutcome {
  status: RunEnd | 'gone';
}
/** What the workflow is at. */
export type RunStep = 'queued' | 'opening' | 'syncing' | 'running' | 'ended';
/** What the query `state` answers. */
export interface RunWorkflowState {
  runId: number;
  step: RunStep;
  cancelRequested: boolean;
  outcome: RunOutcome['status'] | null;
}

export const cancelRunSignal = defineSignal<[CancelRunInput?]>('cancel');
export const runStateQuery = defineQuery<RunWorkflowState>('state');

/** The workflow type's name. */
export const RUN_WORKFLOW = 'run';
