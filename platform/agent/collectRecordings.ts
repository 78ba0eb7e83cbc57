import { castSeconds } from '#shared/domain/recording.ts';
import type { AgentRecordings } from '#platform/agent/agentRecordings.ts';
import type { Database } from '#platform/db/database.ts';
import { endRecording, listUnderWay } from '#platform/db/repositories/recordings.ts';

/** A recording's row is there before its agent knows of it; one that an agent does not know after this time is lost. */
const BEGIN_SECONDS = 60;
/** The last line of an asciicast is shorter than this. */
const LAST_LINE_BYTES = 1024 * 1024;

/**
 * Brings what an agent has finished recording into the database, and has the agent forget it: also what nobody wants any more.
 * May be done by many at once, and again after it was cut off.
 */
export async function collectRecordings(
  database: Database,
  { sessionId, agent }: { sessionId: number; agent: { recordings: AgentRecordings } },
): Promise<void> {
  const { recordings } = agent;
  const underWay = await listUnderWay(database, sessionId);
  const held = new Map((await recordings.list()).map(({ id, end }) => [id, end]));
  for (const { id, ageSeconds } of underWay) {
    const end = held.get(id);
    if (end === undefined && ageSeconds > BEGIN_SECONDS)
      await endRecording(database, { id, reason: 'lost', content: null });
    if (end === undefined || end === null) continue;
    const bytes = await recordings.read(id);
    const seconds = castSeconds(bytes.subarray(-LAST_LINE_BYTES).toString());
    await endRecording(database, { id, reason: end, content: { bytes, seconds } });
  }
  // Those that were brought in now or by somebody else, and those whose rows were removed.
  const wanted = new Set((await listUnderWay(database, sessionId)).map(({ id }) => id));
  for (const id of held.keys()) if (!wanted.has(id)) await recordings.remove(id);
}
