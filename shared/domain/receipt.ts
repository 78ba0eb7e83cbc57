import type { RuleRefusal } from '#shared/domain/reviewRules.ts';
import { isEndedRun, type RunStatus } from '#shared/domain/run.ts';

/** A verdict cites at most so many receipts. */
export const MAX_CITED_RECEIPTS = 20;

/** What the rules look at in a receipt: a run in a throw-away copy of a snapshot. */
export interface ReceiptFacts {
  id: number;
  status: RunStatus;
  exitCode: number | null;
  /** The digest of the snapshot that the copy was made from. */
  snapshotManifestSha256: string;
  /** The digest of the copy's files right before the start; null while that is not known. */
  manifestSha256: string | null;
}

/** True when the receipt is about other bytes than the review is about now. */
export function isStaleReceipt(receipt: ReceiptFacts, presentManifest: string | null): boolean {
  return receipt.snapshotManifestSha256 !== presentManifest;
}

/** True when the files of the copy were no longer the snapshot's when the run began; null when that is not known. */
export function isChangedCopy(receipt: ReceiptFacts): boolean | null {
  return receipt.manifestSha256 === null ? null : receipt.manifestSha256 !== receipt.snapshotManifestSha256;
}

/** Why a verdict on the present snapshot cannot cite these receipts; null when it can. `found`: those of this review. */
export function citationRefusal(
  wanted: readonly number[],
  found: readonly ReceiptFacts[],
  presentManifest: string | null,
): RuleRefusal | null {
  const missing = wanted.filter((id) => !found.some((receipt) => receipt.id === id));
  if (missing.length > 0)
    return refusal('RECEIPT_UNKNOWN', `This review has no receipt ${missing.join(', ')}.`, missing);
  const unfinished = found.filter(({ status }) => !isEndedRun(status)).map(({ id }) => id);
  if (unfinished.length > 0) {
    return refusal('RECEIPT_UNKNOWN', `Run ${unfinished.join(', ')} has not ended.`, unfinished);
  }
  const stale = found.filter((receipt) => isStaleReceipt(receipt, presentManifest)).map(({ id }) => id);
  if (stale.length === 0) return null;
  return refusal(
    'RECEIPT_STALE',
    `Receipt ${stale.join(', ')} is about another snapshot than the review is now.`,
    stale,
  );
}

/** How the history names the receipts that a verdict cites; empty when it cites none. */
export function describeCited(receipts: readonly ReceiptFacts[]): string {
  if (receipts.length === 0) return '';
  const named = receipts.map((receipt) => {
    const changed = isChangedCopy(receipt);
    const mark = changed === null ? ', files not verified' : changed ? ', changed copy' : '';
    return `run ${receipt.id} (${describeEnd(receipt)}${mark})`;
  });
  return ` Cites ${named.join(', ')}.`;
}

function describeEnd({ status, exitCode }: ReceiptFacts): string {
  return exitCode === null ? status.replace('_', ' ') : `exit code ${exitCode}`;
}

function refusal(code: RuleRefusal['code'], detail: string, receiptIds: number[]): RuleRefusal {
  return { code, detail, data: { receiptIds } };
}
