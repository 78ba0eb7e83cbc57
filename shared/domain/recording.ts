/**
 * Why a recording ended: somebody stopped it; its terminal or its session ended; it reached the limit of size or time; its
 * bytes could not be written (the volume is full); the session's programs were started anew in the middle of it; or it is
 * lost with all its bytes.
 */
export const RECORDING_ENDS = [
  'stopped',
  'terminal-ended',
  'session-closed',
  'size-limit',
  'time-limit',
  'write-failed',
  'restarted',
  'lost',
] as const;
/** Why a recording ended. */
export type RecordingEnd = (typeof RECORDING_ENDS)[number];

/** Recordings that one session's agent holds at once, under way or not fetched yet. */
export const MAX_HELD_RECORDINGS = 8;

/** Seconds between the first and the last event of an asciicast; 0 where none can be read. */
export function castSeconds(cast: string): number {
  const last = cast.trimEnd().split('\n').at(-1) ?? '';
  const time = /^\[(\d+(?:\.\d+)?),/.exec(last)?.[1];
  return time === undefined ? 0 : Number(time);
}
