import { z } from 'zod';
import { GIT_REQUESTS, GitNews } from '#shared/contracts/agentGit.ts';
import { PORT_REQUESTS } from '#shared/contracts/agentPorts.ts';
import { RUN_REQUESTS } from '#shared/contracts/agentRuns.ts';
import { TerminalSize } from '#shared/contracts/terminal.ts';
import { findPathProblem, RESERVED_PREFIX } from '#shared/domain/paths.ts';
import { MAX_HELD_RECORDINGS, RECORDING_ENDS } from '#shared/domain/recording.ts';

/*
 * The stream between the control plane and the agent of a session: TLS 1.2 with a pre-shared key, then frames
 * (shared/domain/frames.ts) of many channels (shared/domain/channel.ts). The control plane opens the channels. Everything
 * that either side says is checked by these schemas on arrival.
 */

/** Raised by every change that an older peer would misunderstand. */
export const AGENT_PROTOCOL_VERSION = 1;
/** Both ends prove the key of this very session and generation in the handshake, over TCP and over the Unix socket alike. */
export const AGENT_TLS_CIPHERS = 'ECDHE-PSK-CHACHA20-POLY1305';
/** The identity that a caller shows; the key is what counts. */
export const AGENT_PSK_IDENTITY = 'berth';
/** Each side asks for a sign of life so often. */
export const PING_EVERY_MS = 10_000;
/** A side that was silent for so long is dead: three pings without an answer. */
export const DEAD_AFTER_MS = 3 * PING_EVERY_MS;

/** The file on a volume that says which volume it is. */
export const SENTINEL_NAME = `${RESERVED_PREFIX}volume`;
/** Content of the sentinel. */
export const Sentinel = z.object({ volumeId: z.int().positive() });

/** Output that a terminal keeps for those who come back. */
export const RING_BYTES = 1024 * 1024;
/** Terminals of one session. */
export const MAX_TERMINALS = 16;
/** A reader that owes acknowledgements and has sent none for so long holds no program back. */
export const SILENT_AFTER_MS = 2_000;
/** How long what a lost reader had not acknowledged, and what follows, is kept from being overwritten. */
export const PIN_MS = 30_000;

const path = z.string().refine((value) => findPathProblem(value) === null, { message: 'is not an allowed path' });
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const size = z.int().min(0);
const offset = z.int().min(0);
const terminalId = z.string().min(1).max(64);
const itemType = z.enum(['file', 'folder', 'symlink']);

/**
 * First frame of the caller. One that `takesUndigested` gets manifests in which a new file that is not kept comes without a
 * digest: it will be read anyway. One that `takesMovedFrom` is told where a new file or folder was before, one
 * that `takesUntyped` since when nobody has typed, one that `takesInputTaken` how much of what it typed a terminal took. An older
 * caller does not say so, and an older agent does not care.
 */
export const CallerHello = z.object({
  protocol: z.int(),
  generation: z.int().min(1),
  takesUndigested: z.boolean().default(false),
  takesMovedFrom: z.boolean().default(false),
  takesUntyped: z.boolean().default(false),
  takesInputTaken: z.boolean().default(false),
});
/** First frame of the caller. */
export type CallerHello = z.infer<typeof CallerHello>;
/**
 * First frame of the agent. `bootId` is new with every start of the agent. One that `takesFresh` knows changes of a volume
 * that nobody works on yet; one that `packsGit` knows the requests about `.git` folders, one that `takesRuns` those about
 * runs, one that `takesDials` those about ports.
 */
export const AgentHello = z.object({
  protocol: z.int(),
  generation: z.int().min(1),
  bootId: z.string().min(8).max(64),
  takesFresh: z.boolean().default(false),
  packsGit: z.boolean().default(false),
  takesRuns: z.boolean().default(false),
  takesDials: z.boolean().default(false),
});
/** First frame of the agent. */
export type AgentHello = z.infer<typeof AgentHello>;

