import { presentReceipt, presentRun } from '#api/presenters/runPresenter.ts';
import type { ReceiptRecord } from '#platform/db/repositories/receipts.ts';
import type { Receipt, ReceiptWithOutputs } from '#shared/contracts/receipt.ts';
import { isChangedCopy, isStaleReceipt } from '#shared/domain/receipt.ts';

/** A receipt as everybody sees it who may read the review; `presentManifest`: the digest of what that is about now. */
export function presentSnapshotReceipt(receipt: ReceiptRecord, presentManifest: string | null): Receipt {
  const { sessionUuid: _address, ...run } = presentRun(receipt);
  return { ...run, ...aboutSnapshot(receipt, presentManifest) };
}

/** A receipt with what is kept of its outputs. */
export function presentSnapshotReceiptWithOutputs(
  receipt: ReceiptRecord,
  outputs: { stdout: Buffer; stderr: Buffer },
  presentManifest: string | null,
): ReceiptWithOutputs {
  const { sessionUuid: _address, ...run } = presentReceipt(receipt, outputs);
  return { ...run, ...aboutSnapshot(receipt, presentManifest) };
}

function aboutSnapshot(receipt: ReceiptRecord, presentManifest: string | null) {
  const { reviewId, snapshotId, snapshotManifestSha256, isCited } = receipt;
  const isStale = isStaleReceipt(receipt, presentManifest);
  return { reviewId, snapshotId, snapshotManifestSha256, isStale, isChanged: isChangedCopy(receipt), isCited };
}
