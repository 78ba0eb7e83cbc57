import { duration } from '../../../composables/format.ts';

/** "82 %"; a dash where there is nothing to tell. */
export function percentage(share: number | null): string {
  return share === null ? '–' : `${Math.round(share * 100)} %`;
}

/** "3 h"; a dash where there is nothing to tell. */
export function span(seconds: number | null | undefined): string {
  return seconds === null || seconds === undefined ? '–' : duration(seconds * 1_000);
}

/** How much of a bar is filled, in percent, of the longest; something is seen of whatever is not nothing. */
export function barWidth(value: number | null | undefined, longest: number): number {
  if (value === null || value === undefined || value <= 0 || longest <= 0) return 0;
  return Math.max(2, Math.round((value / longest) * 100));
}