/** What a channel is opened for. */
export const AgentRequest = z.discriminatedUnion('kind', [
  /**
   * Then one message per batch of kept paths and `end`; answered by batches of `ManifestPart`. What was applied in the
   * same sync epoch and has not changed since counts as what it was sent as.
   */
  z.strictObject({ kind: z.literal('manifest'), syncEpoch: z.int().min(0) }),
  /** Then batches of paths and `end`; answered by `ReadPart` messages, each file followed by its data. */
  z.strictObject({ kind: z.literal('read') }),
  /**
   * Then `ChangeMessage`s, a write followed by its data; answered by one `ChangeOutcomeMessage` each. `fresh`:
   * nobody works on the volume yet, and it is filled again if this fails, so new files are written in their place.
   */
  z.strictObject({
    kind: z.literal('apply'),
    syncEpoch: z.int().min(0).nullable(),
    bulk: z.boolean(),
    fresh: z.boolean().optional(),
  }),
  /** Answered by a `WatchPart` at once and at each hint, until closed. */
  z.strictObject({ kind: z.literal('watch') }),
  z.strictObject({ kind: z.literal('terminals.list') }),
  z.strictObject({
    kind: z.literal('terminals.open'),
    name: z.string().trim().min(1).max(60).nullable(),
    size: TerminalSize,
  }),
  z.strictObject({ kind: z.literal('terminals.rename'), id: terminalId, name: z.string().trim().min(1).max(60) }),
  z.strictObject({ kind: z.literal('terminals.close'), id: terminalId }),
  /** Joins a terminal: `PtyAnswer` messages and output come back, `PtyControl` messages and input go in. */
  z.strictObject({
    kind: z.literal('pty'),
    id: terminalId,
    clientId: z.string().min(8).max(64),
    offset: offset.nullable(),
    size: TerminalSize,
    counts: z.boolean(),
  }),
  ...RUN_REQUESTS,
  ...PORT_REQUESTS,
  /** Records a terminal from now on to a file on the volume, until it is stopped or reaches a limit. */
  z.strictObject({
    kind: z.literal('recordings.start'),
    id: z.uuid(),
    terminal: terminalId,
    maxBytes: z.int().min(1_024),
    maxSeconds: z.int().min(1).max(604_800),
    withInput: z.boolean(),
  }),
  z.strictObject({ kind: z.literal('recordings.stop'), id: z.uuid() }),
  z.strictObject({ kind: z.literal('recordings.list') }),
  /** Answered by the data of one that has ended. */
  z.strictObject({ kind: z.literal('recordings.read'), id: z.uuid() }),
  z.strictObject({ kind: z.literal('recordings.remove'), id: z.uuid() }),
  z.strictObject({ kind: z.literal('activity') }),
  z.strictObject({ kind: z.literal('quiesce'), graceMs: z.int().min(0).max(60_000) }),
  ...GIT_REQUESTS,
]);
/** What a channel is opened for. */
export type AgentRequest = z.infer<typeof AgentRequest>;

/** A batch of paths. */
export const PathBatch = z.strictObject({ paths: z.array(path).max(10_000) });

/** A part of a manifest: entries, what is not saved, and last the summary with the number of entries sent. */
export const ManifestPart = z.union([
  z.strictObject({
    entries: z.array(
      z.strictObject({
        path,
        type: itemType,
        sha256: sha256.nullable(),
        size,
        executable: z.boolean(),
        movedFrom: path.optional(),
      }),
    ),
  }),
  z.strictObject({ notSaved: z.array(z.strictObject({ path: z.string().max(8_000), reason: z.string().max(100) })) }),
  z.strictObject({
    complete: z.boolean(),
    volumeId: z.int().positive().nullable(),
    bootId: z.string().max(64),
    count: z.int().min(0),
  }),
]);
/** A part of a manifest. */
export type ManifestPart = z.infer<typeof ManifestPart>;

/** A part of a reading: a file begins, a file ends (null: it changed meanwhile, forget it), all is done. */
export const ReadPart = z.union([
  z.strictObject({ file: path, type: z.enum(['file', 'symlink']), executable: z.boolean() }),
  z.strictObject({ sha256: sha256.nullable(), size }),
  z.strictObject({ done: z.literal(true), count: z.int().min(0) }),
]);
/** A part of a reading. */
export type ReadPart = z.infer<typeof ReadPart>;

