import { z } from 'zod';
import { Timestamp } from '#shared/contracts/user.ts';

/** The pods that wait for new sessions, as operators see them. */
export const WarmPool = z.object({
  /** How many the workers keep ready (BERTH_WARM_POOL_SIZE); 0 keeps none. */
  size: z.int(),
  ready: z.int(),
  making: z.int(),
  /** Out of date, expired or too many: about to be removed. */
  retiring: z.int(),
  /** New sessions that took one in the last hour. */
  takenLastHour: z.int(),
  /** When the last run ended, null before the first. */
  ranAt: Timestamp.nullable(),
  /** Why the last run could not make one, null when it could. */
  problem: z.string().nullable(),
  /** Since when nothing is made or handed out, and by whom; null when it is not paused. */
  paused: z.object({ at: Timestamp, by: z.string() }).nullable(),
});
export type WarmPool = z.infer<typeof WarmPool>;
