/** Bytes that a client may have unacknowledged before the api stops taking from its terminal. */
export const HIGH_WATER = 128 * 1024;
/** Below so many unacknowledged bytes the api goes on. */
export const LOW_WATER = 16 * 1024;
/** A client acknowledges at least every so many bytes; must stay ≤ LOW_WATER or a paused terminal never resumes. */
export const ACK_EVERY = 16 * 1024;
