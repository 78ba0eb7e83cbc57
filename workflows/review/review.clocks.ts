import type { ClockKind } from '#shared/domain/reviewClocks.ts';
import { purposeOf } from '#workflows/review/review.details.ts';
import type { ReviewRun } from '#workflows/review/review.run.ts';
import { endLease } from '#workflows/review/review.steps.ts';

/** Activities that knew no clocks left a claim's end to the run, which asked no sooner: the database's clock decides. */
const MIN_LEASE_WAIT_MS = 5_000;

/** The next clock of a run: what it is for, and how long to wait for it. */
export interface NextClock {
  kind: ClockKind;
  waitMs: number;
  /** What the timer is for, as an operator reads it. */
  summary: string;
}

/** The clock to wait for; null when none is set. The row sets them: the run only wakes up and asks it. */
export function nextClock({ machine, askNotBefore }: ReviewRun): NextClock | null {
  const { review, leaseEndsAt } = machine;
  if (review === null) return null;
  if (review.times === undefined) {
    if (leaseEndsAt === null) return null;
    const waitMs = Math.max(MIN_LEASE_WAIT_MS, leaseEndsAt - Date.now());
    return { kind: 'leaseEnd', waitMs, summary: `claim of ${review.assignedToName ?? 'nobody'}` };
  }
  const [clock] = review.times.clocks;
  if (clock === undefined) return null;
  const waitMs = Math.max(1, Math.max(Date.parse(clock.at), askNotBefore) - Date.now());
  return { kind: clock.kind, waitMs, summary: purposeOf(clock.kind, review) };
}

/** Has the row do what is due, if it is. What it answers is what the next turn goes by. */
export async function ring(run: ReviewRun, { kind, summary }: NextClock): Promise<void> {
  const { machine } = run;
  if (machine.review?.times === undefined) return endLease(run);
  const { review, earlyByMs } = await run.proxies.write.ringClock.executeWithOptions({ summary }, [
    { reviewId: machine.reviewId, kind },
  ]);
  machine.apply(review);
  run.askNotBefore = earlyByMs > 0 ? Date.now() + earlyByMs : 0;
}
