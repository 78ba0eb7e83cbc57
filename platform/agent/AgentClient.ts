import type { GitLook, GitNews, GitPacked, GitUnpacked } from '#shared/contracts/agentGit.ts';
import type { RunStream } from '#shared/domain/run.ts';
import type { TerminalSize } from '#shared/contracts/terminal.ts';
import type { AgentPorts } from '#platform/agent/agentPorts.ts';
import type { AgentRecordings } from '#platform/agent/agentRecordings.ts';

/** One entry of the volume as the agent found it. `sha256` is over the file's bytes or the symlink's target. */
export interface ManifestEntry {
  path: string;
  type: 'file' | 'folder' | 'symlink';
  sha256: string | null;
  size: number;
  executable: boolean;
  /** The kept path at which it was before and no longer is: a hint that it was renamed. */
  movedFrom?: string | undefined;
}

/** Something on the volume that is not saved, and why (ignored, too-large, special, bad-name, outside-link, too-deep, too-many). */
export interface NotSavedEntry {
  path: string;
  reason: string;
}

/** A whole scan of the volume. `complete` false (an unreadable folder, say) is never evidence of a deletion. */
export interface Manifest {
  entries: ManifestEntry[];
  notSaved: NotSavedEntry[];
  complete: boolean;
  /** The id in the sentinel file `.berth-volume`, null when it is missing. */
  volumeId: number | null;
  bootId: string;
}

/** One change to the volume. `expected` is the digest that must be there, null for "nothing there". */
export type AgentChange =
  | {
      op: 'write';
      path: string;
      type: 'file' | 'symlink';
      expected: string | null;
      bytes: Uint8Array;
      sha256: string;
      executable: boolean;
    }
  | { op: 'mkdir'; path: string }
  | { op: 'remove'; path: string; expected: string | null; type: 'file' | 'folder' | 'symlink' }
  | { op: 'rename'; from: string; to: string; expected: string | null };

/**
 * What became of one change. `applied`: it is on the volume. `unexpected`: something else was there, nothing was changed
 * (`found` is its digest, null for nothing). `displaced`: it is on the volume, and bytes that a program wrote in the very
 * moment were put aside at `copy`. `refused`: not possible, `reason` says why.
 */
export type ChangeOutcome =
  | { outcome: 'applied' }
  | { outcome: 'unexpected'; found: string | null }
  | { outcome: 'displaced'; copy: string }
  | { outcome: 'refused'; reason: string };

/** A terminal as the agent tells it. `end` is the offset after the last byte of output. */
export interface AgentTerminal {
  id: string;
  name: string;
  title: string;
  running: boolean;
  exitCode: number | null;
  start: number;
  end: number;
}

/** What an attached terminal delivers. */
export interface TerminalListener {
  output(offset: number, data: Uint8Array): void;
  /** The ring no longer holds what was asked for; output goes on at `offset`. */
  reset(offset: number): void;
  exit(exitCode: number | null): void;
  /** The program's terminal has all input up to this number. */
  taken?(seq: number): void;
  /** The stream to the agent ended; attach again on a new client. */
  closed(): void;
}

/** One attachment to a terminal. */
export interface TerminalAttachment {
  /** The last input number of this client that reached the PTY. */
  readonly lastInputSeq: number;
  readonly offset: number;
  readonly reset: boolean;
  /** Where the output ended at the moment of joining: what lies before it is replay. */
  readonly end?: number;
  /** Bytes of input that may be under way; an older agent takes it at once, and loses what a program does not read. */
  readonly inputWindow?: number;
  input(seq: number, data: Uint8Array): void;
  resize(size: TerminalSize): void;
  /** Everything before `offset` was taken by the reader: the agent sends at most its window beyond that. */
  ack(offset: number): void;
  /** False: this reader does not hold the PTY back (hidden tab). */
  counts(counting: boolean): void;
  detach(): void;
  /** The reader was lost without a word: what it had not acknowledged is kept for it for a while. */
  drop(): void;
}

/** A run as the agent tells it. `bytes` is what the program put out, `kept` what of it is held, from the first byte on. */
export interface AgentRun {
  id: string;
  running: boolean;
  exitCode: number | null;
  signal: string | null;
  /** Why the agent ended it; null when it ended by itself, or runs. */
  stopped: 'cancelled' | 'time' | 'session' | null;
  stdout: { bytes: number; kept: number };
  stderr: { bytes: number; kept: number };
  durationMs: number;
}

/** A piece of a run's output, or last its end. */
export type AgentRunPart = { stream: RunStream; offset: number; bytes: Uint8Array } | { ended: AgentRun };

/** What to run. `folder` is relative to the workspace, empty for its root. */
export interface AgentRunStart {
  id: string;
  argv: string[];
  folder: string;
  environment: Record<string, string>;
  stdin: Uint8Array;
  timeLimitMs: number;
  outputLimitBytes: number;
}

/**
 * The runs of a session, named by ids that are never used twice. All but `start` reject with RUN_NOT_FOUND; all with
 * RUN_REFUSED when the agent is of a release that knows no runs.
 */
