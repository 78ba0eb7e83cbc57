import type { ReviewMachine } from '#workflows/review/review.machine.ts';
import type { ReviewProxies } from '#workflows/review/review.proxies.ts';

/** What the parts of one run share. */
export interface ReviewRun {
  machine: ReviewMachine;
  proxies: ReviewProxies;
  /** The row may have changed and is to be read again. */
  changed: boolean;
  /** No clock is asked again before this time, in milliseconds since the epoch: the database said that it is too early. */
  askNotBefore: number;
  /** With more events than this the run continues as a new one. */
  maxHistoryEvents: number;
  /** Shows the run to operators as it is now. */
  show: () => void;
}
