import { randomUUID } from 'node:crypto';
import type { ApiDeps } from '#api/deps.ts';
import { agentOf } from '#api/commands/terminals.ts';
import type { Caller } from '#api/http/route.ts';
import { AppError, isAppError } from '#shared/domain/errors.ts';
import { isReachablePhase } from '#shared/domain/session.ts';
import type { AgentClient } from '#platform/agent/AgentClient.ts';
import { collectRecordings } from '#platform/agent/collectRecordings.ts';
import {
  countRecordings,
  deleteRecording,
  endRecordingsWithoutVolume,
  findRecording,
  insertRecording,
  listRecordings,
  readRecording,
  type RecordingRecord,
} from '#platform/db/repositories/recordings.ts';
import { touchActivity } from '#platform/db/repositories/sessionActivity.ts';
import type { SessionRecord } from '#platform/db/repositories/sessions.ts';

/** A recording of a session. */
interface Named {
  session: SessionRecord;
  id: string;
}

/**
 * Records a terminal from now on, until it is stopped or reaches a limit. Throws TERMINAL_NOT_FOUND, RECORDING_UNDER_WAY or
 * RECORDING_LIMIT, and as any request to the agent of a session that does not answer.
 */
export async function startRecording(
  deps: ApiDeps,
  caller: Pick<Caller, 'id'>,
  wanted: { session: SessionRecord; terminalId: string; withInput: boolean },
): Promise<RecordingRecord> {
  const { session, terminalId, withInput } = wanted;
  const agent = await agentOf(deps, session);
  const terminal = (await agent.listTerminals()).find(({ id, running }) => id === terminalId && running);
  if (!terminal) throw new AppError('TERMINAL_NOT_FOUND');
  // One that has reached its limit makes room for the next.
  await collectRecordings(deps.database, { sessionId: session.id, agent });
  const id = randomUUID();
  await insertBounded(deps, { id, session, startedBy: caller.id, terminalId, terminalName: terminal.name, withInput });
  try {
    const { RECORDING_MAX_BYTES: maxBytes, RECORDING_MAX_SECONDS: maxSeconds } = deps.config;
    await agent.recordings.start({ id, terminal: terminalId, maxBytes, maxSeconds, withInput });
  } catch (error) {
    await deleteRecording(deps.database, { sessionId: session.id, id });
    throw error;
  }
  await touchActivity(deps.database, session.uuid);
  return requireRecording(deps, { session, id });
}

async function insertBounded(
  { database, config }: ApiDeps,
  { session, ...recording }: { session: SessionRecord } & Omit<Parameters<typeof insertRecording>[1], 'sessionId'>,
): Promise<void> {
  await database.transaction(async (tx) => {
    await database.query('SELECT 1 FROM sessions WHERE id = $1 FOR UPDATE', [session.id], tx);
    if ((await countRecordings(database, session.id, tx)) >= config.RECORDINGS_PER_SESSION) {
      throw new AppError('RECORDING_LIMIT', {
        detail: `A session keeps at most ${config.RECORDINGS_PER_SESSION} recordings.`,
      });
    }
    const begun = await insertRecording(database, { ...recording, sessionId: session.id }, tx);
    if (!begun) throw new AppError('RECORDING_UNDER_WAY');
  });
}

/** The session's recordings, newest first; those that have ended meanwhile are brought in. */
export async function listSessionRecordings(deps: ApiDeps, session: SessionRecord): Promise<RecordingRecord[]> {
  const agent = await reachableAgent(deps, session);
  if (agent !== null) await collectRecordings(deps.database, { sessionId: session.id, agent });
  else await endRecordingsWithoutVolume(deps.database, session.id);
  return listRecordings(deps.database, session.id);
}

/** Ends a recording; one that has ended stays as it is. Throws NOT_FOUND, and as any request to an agent. */
export async function stopRecording(deps: ApiDeps, named: Named): Promise<RecordingRecord> {
  const { session, id } = named;
  if ((await requireRecording(deps, named)).endReason !== null) return requireRecording(deps, named);
  const agent = await agentOf(deps, session);
  try {
    await agent.recordings.stop(id);
  } catch (error) {
    if (!isAppError(error, 'RECORDING_NOT_FOUND')) throw error;
  }
  await collectRecordings(deps.database, { sessionId: session.id, agent });
  return requireRecording(deps, named);
}

/** The asciicast. Throws NOT_FOUND, RECORDING_NOT_FOUND when it is lost, and RECORDING_UNDER_WAY. */
export async function readRecordingContent(
  { database, ...deps }: ApiDeps,
  { session, id }: Named,
): Promise<{ recording: RecordingRecord; content: Buffer }> {
  const recording = await requireRecording({ database, ...deps }, { session, id });
  if (recording.endReason === null) throw new AppError('RECORDING_UNDER_WAY');
  const content = await readRecording(database, { sessionId: session.id, id });
  if (content === null) throw new AppError('RECORDING_NOT_FOUND');
  return { recording, content };
}

/** Removes a recording, and ends it if it is under way. Throws NOT_FOUND. */
export async function removeRecording(deps: ApiDeps, { session, id }: Named): Promise<void> {
  const removed = await deleteRecording(deps.database, { sessionId: session.id, id });
  if (!removed) throw new AppError('NOT_FOUND');
  // What an agent out of reach still holds goes with the next look at it, or with its volume.
  await (await reachableAgent(deps, session))?.recordings.remove(id);
}

async function requireRecording({ database }: ApiDeps, { session, id }: Named): Promise<RecordingRecord> {
  const recording = await findRecording(database, { sessionId: session.id, id });
  if (recording === null) throw new AppError('NOT_FOUND');
  return recording;
}

/** The session's agent, null when there is none that answers: what the database has can be read all the same. */
async function reachableAgent(deps: ApiDeps, session: SessionRecord): Promise<AgentClient | null> {
  if (!isReachablePhase(session.phase)) return null;
  try {
    return await agentOf(deps, session);
  } catch (error) {
    if (isAppError(error, 'AGENT_UNREACHABLE') || isAppError(error, 'STALE_GENERATION')) return null;
    throw error;
  }
}
