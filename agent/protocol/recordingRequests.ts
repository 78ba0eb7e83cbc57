import type { AgentRequest } from '#shared/contracts/agentProtocol.ts';
import type { Channel } from '#shared/domain/channel.ts';
import type { Recordings } from '#agent/recordings/recordings.ts';

/** A request about recordings. */
export type RecordingRequest = Extract<AgentRequest, { kind: `recordings.${string}` }>;

/** True for a request about recordings. */
export function isRecordingRequest(request: AgentRequest): request is RecordingRequest {
  return request.kind.startsWith('recordings.');
}

/** Carries it out. Rejects with an AgentFailure. */
export async function answerRecordings(
  recordings: Recordings,
  channel: Channel,
  request: RecordingRequest,
): Promise<void> {
  if (request.kind === 'recordings.start') recordings.start(request);
  else if (request.kind === 'recordings.stop') await recordings.stop(request.id);
  else if (request.kind === 'recordings.remove') await recordings.remove(request.id);
  else if (request.kind === 'recordings.list') await channel.send({ recordings: recordings.list() });
  else for await (const piece of recordings.read(request.id)) await channel.sendData(piece);
}
