import type { ReviewRecord } from '#platform/db/repositories/reviews.ts';
import type { TransitionInput } from '#workflows/review/review.ports.ts';

/** Who asks, with the level that they have at this moment; null for a timer. */
export interface Actor {
  id: number;
  username: string;
  reviewerLevel: number;
  disabled: boolean;
}

/** A transition about to be written: the locked row, who asks, and what they ask. */
export interface Attempt {
  review: ReviewRecord;
  actor: Actor | null;
  input: TransitionInput;
  /** How long a claim holds. */
  leaseSeconds: number;
}
