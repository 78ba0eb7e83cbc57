import { z } from 'zod';
import { findPathProblem } from '#shared/domain/paths.ts';
import { POD_CAUSES } from '#shared/domain/podCause.ts';
import { RUN_STATUSES } from '#shared/domain/run.ts';
import { PHASE_REASONS, SESSION_KINDS, SESSION_PHASES } from '#shared/domain/session.ts';
import { Timestamp } from '#shared/contracts/user.ts';

/** Languages with starter files. */
export const LANGUAGES = ['python', 'javascript', 'typescript', 'c', 'cpp', 'text'] as const;
/** A language with starter files. */
export const Language = z.enum(LANGUAGES);
export type Language = z.infer<typeof Language>;

/** One stage of an opening: `seconds` counts until the next stage began, or until now for the last one. */
export const Stage = z.object({ phase: z.enum(SESSION_PHASES), startedAt: Timestamp, seconds: z.number() });
export type Stage = z.infer<typeof Stage>;

/** The newest save that Berth has of a session. */
export const NewestSave = z.object({ path: z.string(), at: Timestamp });

/** What holds a session up, or made it fail: a cause of a closed set, what happened, what to do, and who can. */
export const SessionCause = z.object({
  code: z.enum(POD_CAUSES),
  sentence: z.string(),
  remedy: z.string(),
  who: z.enum(['you', 'operator', 'nobody']),
});

const RefName = z
  .string()
  .max(250)
  .regex(/^(?![-/.])(?!.*(?:\.\.|\/\/|@\{|\.lock$|[/.]$))[^\s~^:?*[\\\p{Cc}]+$/u, 'is not the name of a branch');
/** A folder of a session that may not be its root. */
const Folder = z
  .string()
  .min(1)
  .refine((value) => findPathProblem(value) === null, { message: 'is not an allowed path' });

/** What a new session is cloned from, by a run of its own. Without `folder` into its root, without `depth` with all of its history. */
export const CloneRepository = z.strictObject({
  url: z.string().min(1).max(2_000),
  branch: RefName.optional(),
  depth: z.int().min(1).max(1_000_000).optional(),
  folder: Folder.optional(),
});
export type CloneRepository = z.infer<typeof CloneRepository>;

/** The repository that a session was made from. `run` is the latest try to clone it, while its receipt is kept. */
export const SessionRepository = z.object({
  url: z.string(),
  branch: z.string().nullable(),
  depth: z.int().nullable(),
  folder: z.string(),
  run: z.object({ id: z.int(), status: z.enum(RUN_STATUSES) }).nullable(),
});
export type SessionRepository = z.infer<typeof SessionRepository>;

/** What a throw-away copy is a copy of. `isStale`: the review is about another snapshot by now. */
export const RunningCopyOf = z.object({ reviewId: z.int(), snapshotId: z.int(), isStale: z.boolean() });

/** A session as its owner sees it. */
export const Session = z.object({
  uuid: z.uuid(),
  name: z.string(),
  language: z.string(),
  kind: z.enum(SESSION_KINDS),
  phase: z.enum(SESSION_PHASES),
  phaseReason: z.enum(PHASE_REASONS).nullable(),
  /** What holds it up, also while it opens, or made it fail; null when all is well. */
  cause: SessionCause.nullable(),
  isActive: z.boolean(),
  generation: z.int(),
  changeSeq: z.int(),
  /** Stages of the present generation, oldest first; empty before the first open. */
  stages: z.array(Stage),
  /** A volume that is kept because not everything on it is saved; null otherwise. `until` null: until it is saved or discarded. */
  keptVolume: z.object({ until: Timestamp.nullable() }).nullable(),
  /** Set while its volume cannot be reached or saved and may be discarded: the newest save is what then remains. */
  discardable: z.object({ newestSave: NewestSave.nullable() }).nullable(),
  /** The open review of this session, if any. */
  openReviewId: z.int().nullable(),
  /** What it was cloned from; null when it was made from something else. */
  repository: SessionRepository.nullable(),
  /** Set for a throw-away copy of a review's snapshot. */
  runningCopy: RunningCopyOf.nullable(),
  lastActivityAt: Timestamp,
  expiresAt: Timestamp.nullable(),
  createdAt: Timestamp,
  updatedAt: Timestamp,
});
export type Session = z.infer<typeof Session>;

/** What a new session takes its files from: a session of one's own, or a template that one can see. */
export const SessionSource = z.union([
  z.strictObject({ session: z.uuid() }),
  z.strictObject({ template: z.int().positive().max(2_147_483_647) }),
]);
export type SessionSource = z.infer<typeof SessionSource>;

/**
 * Body of a new session. `open` also opens it. Without `from` it has its language's starter files, and needs a name; with it,
 * name and language are the source's unless they are given. With `repository` it begins empty and is opened for the clone.
 */
export const CreateSession = z
  .strictObject({
    name: z.string().trim().min(1).max(200).optional(),
    language: Language.optional(),
    open: z.boolean().default(false),
    from: SessionSource.optional(),
    repository: CloneRepository.optional(),
  })
  .refine(({ name, from }) => name !== undefined || from !== undefined, { path: ['name'], message: 'is needed' })
  .refine(({ from, repository }) => from === undefined || repository === undefined, {
    path: ['repository'],
    message: 'a session begins with a copy or with a repository',
  });
export type CreateSession = z.infer<typeof CreateSession>;

/** Body of a change of a session. */
export const UpdateSession = z.strictObject({ name: z.string().trim().min(1).max(200) });
export type UpdateSession = z.infer<typeof UpdateSession>;

/** Body of an extension: how many minutes from now the session is held open without activity. */
export const ExtendSession = z.strictObject({ minutes: z.int().min(1).max(480).default(120) });
export type ExtendSession = z.infer<typeof ExtendSession>;

/** Answer to a request that a workflow carries out: `opId` names it in the session's events. */
export const Accepted = z.object({ opId: z.uuid(), session: Session });
export type Accepted = z.infer<typeof Accepted>;

/** Body of a discard: what is only on the volume is lost, so it is asked for in words. */
export const DiscardVolume = z.strictObject({ confirm: z.literal('discard') });
/** Answer to a discard: `newestSave` is what the session goes on from. */
export const Discarded = Accepted.extend({ newestSave: NewestSave.nullable() });
export type Discarded = z.infer<typeof Discarded>;
