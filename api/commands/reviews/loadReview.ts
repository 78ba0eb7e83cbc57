import type { ApiDeps } from '#api/deps.ts';
import type { Caller } from '#api/http/route.ts';
import { mayRead } from '#api/policies/reviewPolicy.ts';
import type { Tx } from '#platform/db/database.ts';
import { findReview, type ReviewRecord } from '#platform/db/repositories/reviews.ts';
import { AppError } from '#shared/domain/errors.ts';

/** A review that the caller may read. Throws NOT_FOUND for one that is absent or not theirs to see: nobody can tell which. */
export async function loadReview(
  deps: Pick<ApiDeps, 'database'>,
  caller: Pick<Caller, 'id' | 'reviewerLevel'>,
  key: { id: number; tx?: Tx },
): Promise<ReviewRecord> {
  const review = await findReview(deps.database, key.id, key.tx ?? null);
  if (review === null || !mayRead(caller, review)) throw new AppError('NOT_FOUND');
  return review;
}
