import type { Session } from '#shared/contracts/session.ts';

const END_SENTENCES: Partial<Record<NonNullable<Session['phaseReason']>, string>> = {
  user: 'You closed it.',
  operator: 'An operator closed it.',
  idle: 'Nothing had happened in it for a while.',
  expired: 'It had reached its time limit.',
  'copy-over': 'The review has its verdict or was withdrawn, or you may no longer run it.',
};

/** Why a throw-away copy is gone, and what stays of it. */
export function copyEndSentence({ phaseReason, cause }: Pick<Session, 'phaseReason' | 'cause'>): string {
  const why = (phaseReason && END_SENTENCES[phaseReason]) ?? cause?.sentence ?? 'It could not be kept running.';
  return `${why} The receipts of what was run in it stay with the review.`;
}
