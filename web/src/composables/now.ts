import { useTimestamp } from '@vueuse/core';

/** The time in milliseconds, one tick a second for the whole page. */
export const now = useTimestamp({ interval: 1_000 });
