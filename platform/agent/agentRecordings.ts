import { z } from 'zod';
import { RecordingList, type AgentRequest, type RecordingState } from '#shared/contracts/agentProtocol.ts';
import { ProtocolError } from '#shared/domain/frames.ts';
import type { Multiplexer } from '#shared/domain/multiplexer.ts';
import { ask, mapFailures, startRequest } from '#platform/agent/agentRequests.ts';

/** A recording that an agent sends may not be larger than this, whatever its limits say. */
const MAX_RECORDING_BYTES = 128 * 1024 * 1024;

/** What to record, and how much of it. */
export type RecordingStart = Omit<Extract<AgentRequest, { kind: 'recordings.start' }>, 'kind'>;

/** The recordings that an agent holds: under way, or ended and not removed yet. */
export interface AgentRecordings {
  /** Records a terminal from now on. Rejects with TERMINAL_NOT_FOUND or RECORDING_LIMIT. */
  start(recording: RecordingStart): Promise<void>;
  /** Ends one. Rejects with RECORDING_NOT_FOUND. */
  stop(id: string): Promise<void>;
  list(): Promise<RecordingState[]>;
  /** The asciicast of one that has ended. Rejects with RECORDING_NOT_FOUND. */
  read(id: string): Promise<Buffer>;
  /** Forgets one, whether it is there or not. */
  remove(id: string): Promise<void>;
}

/** The recordings behind a greeted stream. */
export function createAgentRecordings(multiplexer: Multiplexer): AgentRecordings {
  return {
    start: (recording) => ask(multiplexer, { kind: 'recordings.start', ...recording }, z.undefined()),
    stop: (id) => ask(multiplexer, { kind: 'recordings.stop', id }, z.undefined()),
    list: async () => (await ask(multiplexer, { kind: 'recordings.list' }, RecordingList)).recordings,
    read: (id) => mapFailures(() => readAll(multiplexer, id)),
    remove: (id) => ask(multiplexer, { kind: 'recordings.remove', id }, z.undefined()),
  };
}

async function readAll(multiplexer: Multiplexer, id: string): Promise<Buffer> {
  const { channel, answers } = startRequest(multiplexer, { kind: 'recordings.read', id });
  channel.end();
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of answers) {
    if (!('data' in part)) throw new ProtocolError('The agent answered a recording with a message.');
    pieces.push(part.data);
    bytes += part.data.byteLength;
    if (bytes > MAX_RECORDING_BYTES) throw new ProtocolError('The recording has no end.');
  }
  return Buffer.concat(pieces);
}
