import { z } from 'zod';
import { PLACE_STATES } from '#shared/domain/commentPorting.ts';
import { ReviewComment } from '#shared/contracts/review.ts';
import { Person, Timestamp } from '#shared/contracts/user.ts';

/**
 * Where a comment stands in the present snapshot. Without lines it is about the file, without a path about the whole: a
 * comment whose text has changed falls back from its lines to the file, and from a deleted file to the review.
 */
export const CommentPlace = z.object({
  state: z.enum(PLACE_STATES),
  snapshotItemId: z.int().nullable(),
  path: z.string().nullable(),
  lineNumber: z.int().nullable(),
  endLineNumber: z.int().nullable(),
});
export type CommentPlace = z.infer<typeof CommentPlace>;

/** A comment of the review or of an earlier round, with its place now. The comment's own place never changes. */
export const ConversationComment = ReviewComment.extend({
  round: z.int(),
  /** The item that it is about, to read it in the comment's own snapshot. */
  originItemId: z.int().nullable(),
  place: CommentPlace,
  /** The suggestion in it became this version of a file. */
  applied: z.object({ itemId: z.int(), version: z.int(), by: Person, at: Timestamp }).nullable(),
});
export type ConversationComment = z.infer<typeof ConversationComment>;

/** The three texts that a suggestion is about, and whether its lines are as they were. */
export const Suggestion = z.object({
  itemId: z.int(),
  path: z.string(),
  version: z.int(),
  /** True when it can be applied as it is. */
  fits: z.boolean(),
  /** The file that was commented on. */
  base: z.string(),
  /** That file with the proposed lines. */
  suggested: z.string(),
  /** The file of the live session. */
  live: z.string(),
});
export type Suggestion = z.infer<typeof Suggestion>;

/** Body of applying a suggestion. `merged`: what a person made of it, saved over the version in If-Match. */
export const ApplySuggestion = z.strictObject({ merged: z.string().optional() });
export type ApplySuggestion = z.infer<typeof ApplySuggestion>;

/** A file after a suggestion was applied to it. */
export const AppliedSuggestion = z.object({ itemId: z.int(), path: z.string(), version: z.int() });
export type AppliedSuggestion = z.infer<typeof AppliedSuggestion>;
