import type { RunEnd } from '#shared/domain/run.ts';

/** Names one run of a command. */
export interface RunRef {
  runId: number;
}

/** What the workflow needs to know of its run. */
export interface AdmittedRun {
  /** The session, as operators read it. */
  session: string;
  timeLimitSeconds: number;
  cancelRequested: boolean;
  /** It was started before, in a run of the workflow that was terminated: only its end is to be awaited. */
  bound: boolean;
}

/** Short activities on the runtime queue; each is safe to run twice. */
export interface RunActivities {
  /** Moves queued → starting. Null: the run has ended or was erased, and so must this. */
  admitRun(ref: RunRef): Promise<AdmittedRun | null>;
  /** Asks the agent to end everything that the run started. Resolves once that was told, or the run has ended. */
  stopRun(ref: RunRef): Promise<void>;
  /** The receipt of a run of which there is no program to tell. Answers what the row then says. */
  recordRunEnd(ref: RunRef & { status: RunEnd; reason: string | null }): Promise<{ status: RunEnd }>;
}

/** Activities that wait, on the watch queue: there are as many slots as sessions, and nothing that these wait for runs there. */
export interface RunWaitActivities {
  /** Resolves once the session runs, which it is asked to do when it is closed. `refused` says why it cannot. Heartbeats. */
  openForRun(ref: RunRef): Promise<{ refused: string | null }>;
  /** Brings database and volume together and notes the files that the run begins with. Heartbeats. */
  syncForRun(ref: RunRef): Promise<{ synced: boolean }>;
  /**
   * Starts the run, at most once whatever happens to workers, waits for its end and writes its receipt. Heartbeats; another
   * attempt finds it again.
   */
  executeRun(ref: RunRef): Promise<{ status: RunEnd }>;
}
