import type { Config } from '#platform/config/config.ts';
import type { ClockSettings } from '#shared/domain/reviewClocks.ts';

/** The settings that the clocks of reviews go by. */
export type ClockConfig = Pick<
  Config,
  | 'REVIEW_URGENT_DUE_SECONDS'
  | 'REVIEW_HIGH_DUE_SECONDS'
  | 'REVIEW_MEDIUM_DUE_SECONDS'
  | 'REVIEW_LOW_DUE_SECONDS'
  | 'REVIEW_CLAIM_SECONDS'
  | 'REVIEW_REMINDER_PERCENT'
>;

/** How long the clocks of reviews run here. */
export function clockSettings(config: ClockConfig): ClockSettings {
  return {
    dueSeconds: {
      urgent: config.REVIEW_URGENT_DUE_SECONDS,
      high: config.REVIEW_HIGH_DUE_SECONDS,
      medium: config.REVIEW_MEDIUM_DUE_SECONDS,
      low: config.REVIEW_LOW_DUE_SECONDS,
    },
    reminderPercent: config.REVIEW_REMINDER_PERCENT,
    claimSeconds: config.REVIEW_CLAIM_SECONDS,
  };
}
