import { z } from 'zod';
import { RECORDING_ENDS } from '#shared/domain/recording.ts';

/** A recording of a terminal. While it is under way it has no end and no content. */
export const Recording = z.object({
  id: z.uuid(),
  terminalId: z.string(),
  terminalName: z.string(),
  /** Whether typed input is in it, beside the output. */
  withInput: z.boolean(),
  startedAt: z.string(),
  endedAt: z.string().nullable(),
  endReason: z.enum(RECORDING_ENDS).nullable(),
  /** Seconds from its beginning to its last event; null while it is under way. */
  seconds: z.number().nullable(),
  /** Bytes of its content; null while it is under way, or when it is lost. */
  size: z.int().nullable(),
});
export type Recording = z.infer<typeof Recording>;

/** Body of a new recording. What is typed is recorded only when it is asked for: it may hold passwords. */
export const StartRecording = z.strictObject({ withInput: z.boolean().default(false) });
export type StartRecording = z.infer<typeof StartRecording>;
