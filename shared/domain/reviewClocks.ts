import type { ReviewPriority, ReviewStatus } from '#shared/domain/review.ts';
import { isOpenReview } from '#shared/domain/reviewTransitions.ts';

/**
 * What rings in the life of a review: a reminder of the first look, its escalation, a warning that a claim ends, and
 * its end.
 */
export const CLOCK_KINDS = ['reminder', 'escalation', 'leaseWarning', 'leaseEnd'] as const;
/** One of the things that ring. */
export type ClockKind = (typeof CLOCK_KINDS)[number];

/** A clock that is set: what rings, and when, in ISO 8601. */
export interface ReviewClock {
  kind: ClockKind;
  at: string;
}

/** How long the clocks of reviews run; from the configuration. */
export interface ClockSettings {
  /** Seconds from the submission to the moment at which the first look is due. */
  dueSeconds: Readonly<Record<ReviewPriority, number>>;
  /** The part of a time, in percent, after which people are told that it passes. */
  reminderPercent: number;
  /** How long a claim holds without a verdict. */
  claimSeconds: number;
}

/** What the clocks are set by. */
export interface ClockFacts {
  status: ReviewStatus;
  withdrawnAt: Date | null;
  /** Null: nobody can look yet, so nothing is due. */
  snapshotId: number | null;
  submittedAt: Date;
  dueAt: Date | null;
  assignedTo: { id: number } | null;
  claimExpiresAt: Date | null;
  /** What has rung already, in this round or of this claim. */
  reminded: boolean;
  escalated: boolean;
  leaseWarned: boolean;
}

/**
 * The clocks that are set, the earliest first. The first action is the claim: a review that was ever claimed is neither
 * reminded of nor escalated any more. Nothing rings once the review has a verdict or was withdrawn.
 */
export function setClocks(facts: ClockFacts, settings: ClockSettings): ReviewClock[] {
  if (!isOpenReview({ status: facts.status, withdrawn: facts.withdrawnAt !== null })) return [];
  // A review that was assigned and not claimed yet is pending, and both its first look and its assignment run.
  const clocks = [
    ...(facts.status === 'pending' ? firstLookClocks(facts, settings) : []),
    ...leaseClocks(facts, settings),
  ];
  // Sorting is stable: what was missed rings in the order in which it should have.
  return clocks
    .sort((left, right) => left.at - right.at)
    .map(({ kind, at }) => ({ kind, at: new Date(at).toISOString() }));
}

interface SetClock {
  kind: ClockKind;
  /** Milliseconds since the epoch. */
  at: number;
}

function firstLookClocks(facts: ClockFacts, { reminderPercent }: ClockSettings): SetClock[] {
  if (facts.snapshotId === null || facts.dueAt === null) return [];
  const submitted = facts.submittedAt.getTime();
  const due = facts.dueAt.getTime();
  const clocks: SetClock[] = [];
  if (!facts.reminded) clocks.push({ kind: 'reminder', at: submitted + ((due - submitted) * reminderPercent) / 100 });
  if (!facts.escalated) clocks.push({ kind: 'escalation', at: due });
  return clocks;
}

function leaseClocks(facts: ClockFacts, { claimSeconds, reminderPercent }: ClockSettings): SetClock[] {
  if (facts.assignedTo === null || facts.claimExpiresAt === null) return [];
  const end = facts.claimExpiresAt.getTime();
  const clocks: SetClock[] = [];
  const left = claimSeconds * 10 * (100 - reminderPercent);
  if (!facts.leaseWarned) clocks.push({ kind: 'leaseWarning', at: end - left });
  clocks.push({ kind: 'leaseEnd', at: end });
  return clocks;
}
