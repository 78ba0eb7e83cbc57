import type { PodCause } from '#shared/domain/podCause.ts';
import { PHASE_REASONS, type PhaseReason, type SessionPhase } from '#shared/domain/session.ts';
import { numberOf, readPayload, textOf, type FieldType, type ReadPayload } from '#workflows/session/session.guards.ts';

/** A wish to reconcile, waiting for its turn. Several are served by one reconcile. */
export interface SyncTicket {
  opId: string | null;
  cause: string;
  done: { seq: number; changed: number } | { failed: string } | null;
}

/** Why a session is in its phase; `cause` when its pod is to blame. */
export interface PhaseWhy {
  reason: PhaseReason | null;
  cause: PodCause | null;
}

/** The phase needs no explanation. */
export const ALL_WELL: PhaseWhy = { reason: null, cause: null };

/** What ends the live part of a run. */
export interface EndRequest {
  reason: PhaseReason;
  actor: string;
}

/** Something that an operator should see: an ignored message, a failed step. */
export interface Note {
  at: number;
  text: string;
}

/** The state that one run takes over from the one before it, and its times. */
export interface MachineStart {
  uuid: string;
  generation: number;
  phase: SessionPhase;
  syncSeq: number;
  recentOpIds: string[];
  /** The run before this one asked operators for attention. */
  needsAttention: boolean;
  now: number;
}

/** How many opIds are remembered to ignore a repeated message. */
export const REMEMBERED_OP_IDS = 200;
/** How many notes the current details show. */
export const SHOWN_NOTES = 10;
/** A pod may be lost this often within RECOVERY_WINDOW_MS before the session is given up. */
export const RECOVERY_TRIES = 3;
/** Losses further apart than this, in milliseconds, are counted anew. */
export const RECOVERY_WINDOW_MS = 600_000;
/** The longest time, in milliseconds, that one extension can reach ahead. */
export const LONGEST_EXTENSION_MS = 480 * 60_000;

/** The fields of the signals with their types. */
const FIELDS = {
  open: { opId: 'string', generation: 'number' },
  requestSync: { opId: 'string', cause: 'string', generation: 'number' },
  close: { opId: 'string', reason: 'string', actor: 'string' },
  extend: { opId: 'string', until: 'string', actor: 'string' },
} as const satisfies Record<string, Record<string, FieldType>>;

/** The forward moves of a run; any phase may also end as `saving`, because a close comes at any time. */
const NEXT: Readonly<Record<SessionPhase, readonly SessionPhase[]>> = {
  requested: ['provisioning', 'saving'],
  provisioning: ['loading', 'saving'],
  loading: ['running', 'saving'],
  running: ['recovering', 'saving'],
  recovering: ['running', 'saving'],
  saving: ['closing'],
  closing: ['closed', 'failed'],
  closed: [],
  failed: [],
};

/** True when a run may move from one phase to the other; staying (with another reason) is always allowed. */
export function canMove(from: SessionPhase, to: SessionPhase): boolean {
  return from === to || NEXT[from].includes(to);
}

/** What becomes of the volume after the last save: removed, kept until a person decides, or kept for seven days. */
export type VolumeFate = 'remove' | 'keep' | 'keep-week';

/**
 * Decides about the volume. Files that are not saved by rule (too large, say) keep a volume on which all else is saved
 * for a week; anything else that is in no other place keeps it until a person decides.
 */
export function volumeFate(save: { drained: boolean; notSaved: number }): VolumeFate {
  if (save.drained) return 'remove';
  return save.notSaved > 0 ? 'keep-week' : 'keep';
}

/** The rules of one run of a session: what messages do, when it ends, what operators read. Plain data, no I/O. */
export class SessionMachine {
  readonly uuid: string;
  readonly generation: number;
  phase: SessionPhase;
  reason: PhaseReason | null = null;
  cause: PodCause | null = null;
  since: number;
  syncSeq: number;
  /** Syncs that wait for the main loop. */
  syncs: SyncTicket[] = [];
  /** Times (milliseconds since 1970) until which the session shall be held open; null: one idle period more. */
  extensions: (number | null)[] = [];
  /** The generation that replaces this run, null while there is none. */
  nextGeneration: number | null = null;
  end: EndRequest | null = null;
  /** The row has another generation: every write of this run meets 0 rows. */
  superseded = false;
  /** The run has torn down; whoever waits may go. */
  settled = false;
  needsAttention: boolean;
  notes: Note[] = [];
  private readonly opIds: Set<string>;
  private losses: number[] = [];

  constructor(start: MachineStart) {
    this.uuid = start.uuid;
    this.generation = start.generation;
    this.phase = start.phase;
    this.since = start.now;
    this.syncSeq = start.syncSeq;
    this.needsAttention = start.needsAttention;
    this.opIds = new Set(start.recentOpIds);
  }

  /** The live part must stop: a close, a newer generation, or a row that has moved on. */
  get ending(): boolean {
    return this.end !== null || this.nextGeneration !== null || this.superseded;
  }

  /** Messages wait for the main loop. */
  get hasWork(): boolean {
    return this.syncs.length > 0 || this.extensions.length > 0;
  }

  /** The opIds that the next run must still recognise. */
  get recentOpIds(): string[] {
    return [...this.opIds];
  }

  /** Moves to a phase. Throws on a move that the rules forbid: that is a fault of the caller. */
  moveTo(phase: SessionPhase, why: PhaseWhy, now: number): void {
    if (!canMove(this.phase, phase)) throw new Error(`A session cannot go from ${this.phase} to ${phase}.`);
    this.phase = phase;
    this.reason = why.reason;
    this.cause = why.cause;
    this.since = now;
  }

