import type { z } from 'zod';
import type { SessionEventPayloads } from '#shared/contracts/events.ts';
import { timeOfDay } from '../../../composables/format.ts';

/** That a session will close, when and why. */
export type ClosingSoon = z.infer<typeof SessionEventPayloads.closingSoon>;

/** For how long a session can be kept open without activity, in minutes. */
export const KEEP_MINUTES = [60, 120, 240, 480] as const;
/** How long it is kept open where nobody chooses. */
export const DEFAULT_KEEP_MINUTES: number = 120;

/** Why it closes, after "Closing in 4:05"; empty for a reason that this page does not know. */
export function closingReason({ reason, since, job }: ClosingSoon): string {
  const when = since === undefined ? 'for a while' : `since ${timeOfDay(since)}`;
  if (reason === 'idle' && job) return `because “${job}” has ended and nothing has happened ${when}`;
  if (reason === 'idle') return `because nothing has happened in it ${when}`;
  if (reason === 'job')
    return `because nobody has done anything in it ${when}, though ${job ? `“${job}”` : 'a program'} runs on`;
  return reason === 'expired' ? 'because the time that it was kept open for is over' : '';
}
