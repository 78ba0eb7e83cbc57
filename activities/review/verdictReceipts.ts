import type { Database, Tx } from '#platform/db/database.ts';
import { findReceipts, type ReceiptRecord } from '#platform/db/repositories/receipts.ts';
import type { ReviewRecord } from '#platform/db/repositories/reviews.ts';
import { citationRefusal, MAX_CITED_RECEIPTS } from '#shared/domain/receipt.ts';
import type { RuleRefusal } from '#shared/domain/reviewRules.ts';
import type { TransitionInput } from '#workflows/review/review.ports.ts';

/** The receipts that a verdict cites, or why it cannot. */
export interface Citation {
  receipts: ReceiptRecord[];
  refusal: RuleRefusal | null;
}

/** Reads what a verdict wants to cite, under the review's lock: a snapshot that was made meanwhile makes receipts stale. */
export async function readCitation(
  database: Database,
  { review, input }: { review: ReviewRecord; input: TransitionInput },
  tx: Tx,
): Promise<Citation> {
  const ids = [...new Set(input.receiptIds ?? [])].slice(0, MAX_CITED_RECEIPTS);
  if (ids.length === 0) return { receipts: [], refusal: null };
  const receipts = await findReceipts(database, { reviewId: review.id, ids }, tx);
  return { receipts, refusal: citationRefusal(ids, receipts, review.manifestHash) };
}