/** One change; a write is followed by `size` bytes of data. */
export const ChangeMessage = z.discriminatedUnion('op', [
  z.strictObject({
    op: z.literal('write'),
    path: z.string(),
    type: z.enum(['file', 'symlink']),
    expected: sha256.nullable(),
    size,
    sha256,
    executable: z.boolean(),
  }),
  z.strictObject({ op: z.literal('mkdir'), path: z.string() }),
  z.strictObject({ op: z.literal('remove'), path: z.string(), expected: sha256.nullable(), type: itemType }),
  z.strictObject({ op: z.literal('rename'), from: z.string(), to: z.string(), expected: sha256.nullable() }),
]);
/** One change. */
export type ChangeMessage = z.infer<typeof ChangeMessage>;

/** What became of a change. */
export const ChangeOutcomeMessage = z.discriminatedUnion('outcome', [
  z.strictObject({ outcome: z.literal('applied') }),
  z.strictObject({ outcome: z.literal('unexpected'), found: sha256.nullable() }),
  z.strictObject({ outcome: z.literal('displaced'), copy: path }),
  z.strictObject({ outcome: z.literal('refused'), reason: z.string().max(500) }),
]);
/** What became of a change. */
export type ChangeOutcomeMessage = z.infer<typeof ChangeOutcomeMessage>;

/** A hint that these paths changed; an empty list: anything may have. */
export const WatchPart = z.strictObject({ changed: z.array(z.string().max(8_000)).max(1_000) });

/** A terminal as the agent tells it. */
export const AgentTerminalMessage = z.strictObject({
  id: terminalId,
  name: z.string().max(60),
  title: z.string().max(200),
  running: z.boolean(),
  exitCode: z.int().nullable(),
  start: offset,
  end: offset,
});
/** Answer to `terminals.list`. */
export const TerminalList = z.strictObject({ terminals: z.array(AgentTerminalMessage).max(2 * MAX_TERMINALS) });

/**
 * What the agent says on a `pty` channel: joined, reset (output goes on at `reset`), taken (the program's terminal has all input
 * up to that number), or ended with its exit code. A window comes with `joined` when the caller is told what was taken.
 */
export const PtyAnswer = z.union([
  z.strictObject({
    joined: z.strictObject({
      offset,
      reset: z.boolean(),
      end: offset,
      lastInputSeq: offset,
      inputWindow: z.int().positive().optional(),
    }),
  }),
  z.strictObject({ reset: offset }),
  z.strictObject({ taken: offset }),
  z.strictObject({ exit: z.int().nullable() }),
]);
/** What the agent says on a `pty` channel. */
export type PtyAnswer = z.infer<typeof PtyAnswer>;

/** What the caller says on a `pty` channel. A clean leave is the channel's `close`. */
export const PtyControl = z.union([
  z.strictObject({ ack: offset }),
  z.strictObject({ resize: TerminalSize }),
  z.strictObject({ counts: z.boolean() }),
]);
/** What the caller says on a `pty` channel. */
export type PtyControl = z.infer<typeof PtyControl>;

const RecordingStateMessage = z.strictObject({ id: z.uuid(), end: z.enum(RECORDING_ENDS).nullable() });
/** A recording that the agent holds, and why it ended; null while it is under way. */
export type RecordingState = z.infer<typeof RecordingStateMessage>;
/** Answer to `recordings.list`. */
export const RecordingList = z.strictObject({ recordings: z.array(RecordingStateMessage).max(MAX_HELD_RECORDINGS) });

/** Answer to `activity`. */
export const ActivityMessage = z.strictObject({
  bootId: z.string().max(64),
  /** Since the last sign of life: a key, output, or a job in the foreground. */
  idleSeconds: z.number().min(0),
  /** Since a person typed or opened a terminal; not from an agent that is older than this. */
  untypedSeconds: z.number().min(0).optional(),
  foregroundJob: z.string().max(100).nullable(),
  /** Null while nobody watches, and where there is no `.git` folder. */
  git: GitNews.nullable().default(null),
});
