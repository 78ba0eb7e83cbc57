import { claimLimits } from '#platform/config/claimLimits.ts';
import type { Tx } from '#platform/db/database.ts';
import { findSparedPeople, listOperators } from '#platform/db/repositories/reviewClocks.ts';
import { findLeastLoadedReviewer } from '#platform/db/repositories/reviewerLoad.ts';
import type { ReviewRecord } from '#platform/db/repositories/reviews.ts';
import { LEVEL_FOR_PRIORITY, OVERRIDE_LEVEL } from '#shared/domain/review.ts';
import type { ClockDeps } from '#activities/review/readTimes.ts';

/** Whom to tell, and in words for the history who that is, or why nobody. */
export interface Addressees {
  people: ReadonlyArray<{ id: number }>;
  why: string;
}

/**
 * Whom to remind of a review that nobody has claimed: its assignee, or else the one person of those who may claim it
 * with the least open load. Who holds as many as their level may could not claim it. Nobody is reminded who was told of
 * this review within a day, or did something in it; an urgent one knows no such mercy.
 */
export async function whomToRemind({ database, config }: ClockDeps, review: ReviewRecord, tx: Tx): Promise<Addressees> {
  const { told, acted } = await findSparedPeople(database, review.id, tx);
  const spared = review.priority === 'urgent' ? [] : [...told, ...acted];
  const { assignedTo } = review;
  if (assignedTo !== null) {
    return spared.includes(assignedTo.id)
      ? { people: [], why: `nobody, for ${assignedTo.username} knows of it since today` }
      : named(assignedTo);
  }
  const minLevel = LEVEL_FOR_PRIORITY[review.priority];
  const limits = claimLimits(config);
  const search = { reviewId: review.id, minLevel, maxLevel: OVERRIDE_LEVEL, limits, except: spared };
  const person = await findLeastLoadedReviewer(database, search, tx);
  return person === null ? { people: [], why: `nobody, for no reviewer of level ${minLevel} is free` } : named(person);
}

/**
 * To whom a review goes that nobody has claimed in time: one person of the level above the priority's, else of any
 * higher level, each time the one with the least open load who may hold another, else the operators. Who was told of
 * it within a day is passed over, for the next one up may not know yet; not so for an urgent one.
 */
export async function whomToEscalateTo(
  { database, config }: ClockDeps,
  review: ReviewRecord,
  tx: Tx,
): Promise<Addressees> {
  const { told } = await findSparedPeople(database, review.id, tx);
  const except = review.priority === 'urgent' ? [] : told;
  const above = LEVEL_FOR_PRIORITY[review.priority] + 1;
  const steps = [
    { minLevel: above, maxLevel: above },
    { minLevel: above + 1, maxLevel: OVERRIDE_LEVEL },
  ];
  for (const levels of steps) {
    const search = { reviewId: review.id, ...levels, limits: claimLimits(config), except };
    const person = await findLeastLoadedReviewer(database, search, tx);
    if (person !== null) return named(person);
  }
  const operators = await listOperators(database, tx);
  const people = operators.filter((operator) => !except.includes(operator.id));
  if (people.length === 0) return { people, why: 'nobody, for there is no reviewer above it and no operator' };
  return { people, why: `the operators, for no reviewer of level ${above} or higher is free` };
}

function named(person: { id: number; username: string; reviewerLevel: number }): Addressees {
  return { people: [person], why: `${person.username} (level ${person.reviewerLevel})` };
}
