import type { ClaimLimits } from '#shared/domain/reviewAssignment.ts';
import type { Config } from '#platform/config/config.ts';

/** How many open reviews a person of each level may hold. Level 0 holds none, level 4 any number. */
export function claimLimits(config: Config): ClaimLimits {
  return [0, config.REVIEW_CLAIMS_LEVEL_1, config.REVIEW_CLAIMS_LEVEL_2, config.REVIEW_CLAIMS_LEVEL_3, null];
}
