import { z } from 'zod';
import type { SocketAnswer } from '#shared/contracts/terminal.ts';
import { Person, Timestamp } from '#shared/contracts/user.ts';
import { findPathProblem } from '#shared/domain/paths.ts';
import { RUN_LIMITS, RUN_STATUSES, type RunStream } from '#shared/domain/run.ts';

/** Bytes of all variables that are added to the environment of a run, names and values. */
const MAX_ENVIRONMENT_CHARACTERS = 16_384;

const text = (maximum: number) =>
  z
    .string()
    .max(maximum)
    .refine((value) => !value.includes('\0') && value.isWellFormed(), {
      message: 'holds a NUL or is no valid Unicode',
    });
const path = z.string().refine((value) => findPathProblem(value) === null, { message: 'is not an allowed path' });
const variableName = z
  .string()
  .max(100)
  .regex(/^(?!BERTH_)[A-Za-z_][A-Za-z0-9_]*$/, 'is not the name of a variable, or begins with BERTH_');

/** Body of a new run: a command for the shell, or a file that is run by its ending or the session's language. */
export const CreateRun = z
  .strictObject({
    command: text(8_192)
      .refine((line) => line.trim() !== '', { message: 'is empty' })
      .optional(),
    file: path.optional(),
    /** Arguments of the file. */
    arguments: z.array(text(4_096)).max(100).default([]),
    /** The folder in which it begins, relative to the session's root; the root when not given. */
    folder: path.optional(),
    /** What it reads from its standard input. */
    stdin: text(128 * 1_024).default(''),
    /** Variables that are added to its environment. */
    environment: z.record(variableName, text(8_192)).default({}),
    timeLimitSeconds: z.int().min(1).optional(),
    /** Bytes that are kept of each of its outputs. */
    outputLimitBytes: z.int().min(1_024).optional(),
  })
  .refine((run) => (run.command === undefined) !== (run.file === undefined), { message: 'give a command or a file' })
  .refine((run) => run.command === undefined || run.arguments.length === 0, {
    path: ['arguments'],
    message: 'belong to a file; write those of a command into its line',
  })
  .refine((run) => run.arguments.join('').length <= MAX_ENVIRONMENT_CHARACTERS, {
    path: ['arguments'],
    message: 'are too long together',
  })
  .refine((run) => Object.entries(run.environment).flat().join('').length <= MAX_ENVIRONMENT_CHARACTERS, {
    path: ['environment'],
    message: 'is too long',
  });
export type CreateRun = z.infer<typeof CreateRun>;

/** One output of a run: `bytes` is what the program put out, `keptBytes` what of it is kept, from its beginning. */
export const RunOutput = z.object({ bytes: z.int(), keptBytes: z.int(), truncated: z.boolean() });

/** A run, or its receipt without the outputs themselves once it has ended. */
export const Run = z.object({
  id: z.int(),
  sessionUuid: z.uuid(),
  /** Null for a person who was erased. */
  requestedBy: Person.pick({ id: true, username: true }).nullable(),
  command: z.string().nullable(),
  file: z.string().nullable(),
  arguments: z.array(z.string()),
  folder: z.string(),
  /** Names of the variables that were added; their values are not kept. */
  environment: z.array(z.string()),
  stdinBytes: z.int(),
  timeLimitSeconds: z.int(),
  outputLimitBytes: z.int(),
  status: z.enum(RUN_STATUSES),
  /** What is to be said beside the status; null when that and the exit code say it all. */
  reason: z.string().nullable(),
  cancelRequested: z.boolean(),
  exitCode: z.int().nullable(),
  signal: z.string().nullable(),
  stdout: RunOutput,
  stderr: RunOutput,
  limitsHit: z.array(z.enum(RUN_LIMITS)),
  /** Names the saved files that it began with; null when the session could not say that it has nothing else. */
  manifestSha256: z.string().nullable(),
  createdAt: Timestamp,
  startedAt: Timestamp.nullable(),
  endedAt: Timestamp.nullable(),
  durationMs: z.int().nullable(),
});
export type Run = z.infer<typeof Run>;

/** An output with what is kept of it: text, or base64 where it is none. */
export const RunOutputContent = RunOutput.extend({ content: z.string(), encoding: z.enum(['utf8', 'base64']) });
/** The receipt of a run. Before its end the outputs are empty: what comes meanwhile is told by the socket. */
export const RunReceipt = Run.extend({ stdout: RunOutputContent, stderr: RunOutputContent });
export type RunReceipt = z.infer<typeof RunReceipt>;

/*
 * Runs on the namespace /terminal. Offsets count the bytes of each output from its beginning.
 */

/** `attachRun`: follow a run and get exactly the bytes of its outputs after these offsets, then its end. Answered by its status. */
export const AttachRun = z.strictObject({
  sessionUuid: z.uuid(),
  runId: z.int().positive().max(2_147_483_647),
  stdout: z.int().min(0).default(0),
  stderr: z.int().min(0).default(0),
});
export type AttachRun = z.infer<typeof AttachRun>;
/** `detachRun`. */
export const DetachRun = AttachRun.pick({ sessionUuid: true, runId: true });

/** Events about runs that the api sends on /terminal. The next piece comes when the client has called `taken`. */
export interface RunServerEvents {
  runOutput: (
    message: { sessionUuid: string; runId: number; stream: RunStream; offset: number; data: Uint8Array },
    taken: () => void,
  ) => void;
  /** All of it was sent, and the receipt is there. */
  runEnd: (message: { sessionUuid: string; runId: number; status: Run['status'] }) => void;
  /** The run does not exist any more, or may not be seen any more. */
  runGone: (message: { sessionUuid: string; runId: number; code: string }) => void;
}

/** Events about runs that a client sends on /terminal. */
export interface RunClientEvents {
  attachRun: (message: z.input<typeof AttachRun>, answer: (result: SocketAnswer<{ status: string }>) => void) => void;
  detachRun: (message: z.input<typeof DetachRun>) => void;
}
