import type { Recording } from '#shared/contracts/recording.ts';
import type { RecordingRecord } from '#platform/db/repositories/recordings.ts';

/** A recording as its session's owner sees it. */
export function presentRecording(recording: RecordingRecord): Recording {
  const { startedAt, endedAt, ...rest } = recording;
  return { ...rest, startedAt: startedAt.toISOString(), endedAt: endedAt?.toISOString() ?? null };
}
