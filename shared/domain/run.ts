/** The statuses of a run, in the order of its life. The last five are ends. */
export const RUN_STATUSES = [
  'queued',
  'starting',
  'running',
  'succeeded',
  'failed',
  'cancelled',
  'timed_out',
  'lost',
] as const;
/** A status of a run. */
export type RunStatus = (typeof RUN_STATUSES)[number];
/** A status that does not change any more. */
export type RunEnd = Exclude<RunStatus, 'queued' | 'starting' | 'running'>;

/** The two outputs of a program. */
export const RUN_STREAMS = ['stdout', 'stderr'] as const;
/** One of the two outputs of a program. */
export type RunStream = (typeof RUN_STREAMS)[number];

/** Limits that a run can meet. */
export const RUN_LIMITS = ['time', 'output'] as const;
/** A limit that a run met. */
export type RunLimit = (typeof RUN_LIMITS)[number];

/** True once the run has its receipt. */
export function isEndedRun(status: RunStatus): status is RunEnd {
  return status !== 'queued' && status !== 'starting' && status !== 'running';
}

/** The Temporal workflow id of a run. */
export function runWorkflowId(run: { sessionUuid: string; runId: number }): string {
  return `run/${run.sessionUuid}/${run.runId}`;
}

/** How a program ended, as the agent tells it. */
export interface ProgramEnd {
  exitCode: number | null;
  signal: string | null;
  /** Why the agent ended it; null when it ended by itself. */
  stopped: 'cancelled' | 'time' | 'session' | null;
}

/** The status of a run whose program has ended, and what is to be said about it; null when the exit code says it all. */
export function judgeProgramEnd({ exitCode, signal, stopped }: ProgramEnd): { status: RunEnd; reason: string | null } {
  if (stopped === 'cancelled') return { status: 'cancelled', reason: null };
  if (stopped === 'time') return { status: 'timed_out', reason: null };
  if (stopped === 'session') return { status: 'failed', reason: 'The session was closed while it ran.' };
  if (exitCode === 0) return { status: 'succeeded', reason: null };
  if (exitCode !== null) return { status: 'failed', reason: null };
  return { status: 'failed', reason: `A signal ended it: ${signal ?? 'unknown'}.` };
}
