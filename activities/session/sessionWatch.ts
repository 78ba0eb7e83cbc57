import { isAppError } from '#shared/domain/errors.ts';
import type { AgentActivity, AgentClient } from '#platform/agent/AgentClient.ts';
import { writeWaitingCause } from '#platform/db/repositories/sessionCauses.ts';
import { publishClosingSoon } from '#platform/db/repositories/sessionActivity.ts';
import { findCopyRefusal } from '#platform/db/repositories/runningCopies.ts';
import { findSessionById, type SessionRecord } from '#platform/db/repositories/sessions.ts';
import type { PodCause } from '#shared/domain/podCause.ts';
import { dirtyPaths } from '#platform/db/repositories/syncBase.ts';
import type { SessionActivities, SessionRef, WatchEnd } from '#workflows/session/session.ports.ts';
import { askSync } from '#activities/session/askSync.ts';
import type { ActivityDeps } from '#activities/session/deps.ts';
import { judgeIdle, type IdleFacts, type IdleReason } from '#activities/session/idleRule.ts';
import { isRuntimeSilent } from '#activities/session/podCauses.ts';
import { SyncPacer } from '#activities/session/syncPacer.ts';

/** An agent that does not answer for this long, in milliseconds, though its pod runs, counts as lost. */
const SILENT_AGENT_MS = 60_000;
/** Hints get lost: the volume is looked at again after this time, in milliseconds, whatever was told. */
const LOOK_ANYWAY_MS = 300_000;
/** A sync that was asked for must have begun after this time, in milliseconds; else the watch reconciles itself. */
const SYNC_BEGINS_MS = 10_000;

/** What one session is watched for. */
export interface WatchInput extends SessionRef {
  idleSeconds: number;
  bootId: string;
  nodeLost?: boolean;
}

/** Why a watch ends; `cause` when a pod was lost. */
export interface WatchVerdict {
  end: WatchEnd;
  cause: PodCause | null;
}

type WatchDeps = ActivityDeps & Pick<SessionActivities, 'reconcile'>;

/** Watches one session: call `look` at every hint and regularly; it answers why the watch ends, or null. */
export class SessionWatch {
  private readonly deps: WatchDeps;
  private readonly input: WatchInput;
  private readonly pacer = new SyncPacer();
  private readonly wake: () => void;
  /** Pod or agent changed: look at once. */
  private lookNow = true;
  private client: AgentClient | null = null;
  private stopHints: () => void = () => undefined;
  private unreadableSince: number | null = null;
  private silentSince: number | null = null;
  private lastLookAt = 0;
  private toldCause: PodCause | null = null;
  private warnedFor: number | null = null;
  /** The state of the `.git` folders for which a sync was asked last. */
  private askedForGit: string | null = null;
  private lastJob: { name: string; seenAt: number } | null = null;
  /** The last signs of a person and of a program, in milliseconds since 1970. */
  private signs = { personAt: 0, programAt: 0 };
  private expectEpoch: { above: number; by: number } | null = null;

  constructor(deps: WatchDeps, input: WatchInput, wake: () => void) {
    this.deps = deps;
    this.input = input;
    this.wake = wake;
  }

  /** The database may have news for the volume. */
  databaseChanged(): void {
    this.pacer.mark('database', Date.now());
    this.wake();
  }

  /** The pod or the stream to its agent may have changed. */
  podChanged(): void {
    this.lookNow = true;
    this.wake();
  }

  /** True when a hint asks for a look before its time; asking takes the hint. */
  takeLookHint(): boolean {
    const asked = this.lookNow;
    this.lookNow = false;
    return asked;
  }

  /** When `sync` wants to be called, in milliseconds since 1970; null when nothing is dirty. */
  get dueAt(): number | null {
    return this.pacer.dueAt;
  }

  /** Ends the hints. */
  stop(): void {
    this.stopHints();
  }

  /** Looks at pod, agent and activity once. */
  async look(): Promise<WatchVerdict | null> {
    const activity = await this.readActivity();
    if (activity === null) return this.judgeSilence();
    this.silentSince = this.unreadableSince = null;
    if (this.input.nodeLost) return { end: 'node-back', cause: null };
    // Another boot: the container was restarted, and its shells with it.
    if (activity.bootId !== this.input.bootId) return { end: 'pod-lost', cause: await this.readRestartCause() };
    if (Date.now() - this.lastLookAt > LOOK_ANYWAY_MS) this.volumeChanged();
    this.noticeGit(activity);
    const end = await this.judgeActivity(activity);
    return end === null ? null : { end, cause: null };
  }

