/** Bytes that a client may have unacknowledged before the api stops taking from its terminal. */
export const HIGH_WATER = 128 * 1024;
/** A client acknowledges at least every so many bytes; must stay far below HIGH_WATER or the terminal stops and starts. */
export const ACK_EVERY = 16 * 1024;
