/** An object of the runtime that no row stands for, as a first pass found it. */
export interface Orphan {
  kind: 'pod' | 'volume';
  uuid: string;
  uid: string;
}

/** What a pass of the reaper found. `alarm` says why nothing may be removed, null when something may. */
export interface ReapPass {
  orphans: Orphan[];
  /** Sessions whose row is live though no workflow owns them; each was asked to close. */
  closing: string[];
  alarm: string | null;
  /** The token that this run leaves: an operator's acceptance lasts until nothing is left over. Null for one of its own. */
  token: string | null;
}

/** What a run of the reaper did; the next run compares `token` with the database. */
export interface ReapResult {
  token: string | null;
  removed: number;
  closing: string[];
  alarm: string | null;
}

/**
 * How many rows a run of retain removed, by table. `sessions` were emptied after their time in the trash; of `volumes` the
 * owner was told that they go within a day.
 */
export interface RetainResult {
  events: number;
  idempotencyKeys: number;
  webSessions: number;
  uploads: number;
  rateLimits: number;
  volumes: number;
  versions: number;
  sessions: number;
  blobs: number;
  gitFolders: number;
  gitPacks: number;
  /** Receipts of runs, and runs that were given up. Absent in results of an earlier release. */
  runs?: number;
  lostRuns?: number;
  /** Throw-away copies that had ended. Absent in results of an earlier release. */
  runningCopies?: number;
}

/** Activities of the maintenance workflows; each is safe to run twice. */
export interface MaintenanceActivities {
  /** Compares rows, workflows, pods and volumes. `lastToken` is the last completed run's, null at the first. */
  findOrphans(input: { lastToken: string | null }): Promise<ReapPass>;
  /** Removes by uid those of the given orphans that a second look confirms. */
  removeOrphans(input: { orphans: Orphan[] }): Promise<{ removed: number }>;
  /** Writes the token that the next run must find in the database. */
  recordHeartbeat(input: { token: string }): Promise<void>;
  /** Removes what is past its time: events, idempotency keys, web sessions, versions, sessions in the trash, receipts of runs, unreferenced blobs. */
  retain(): Promise<RetainResult>;
}
