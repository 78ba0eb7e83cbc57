import type { ApiDeps } from '#api/deps.ts';
import { findReceipts, listReceipts, type ReceiptRecord } from '#platform/db/repositories/receipts.ts';
import { readRunOutputs } from '#platform/db/repositories/runs.ts';
import { AppError } from '#shared/domain/errors.ts';

type Deps = Pick<ApiDeps, 'database'>;

/** Receipts of a review, newest first, from a cursor on. */
export function loadReceiptPage(
  { database }: Deps,
  page: { reviewId: number; cursor: number | null; limit: number },
): Promise<ReceiptRecord[]> {
  return listReceipts(database, page);
}

/** A receipt with what is kept of its outputs, which are empty before its end. Throws NOT_FOUND for a run of another review. */
export async function loadReceipt(
  { database }: Deps,
  { reviewId, receiptId }: { reviewId: number; receiptId: number },
): Promise<{ receipt: ReceiptRecord; outputs: { stdout: Buffer; stderr: Buffer } }> {
  const [receipt] = await findReceipts(database, { reviewId, ids: [receiptId] });
  if (receipt === undefined) throw new AppError('NOT_FOUND');
  // Read after the run: one that ends in between shows no outputs that its lengths deny.
  if (receipt.endedAt === null) return { receipt, outputs: { stdout: Buffer.alloc(0), stderr: Buffer.alloc(0) } };
  return { receipt, outputs: await readRunOutputs(database, receipt.id) };
}
