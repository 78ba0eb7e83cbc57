import type { PodCause } from '#shared/domain/podCause.ts';
import type { PhaseReason, SessionPhase, VolumeState } from '#shared/domain/session.ts';

/** Names one opening of one session; every write of an activity is fenced by the generation. */
export interface SessionRef {
  sessionId: number;
  uuid: string;
  generation: number;
}

/** What one reconcile did. `more`: something changed meanwhile, look again. */
export interface SyncResult {
  changed: number;
  conflicts: number;
  notSaved: number;
  more: boolean;
}

/** Short activities on the runtime queue; each has startToClose ≤ 20 s or a heartbeat, and is safe to run twice. */
export interface SessionActivities {
  /** Moves requested → provisioning for this generation. False: this run is stale and must end. */
  admit(ref: SessionRef): Promise<{
    admitted: boolean;
    summary: string;
    ownerId: number;
    idleSeconds: number;
    expiresAt: string | null;
    kind: 'workspace' | 'review_run';
  }>;
  /** Writes phase, reason and cause, fenced, with its event. False: superseded. */
  recordPhase(
    input: SessionRef & { phase: SessionPhase; reason: PhaseReason | null; cause?: PodCause | null },
  ): Promise<{ current: boolean }>;
  /** Makes or finds the volume row and the volume itself. */
  ensureVolume(ref: SessionRef): Promise<{ volumeId: number; claimUid: string; state: VolumeState }>;
  ensurePod(ref: SessionRef & { volumeId: number; claimUid: string }): Promise<{ podUid: string }>;
  /** Resolves once the agent answers; heartbeats. While it does not, the row says what it waits for. */
  awaitAgent(ref: SessionRef): Promise<{ bootId: string }>;
  /** Only on a volume `new` or `loading`; ends `live`. Heartbeats. */
  loadFiles(ref: SessionRef): Promise<{ files: number }>;
  /** Three-way, fenced by generation and sync epoch. Heartbeats. */
  reconcile(ref: SessionRef & { cause: string }): Promise<SyncResult>;
  /**
   * The state in the volume's row; null when the session has none. `throwAway`: a review's copy, of which nothing is saved. Absent
   * for any other session.
   */
  inspectVolume(ref: SessionRef): Promise<{ state: VolumeState | null; throwAway?: true }>;
  /** Ends every process in the session but the agent. */
  quiesce(ref: SessionRef): Promise<void>;
  /** Reconciles until two scans agree; only on `live` or `kept`. `drained`: the volume may go. Heartbeats. */
  saveFiles(ref: SessionRef): Promise<{ drained: boolean; superseded: boolean; notSaved: number }>;
  /** Resolves at the 404 of this generation's pod and of older ones; a newer one is left alone. Does not wait for a lost node once its volume was discarded. */
  deletePod(ref: SessionRef): Promise<void>;
  /**
   * Deletes the volume only when its row says drained or discarded, or it was never loaded (or it belongs to a review run). A run that
   * was superseded deletes a drained or discarded one only.
   */
  deleteVolume(ref: SessionRef): Promise<{ deleted: boolean }>;
  /** Marks the volume as kept: `days` null means until saved or discarded by a person. */
  keepVolume(ref: SessionRef & { days: number | null }): Promise<void>;
  /** The last write: closed or failed, with its reason and event. False: superseded. */
  recordEnd(
    input: SessionRef & { phase: 'closed' | 'failed'; reason: PhaseReason; cause?: PodCause | null },
  ): Promise<{ current: boolean }>;
  /** Moves expires_at, with its event. */
  recordExtension(input: SessionRef & { until: string }): Promise<void>;
}

/** Why the watch of a session ended. */
export type WatchEnd = 'idle' | 'pod-lost' | 'expired' | 'copy-over' | 'node-lost' | 'node-back';

/** What a failed activity tells the workflow beside its message, as the failure's first detail. */
export interface CauseDetail {
  cause: PodCause | null;
  /** No further try helps. */
  hopeless: boolean;
}

/** The one long activity per session, on the watch queue. */
export interface WatchActivities {
  /** Signals requestSync when either side is dirty; reconciles by itself while Temporal does not answer. */
  watchSession(
    ref: SessionRef & {
      idleSeconds: number;
      bootId: string;
      /** The node is known to be lost: ends with `node-back` once the pod answers again. */
      nodeLost?: boolean;
    },
  ): Promise<{ end: WatchEnd; cause?: PodCause | null }>;
}
