import { z } from 'zod';

/** An id in an address: a positive whole number of PostgreSQL's `integer`. */
const Id = z.coerce.number().int().positive().max(2_147_483_647);

/** The parameters of a review's address. */
export const ReviewParams = z.strictObject({ id: Id });
/** The parameters of a frozen file's address. */
export const SnapshotItemParams = z.strictObject({ id: Id, snapshotItemId: Id });
/** The parameters of a comment's address. */
export const CommentParams = z.strictObject({ id: Id, commentId: Id });
/** The parameters of a receipt's address. */
export const ReceiptParams = z.strictObject({ id: Id, receiptId: Id });
