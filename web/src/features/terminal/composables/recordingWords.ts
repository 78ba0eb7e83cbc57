import type { Recording } from '#shared/contracts/recording.ts';

const ENDS: Readonly<Record<NonNullable<Recording['endReason']>, string>> = {
  stopped: '',
  'terminal-ended': 'ended with its terminal',
  'session-closed': 'ended with its session',
  'size-limit': 'cut off at its limit of size',
  'time-limit': 'cut off at its limit of time',
  'write-failed': 'cut off: its disk was full',
  restarted: "cut off: the session's programs were started anew",
  lost: 'lost with its disk',
};

/** Why a recording ended, where that is worth a word. */
export function endWords({ endReason }: Pick<Recording, 'endReason'>): string {
  return endReason === null ? 'under way' : ENDS[endReason];
}

/** "1:05", "1:02:03": how long a recording plays. */
export function playTime(seconds: number): string {
  const whole = Math.round(seconds);
  const minutes = Math.floor(whole / 60);
  const two = (value: number): string => String(value).padStart(2, '0');
  return minutes < 60
    ? `${minutes}:${two(whole % 60)}`
    : `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(whole % 60)}`;
}
