import { z } from 'zod';
import { findPathProblem } from '#shared/domain/paths.ts';

/*
 * What the control plane and the agent say about `.git` folders, which are saved packed, each as one stream of bytes
 * (agent/git/packFormat.ts). Only the agent reads such a stream: for the control plane it is bytes with a length and a digest.
 */

const path = z.string().refine((value) => findPathProblem(value) === null, { message: 'is not an allowed path' });
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const size = z.int().min(0);
const reason = z.string().max(100);

/** The requests that open a channel about `.git` folders. */
export const GIT_REQUESTS = [
  /** Then batches of paths of `.git` folders and `end`; answered by one `GitLook` for each that is there. */
  z.strictObject({ kind: z.literal('git.look'), syncEpoch: size, maxBytes: size }),
  /**
   * Answered by the bytes of the `.git` folder at `path` and last by `GitPacked`. `fingerprint`: which state is meant.
   * `ended`: no program runs any more, so a lock that is there was left behind.
   */
  z.strictObject({
    kind: z.literal('git.pack'),
    syncEpoch: size,
    path,
    fingerprint: sha256,
    maxBytes: size,
    ended: z.boolean(),
  }),
  /** Then `size` bytes of a pack and `end`; answered by `GitUnpacked`. What is at `path` already stays. */
  z.strictObject({ kind: z.literal('git.unpack'), syncEpoch: size, path, size, sha256 }),
] as const;

/**
 * A `.git` folder as it is now. Two with the same `fingerprint` hold the same; `identity` is another one when the folder was
 * made anew; `size` is that of its pack. `quietMs`: since its last change. `refusal`: why it cannot be packed, else null.
 */
export const GitLook = z.strictObject({
  path,
  fingerprint: sha256,
  identity: z.string().max(100),
  size,
  quietMs: z.number().min(0),
  locked: z.boolean(),
  refusal: reason.nullable(),
});
/** A `.git` folder as it is now. */
export type GitLook = z.infer<typeof GitLook>;

/** How a packing ended. `moving`: something was written to it meanwhile, and what was sent is worth nothing. */
export const GitPacked = z.discriminatedUnion('outcome', [
  z.strictObject({ outcome: z.literal('packed'), size, sha256 }),
  z.strictObject({ outcome: z.literal('moving') }),
  z.strictObject({ outcome: z.literal('refused'), reason }),
]);
/** How a packing ended. */
export type GitPacked = z.infer<typeof GitPacked>;

/** How an unpacking ended. `present`: something is at the path, and stays. */
export const GitUnpacked = z.discriminatedUnion('outcome', [
  z.strictObject({ outcome: z.literal('unpacked'), fingerprint: sha256, identity: z.string().max(100) }),
  z.strictObject({ outcome: z.literal('present') }),
  z.strictObject({ outcome: z.literal('refused'), reason }),
]);
/** How an unpacking ended. */
export type GitUnpacked = z.infer<typeof GitUnpacked>;

/** What a watch is told of all `.git` folders together: `token` differs once anything in one of them has changed. */
export const GitNews = z.object({ token: z.string().max(64), quietMs: z.number().min(0) });
/** What a watch is told of all `.git` folders together. */
export type GitNews = z.infer<typeof GitNews>;
