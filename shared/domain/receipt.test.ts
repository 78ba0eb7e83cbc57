import {
  citationRefusal,
  describeCited,
  isChangedCopy,
  isStaleReceipt,
  type ReceiptFacts,
} from '#shared/domain/receipt.ts';

const FROZEN = 'a'.repeat(64);
const OTHER = 'b'.repeat(64);

function receiptOf(given: Partial<ReceiptFacts> = {}): ReceiptFacts {
  return {
    id: 1,
    status: 'succeeded',
    exitCode: 0,
    snapshotManifestSha256: FROZEN,
    manifestSha256: FROZEN,
    ...given,
  };
}

describe('a receipt', () => {
  it('is stale when the review is about other bytes, and not when the same were frozen again', () => {
    expect(isStaleReceipt(receiptOf(), FROZEN)).toBe(false);
    expect(isStaleReceipt(receiptOf(), OTHER)).toBe(true);
    expect(isStaleReceipt(receiptOf(), null)).toBe(true);
  });

  it('is of a changed copy when its files were others at the start, and says when that is not known', () => {
    expect(isChangedCopy(receiptOf())).toBe(false);
    expect(isChangedCopy(receiptOf({ manifestSha256: OTHER }))).toBe(true);
    expect(isChangedCopy(receiptOf({ manifestSha256: null }))).toBeNull();
  });
});

describe('citing receipts', () => {
  it.each([
    ['that are of this review, have ended and are about its present bytes is possible', [1], [receiptOf()], null],
    ['of a changed copy is possible: the mark goes with it', [1], [receiptOf({ manifestSha256: OTHER })], null],
    ['of another review is refused', [1, 2], [receiptOf()], 'RECEIPT_UNKNOWN'],
    ['of a run that goes on is refused', [1], [receiptOf({ status: 'running', exitCode: null })], 'RECEIPT_UNKNOWN'],
    ['of another snapshot is refused', [1], [receiptOf({ snapshotManifestSha256: OTHER })], 'RECEIPT_STALE'],
  ])('%s', (_rule, wanted, found, code) => {
    expect(citationRefusal(wanted, found, FROZEN)?.code ?? null).toBe(code);
  });

  it('names each with its end and its mark', () => {
    const cited = [
      receiptOf(),
      receiptOf({ id: 2, exitCode: 1, status: 'failed', manifestSha256: OTHER }),
      receiptOf({ id: 3, exitCode: null, status: 'timed_out', manifestSha256: null }),
    ];
    expect(describeCited(cited)).toBe(
      ' Cites run 1 (exit code 0), run 2 (exit code 1, changed copy), run 3 (timed out, files not verified).',
    );
    expect(describeCited([])).toBe('');
  });
});
