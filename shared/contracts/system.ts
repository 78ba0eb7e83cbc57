import { z } from 'zod';

/** Facts that a page needs before anybody signs in, and links that only an operator gets. */
export const SystemInfo = z.object({
  version: z.string(),
  /** Nobody has registered yet: the next account becomes the operator. */
  firstAccount: z.boolean(),
  /** The next account needs the one-time code that the start printed. */
  registrationNeedsCode: z.boolean(),
  selfPromotionMaxLevel: z.int(),
  /** The address of Temporal's UI, for operators; null for everybody else and where there is none. */
  temporalUiUrl: z.string().nullable(),
  /** True when sessions run as plain processes of this machine, without isolation from it being promised. */
  localRuntime: z.boolean(),
  limits: z.object({
    liveSessions: z.int(),
    fileBytes: z.int(),
    sessionBytes: z.int(),
    sessionItems: z.int(),
    terminals: z.int(),
    idleSeconds: z.int(),
    /** Seconds after the submission at which a review of each priority should have been claimed. */
    reviewDueSeconds: z.object({ low: z.int(), medium: z.int(), high: z.int(), urgent: z.int() }),
  }),
});
export type SystemInfo = z.infer<typeof SystemInfo>;
