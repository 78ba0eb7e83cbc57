import { z } from 'zod';
import { findPathProblem } from '#shared/domain/paths.ts';
import { RUN_STREAMS } from '#shared/domain/run.ts';

/*
 * The part of the agent's protocol that is about runs: commands that live on in the agent whatever becomes of those who
 * asked for them, are found again by their id, and are kept with their output until somebody says that they have it.
 */

/** Runs of one session that run at once. */
export const MAX_RUNNING_RUNS = 8;
/** Runs that have ended and that nobody has taken yet; beyond it the oldest go. */
export const MAX_KEPT_RUNS = 64;
/** Output that the agent holds of all its runs together, as far as it could grow. */
export const MAX_RUN_OUTPUT_BYTES = 64 * 1024 * 1024;
/** The most that is kept of each of the two outputs of a run. */
export const MAX_OUTPUT_LIMIT_BYTES = 8 * 1024 * 1024;
/** The longest that a run may be given. */
export const MAX_TIME_LIMIT_MS = 3_600_000;
/** The most that a run reads from its standard input. */
export const MAX_STDIN_BYTES = 512 * 1024;

const runId = z.string().regex(/^\d{1,10}$/);
const offset = z.int().min(0);
const text = z.string().max(32_768);
const stream = z.enum(RUN_STREAMS);

/** The kinds of requests about runs. */
export const RUN_REQUESTS = [
  /** Then the standard input as data, and `end`; answered by `AgentRunMessage`. An id that is known starts nothing. */
  z.strictObject({
    kind: z.literal('runs.start'),
    id: runId,
    argv: z.array(text).min(1).max(128),
    /** Where it begins, relative to the workspace; empty for its root. */
    folder: z.string().refine((value) => value === '' || findPathProblem(value) === null),
    environment: z.record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,99}$/), text),
    timeLimitMs: z.int().min(1).max(MAX_TIME_LIMIT_MS),
    outputLimitBytes: z.int().min(1).max(MAX_OUTPUT_LIMIT_BYTES),
  }),
  /** Answered by `AgentRunMessage` once it has ended. */
  z.strictObject({ kind: z.literal('runs.wait'), id: runId }),
  /** Ends everything that the run started. */
  z.strictObject({ kind: z.literal('runs.stop'), id: runId }),
  /** Somebody has what there is of it: it goes. */
  z.strictObject({ kind: z.literal('runs.forget'), id: runId }),
  /** Answered by `RunPart`s from those offsets on, until the run has ended or the caller leaves. */
  z.strictObject({ kind: z.literal('run'), id: runId, stdout: offset, stderr: offset }),
] as const;

const Output = z.strictObject({ bytes: offset, kept: offset });

/** A run as the agent tells it. `stopped`: why the agent ended it, null when it ended by itself. */
export const AgentRunMessage = z.strictObject({
  id: runId,
  running: z.boolean(),
  exitCode: z.int().nullable(),
  signal: z.string().max(20).nullable(),
  stopped: z.enum(['cancelled', 'time', 'session']).nullable(),
  stdout: Output,
  stderr: Output,
  durationMs: z.int().min(0),
});
/** A run as the agent tells it. */
export type AgentRunMessage = z.infer<typeof AgentRunMessage>;

/** What the agent says on a `run` channel: a piece of output, whose data follows; and last, that it has ended. */
export const RunPart = z.union([
  z.strictObject({ stream, bytes: z.int().min(1) }),
  z.strictObject({ ended: AgentRunMessage }),
]);
/** What the agent says on a `run` channel. */
export type RunPart = z.infer<typeof RunPart>;
