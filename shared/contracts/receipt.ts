import { z } from 'zod';
import { Run, RunReceipt } from '#shared/contracts/run.ts';

/** Body of a request for a throw-away copy. `replace` ends the one that the caller has, whatever it is a copy of. */
export const OpenRunningCopy = z.strictObject({ replace: z.boolean().default(false) });
export type OpenRunningCopy = z.infer<typeof OpenRunningCopy>;

/** What a receipt says beside its run. */
const aboutSnapshot = {
  reviewId: z.int(),
  /** The snapshot that the copy was made from, and its digest. */
  snapshotId: z.int(),
  snapshotManifestSha256: z.string(),
  /** It is about other bytes than the review is now; a verdict cannot cite it. */
  isStale: z.boolean(),
  /** The copy's files were no longer the snapshot's when the run began; null while that is not known. */
  isChanged: z.boolean().nullable(),
  /** The verdict cites it. */
  isCited: z.boolean(),
};

/** A run in a throw-away copy of a review's snapshot, without its outputs. */
export const Receipt = Run.omit({ sessionUuid: true }).extend(aboutSnapshot);
export type Receipt = z.infer<typeof Receipt>;
/** A receipt with what is kept of both outputs, which are empty before its end. */
export const ReceiptWithOutputs = RunReceipt.omit({ sessionUuid: true }).extend(aboutSnapshot);
export type ReceiptWithOutputs = z.infer<typeof ReceiptWithOutputs>;