  /** Writes something down for operators; the newest are kept. */
  note(text: string, now: number): void {
    this.notes = [...this.notes, { at: now, text }].slice(-SHOWN_NOTES);
  }

  /** `open`: a higher generation replaces this run. Without a generation it is noted and ignored. */
  receiveOpen(payload: unknown, now: number): void {
    const read = this.read('open', payload, now);
    if (read === null) return;
    const generation = numberOf(read, 'generation');
    if (generation === undefined) {
      this.note('open was ignored: it needs a generation; use Open on the session’s page instead', now);
      return;
    }
    if (generation > Math.max(this.generation, this.nextGeneration ?? 0)) this.nextGeneration = generation;
  }

  /** `close`: ends the live part in order. Without a reason: `operator`. A second close changes nothing. */
  receiveClose(payload: unknown, now: number): void {
    const read = this.read('close', payload, now);
    if (read === null) return;
    const wanted = textOf(read, 'reason');
    const reason = PHASE_REASONS.find((known) => known === wanted) ?? 'operator';
    this.requestEnd({ reason, actor: textOf(read, 'actor') ?? 'operator' });
  }

  /** `requestSync`: queues a reconcile whatever the payload is; one of another generation is an old watcher's. */
  receiveSync(payload: unknown, now: number): void {
    const read = readPayload(payload, FIELDS.requestSync);
    if (read.problem !== null) this.note(`requestSync: ${read.problem}; synced all the same`, now);
    const generation = numberOf(read, 'generation');
    if (generation !== undefined && generation !== this.generation) return;
    const opId = textOf(read, 'opId') ?? null;
    if (!this.isNew(opId)) return;
    this.enqueueSync(opId, textOf(read, 'cause') ?? 'signal');
  }

  /** `extend`: holds the session open until a time, at most eight hours ahead; without one, one idle period more. */
  receiveExtend(payload: unknown, now: number): void {
    const read = this.read('extend', payload, now);
    if (read === null || !this.isNew(textOf(read, 'opId') ?? null)) return;
    const until = textOf(read, 'until');
    const time = until === undefined ? null : Date.parse(until);
    if (time !== null && (Number.isNaN(time) || time <= now)) {
      this.note(`extend was ignored: until must be a time ahead in ISO 8601, got ${JSON.stringify(until)}`, now);
      return;
    }
    this.extensions.push(time === null ? null : Math.min(time, now + LONGEST_EXTENSION_MS));
  }

  /** A signal that no handler knows. */
  receiveUnknown(name: string, now: number): void {
    this.note(`the signal ${JSON.stringify(name.slice(0, 100))} is not known and was ignored`, now);
  }

  /** Queues a reconcile and returns its ticket, which is settled by the main loop. Once ending there is none to come. */
  enqueueSync(opId: string | null, cause: string): SyncTicket {
    const ticket: SyncTicket = { opId, cause, done: null };
    if (this.ending || this.settled) ticket.done = { failed: 'the session is closing' };
    else this.syncs.push(ticket);
    return ticket;
  }

  /** Takes all the waiting syncs; one reconcile serves them. */
  takeSyncs(): SyncTicket[] {
    const taken = this.syncs;
    this.syncs = [];
    return taken;
  }

  /** Takes the oldest extension as a time, counted from now with `idleMs` when it named none; null when none waits. */
  takeExtension(now: number, idleMs: number): number | null {
    const extension = this.extensions.shift();
    if (extension === undefined) return null;
    return extension ?? now + idleMs;
  }

  /** Settles tickets after one reconcile. */
  syncDone(tickets: SyncTicket[], outcome: { changed: number } | { failed: string }): void {
    if ('changed' in outcome) this.syncSeq += 1;
    for (const ticket of tickets) {
      ticket.done = 'changed' in outcome ? { seq: this.syncSeq, changed: outcome.changed } : outcome;
    }
  }

  /** Asks the run to end; the first reason stays. */
  requestEnd(end: EndRequest): void {
    this.end ??= end;
  }

  /** Why the run ends, as recorded in the row. */
  get endReason(): PhaseReason {
    if (this.end !== null) return this.end.reason;
    return this.nextGeneration !== null || this.superseded ? 'superseded' : 'operator';
  }

  /** Counts a lost pod. False: lost so often in a short time that another try is pointless. */
  mayRecover(now: number): boolean {
    this.losses = [...this.losses.filter((at) => now - at < RECOVERY_WINDOW_MS), now];
    return this.losses.length <= RECOVERY_TRIES;
  }

  /** Everything is torn down: waiting handlers may answer, and syncs that were not served are told so. */
  settle(): void {
    this.settled = true;
    this.syncDone(this.takeSyncs(), { failed: 'the session has closed' });
  }

  private read(name: keyof typeof FIELDS, payload: unknown, now: number): ReadPayload | null {
    const read = readPayload(payload, FIELDS[name]);
    if (read.problem === null) return read;
    this.note(`${name} was ignored: ${read.problem}`, now);
    return null;
  }

  private isNew(opId: string | null): boolean {
    if (opId === null) return true;
    if (this.opIds.has(opId)) return false;
    this.opIds.add(opId);
    for (const oldest of this.opIds) {
      if (this.opIds.size <= REMEMBERED_OP_IDS) break;
      this.opIds.delete(oldest);
    }
    return true;
  }
}