  /** Asks for a sync when one is due, or reconciles by itself while Temporal does not answer. */
  async sync(): Promise<void> {
    const now = Date.now();
    const sides = this.pacer.take(now);
    // Nobody can reach the volume; the watch that follows the node's return looks at both sides.
    if (this.input.nodeLost) return;
    const overdue = await this.isOverdue(now);
    if (sides.size === 0 && !overdue) return;
    const cause = sides.has('volume') ? 'changes in the session' : 'changes in the editor';
    if (
      !overdue &&
      !sides.has('volume') &&
      (await dirtyPaths(this.deps.database, this.input.sessionId, 1)).length === 0
    ) {
      return;
    }
    this.pacer.asked(now);
    const session = await findSessionById(this.deps.database, this.input.sessionId);
    const answer = overdue ? 'away' : await askSync(this.deps.temporal, this.input, cause);
    if (answer === 'asked') this.expectSync(session?.syncEpoch ?? 0, now);
    if (answer === 'away') await this.reconcileAlone();
  }

  /** The first of the asks that nothing followed counts: a program that never pauses would put off the deadline for ever. */
  private expectSync(syncEpoch: number, now: number): void {
    if (this.expectEpoch !== null && syncEpoch <= this.expectEpoch.above) return;
    this.expectEpoch = { above: syncEpoch, by: now + SYNC_BEGINS_MS };
  }

  /** True when a sync was asked for and nothing has begun: the workers of the workflow may be away. */
  private async isOverdue(now: number): Promise<boolean> {
    if (this.expectEpoch === null || now < this.expectEpoch.by) return false;
    const { above } = this.expectEpoch;
    this.expectEpoch = null;
    const session = await findSessionById(this.deps.database, this.input.sessionId);
    return session?.generation === this.input.generation && session.phase === 'running' && session.syncEpoch <= above;
  }

  private async reconcileAlone(): Promise<void> {
    const { sessionId, uuid, generation } = this.input;
    try {
      const { more } = await this.deps.reconcile({ sessionId, uuid, generation, cause: 'Temporal does not answer' });
      if (more) this.volumeChanged();
    } catch (error) {
      // Another reconcile or opening was faster; theirs counts.
      if (isAppError(error, 'STALE_GENERATION')) return;
      this.deps.log.warn({ err: error, session: uuid }, 'a sync without Temporal failed; trying again');
      this.volumeChanged();
    }
  }

  /** A `.git` folder that has changed and come to rest since is saved by the next sync. */
  private noticeGit({ git }: AgentActivity): void {
    if (git === null || git.token === this.askedForGit) return;
    if (git.quietMs < this.deps.config.GIT_QUIET_SECONDS * 1_000) return;
    this.askedForGit = git.token;
    this.volumeChanged();
  }

  private volumeChanged(): void {
    this.lastLookAt = Date.now();
    this.pacer.mark('volume', this.lastLookAt);
    this.wake();
  }

  private async readActivity(): Promise<AgentActivity | null> {
    try {
      const client = await this.connect();
      return await client.activity();
    } catch (error) {
      if (!isAppError(error, 'AGENT_UNREACHABLE')) throw error;
      return null;
    }
  }

  /** A live client with its hints. After a reconnect everything may have changed. */
  private async connect(): Promise<AgentClient> {
    const { uuid, generation } = this.input;
    if (this.client !== null && !this.client.closed) return this.client;
    this.stopHints();
    const client = await this.deps.agentPool.get(uuid, generation, 2_000);
    this.stopHints = await client.watch(() => this.volumeChanged());
    this.client = client;
    // Look at the pod as soon as the stream ends, not at the next turn.
    void client.ended.then(() => this.podChanged());
    this.volumeChanged();
    return client;
  }

  /** Why the container was started anew, as far as the runtime knows. */
  private async readRestartCause(): Promise<PodCause> {
    return (await this.deps.runtime.status(this.input.uuid)).cause ?? 'process-ended';
  }