export interface AgentRuns {
  /** Starts a run, at most once for each id. Rejects with RUN_LIMIT, RUN_REFUSED or SESSION_NOT_RUNNING. */
  start(run: AgentRunStart): Promise<AgentRun>;
  /** Resolves once it has ended, however long that takes. */
  wait(id: string): Promise<AgentRun>;
  /** Asks it to end: SIGTERM, SIGKILL after 2 s, to everything that it started. */
  stop(id: string): Promise<void>;
  /** Its output from those offsets on, as it comes, then its end. Rejects with AGENT_UNREACHABLE once the signal says to leave. */
  follow(id: string, from: Readonly<Record<RunStream, number>>, leave?: AbortSignal): AsyncIterable<AgentRunPart>;
  /** Somebody has it all: the agent lets it go once it has ended. */
  forget(id: string): Promise<void>;
}

/** What the session has been doing; drives the idle rule. Seconds since the last of each, null for never. */
export interface AgentActivity {
  bootId: string;
  /** Seconds since the last sign of life: a key, output, or a job in the foreground. */
  idleSeconds: number;
  /** Seconds since a person typed or opened a terminal; an older agent does not tell. */
  untypedSeconds?: number | undefined;
  foregroundJob: string | null;
  /** All `.git` folders together, null while nobody watches the volume and where there are none. */
  git: GitNews | null;
}

/** Which state of a `.git` folder is to be packed; `ended`: no program runs any more, so that a lock was left behind. */
export interface GitPackOrder {
  syncEpoch: number;
  path: string;
  fingerprint: string;
  maxBytes: number;
  ended: boolean;
}

/** A packed `.git` folder on its way to a volume. */
export interface GitPackToSend {
  syncEpoch: number;
  path: string;
  size: number;
  sha256: string;
  pieces: AsyncIterable<Uint8Array>;
}

/** How changes are applied. */
export interface ApplyOptions {
  syncEpoch: number | null;
  /** Flush once at the end instead of each file. */
  bulk: boolean;
  /** Nobody works on the volume yet, and it is filled again if this fails: new files need no detour to their place. */
  fresh?: boolean;
}

/**
 * One authenticated stream to the agent of a session. Everything it says is user input: paths, sizes and digests are
 * checked by the caller again. Every method rejects with AGENT_UNREACHABLE when the stream ends, and with
 * STALE_GENERATION when the agent serves a later generation or has seen a later sync epoch.
 */
export interface AgentClient {
  readonly bootId: string;
  readonly closed: boolean;
  /** Resolves when the stream has ended. */
  readonly ended: Promise<void>;

  /**
   * Scans the volume. A path in `keep` is reported whatever the ignore rules say: it has a row. A file that is not in it and
   * was not there at the last scan may come without a digest.
   */
  manifest(options: { syncEpoch: number; keep: string[] }): Promise<Manifest>;
  /** Reads files; what changed under the reading or is gone is left out. Verified by length and SHA-256. */
  read(
    paths: string[],
  ): AsyncIterable<{ path: string; type: 'file' | 'symlink'; bytes: Uint8Array; sha256: string; executable: boolean }>;
  /** Applies changes in order; one outcome each. */
  apply(changes: AgentChange[], options: ApplyOptions): Promise<ChangeOutcome[]>;
  /** Whether the agent can pack `.git` folders; one of an earlier release cannot. */
  readonly packsGit: boolean;
  /** Looks at `.git` folders; what is none any more is left out. */
  lookAtGit(paths: string[], options: { syncEpoch: number; maxBytes: number }): Promise<GitLook[]>;
  /** Hands over a packed `.git` folder piece by piece; worth something only when it resolves with `packed`. Verified by length and SHA-256. */
  packGit(order: GitPackOrder, take: (piece: Uint8Array) => Promise<void>): Promise<GitPacked>;
  /** Unpacks a `.git` folder where none is; rejects with what `pieces` throws. */
  unpackGit(pack: GitPackToSend): Promise<GitUnpacked>;
  /** Calls back when something on the volume may have changed; a hint. Returns the way to stop. */
  watch(changed: (paths: string[]) => void): Promise<() => void>;

  listTerminals(): Promise<AgentTerminal[]>;
  openTerminal(options: { name: string | null; size: TerminalSize }): Promise<AgentTerminal>;
  renameTerminal(id: string, name: string): Promise<void>;
  closeTerminal(id: string): Promise<void>;
  /** Joins a terminal after `offset` (null: all that the ring holds). Rejects with TERMINAL_NOT_FOUND. */
  attach(
    id: string,
    options: { clientId: string; offset: number | null; size: TerminalSize; counts: boolean },
    listener: TerminalListener,
  ): Promise<TerminalAttachment>;

  readonly runs: AgentRuns;
  readonly recordings: AgentRecordings;
  readonly ports: AgentPorts;

  activity(): Promise<AgentActivity>;
  /** Refuses new channels and ends every process but the agent: SIGHUP, SIGKILL after `graceMs`. Resolves when all are gone. */
  quiesce(options: { graceMs: number }): Promise<void>;
  /** Ends this stream; the agent and its terminals go on. */
  close(): void;
}

/** Shared streams to agents, one per session and process, made on demand, dropped when unused or broken. */
export interface AgentPool {
  /** A live client of that generation. Rejects with AGENT_UNREACHABLE when it cannot be had within `deadlineMs` (default 5,000). */
  get(uuid: string, generation: number, deadlineMs?: number): Promise<AgentClient>;
  close(): Promise<void>;
}