  private async judgeSilence(): Promise<WatchVerdict | null> {
    const now = Date.now();
    const state = await this.deps.runtime.status(this.input.uuid);
    const { status, cause } = state;
    // Berth removes no pod that it watches: one without a trace was removed by somebody else.
    if (status === 'gone') return { end: 'pod-lost', cause: cause ?? 'pod-deleted' };
    if (status === 'unknown') return this.judgeUnknown(isRuntimeSilent(state) ? 'cluster-unreachable' : 'node-lost');
    this.unreadableSince = null;
    this.silentSince ??= now;
    return now - this.silentSince > SILENT_AGENT_MS ? { end: 'pod-lost', cause } : null;
  }

  /** Nothing is decided while nothing is known; after a while people are told what does not answer. */
  private async judgeUnknown(cause: PodCause): Promise<WatchVerdict | null> {
    this.unreadableSince ??= Date.now();
    if (this.input.nodeLost) {
      // They were told already; the API server may be back, and say that it is the node now, or the other way round.
      if (cause !== this.toldCause) await writeWaitingCause(this.deps.database, this.input, cause);
      this.toldCause = cause;
      return null;
    }
    const lost = Date.now() - this.unreadableSince > this.deps.config.NODE_LOST_SECONDS * 1_000;
    return lost ? { end: 'node-lost', cause } : null;
  }

  private async judgeActivity(activity: AgentActivity): Promise<WatchEnd | null> {
    const session = await findSessionById(this.deps.database, this.input.sessionId);
    // Another generation's run ends this watch; until then it has no say.
    if (session === null || session.generation !== this.input.generation) return null;
    const isCopy = session.kind === 'review_run';
    if (isCopy && (await findCopyRefusal(this.deps.database, session)) !== null) return 'copy-over';
    const verdict = judgeIdle(this.idleFacts(activity, session));
    // The row's own word for a session that was open for as long as it may be.
    if (verdict.verdict === 'end') return verdict.reason === 'job' ? 'expired' : verdict.reason;
    if (verdict.verdict === 'closing-soon') await this.warn(verdict);
    return null;
  }

  private idleFacts(activity: AgentActivity, session: SessionRecord): IdleFacts {
    const now = Date.now();
    if (activity.foregroundJob !== null) this.lastJob = { name: activity.foregroundJob, seenAt: now };
    // An agent that tells nothing of typing is taken for one where somebody types: it knows no cap.
    const typedAt = now - (activity.untypedSeconds ?? activity.idleSeconds) * 1_000;
    this.signs = {
      personAt: Math.max(typedAt, session.lastActivityAt.getTime()),
      programAt: Math.max(now - activity.idleSeconds * 1_000, this.lastJob?.seenAt ?? 0),
    };
    const { SESSION_CLOSING_SOON_SECONDS, SESSION_JOB_SECONDS, RUNNING_COPY_JOB_SECONDS } = this.deps.config;
    const jobSeconds = session.kind === 'review_run' ? RUNNING_COPY_JOB_SECONDS : SESSION_JOB_SECONDS;
    return {
      ...this.signs,
      now,
      idleMs: this.input.idleSeconds * 1_000,
      jobMs: jobSeconds * 1_000,
      heldUntil: session.expiresAt?.getTime() ?? null,
      warnMs: SESSION_CLOSING_SOON_SECONDS * 1_000,
    };
  }

  /** Tells people once for each time of closing; activity moves it by more than a second. */
  private async warn({ at, reason }: { at: number; reason: IdleReason }): Promise<void> {
    if (this.warnedFor !== null && Math.abs(at - this.warnedFor) < 5_000) return;
    this.warnedFor = at;
    const { personAt, programAt } = this.signs;
    // The job that is to blame for the cap, or whose end was the last that happened.
    const isJobs =
      reason === 'job' || (reason === 'idle' && (this.lastJob?.seenAt ?? 0) >= Math.max(personAt, programAt));
    const since = reason === 'job' ? personAt : Math.max(personAt, programAt);
    await publishClosingSoon(this.deps.database, {
      sessionId: this.input.sessionId,
      at: new Date(at),
      reason,
      since: new Date(since),
      job: isJobs ? (this.lastJob?.name ?? null) : null,
    });
  }
}
