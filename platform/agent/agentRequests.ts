import type { z } from 'zod';
import type { AgentRequest } from '#shared/contracts/agentProtocol.ts';
import { ChannelError, type Channel, type ChannelReceiver } from '#shared/domain/channel.ts';
import { ERROR_CATALOGUE, type ErrorCode } from '#shared/domain/errorCatalogue.ts';
import { AppError } from '#shared/domain/errors.ts';
import { FrameQueue } from '#shared/domain/frameQueue.ts';
import { ProtocolError } from '#shared/domain/frames.ts';
import type { Multiplexer } from '#shared/domain/multiplexer.ts';

/** Codes of the agent that go on to the caller as they are; any other means that the agent does not work. */
const PASSED_ON = new Set<ErrorCode>([
  'STALE_GENERATION',
  'TERMINAL_NOT_FOUND',
  'TERMINAL_LIMIT',
  'RUN_LIMIT',
  'RUN_REFUSED',
  'RUN_NOT_FOUND',
  'PORT_NOT_LISTENING',
  'DIAL_LIMIT',
  'RECORDING_LIMIT',
  'RECORDING_NOT_FOUND',
  'SESSION_NOT_RUNNING',
]);

/** Opens a channel; a broken stream is AGENT_UNREACHABLE. */
export function openChannel(multiplexer: Multiplexer, request: AgentRequest, receiver: ChannelReceiver): Channel {
  try {
    return multiplexer.open(request, receiver);
  } catch (error) {
    throw toAppError(error);
  }
}

/** A request with what comes back as a queue. */
export function startRequest(
  multiplexer: Multiplexer,
  request: AgentRequest,
): { channel: Channel; answers: FrameQueue } {
  const answers = new FrameQueue();
  const channel = openChannel(multiplexer, request, answers);
  answers.attach(channel);
  return { channel, answers };
}

/** A request that is answered by at most one message. */
export async function ask<Schema extends z.ZodType>(
  multiplexer: Multiplexer,
  request: AgentRequest,
  schema: Schema,
): Promise<z.output<Schema>> {
  return mapFailures(async () => {
    const { channel, answers } = startRequest(multiplexer, request);
    channel.end();
    let answer: unknown;
    for await (const part of answers) answer = 'message' in part ? part.message : answer;
    return checkAnswer(schema, answer);
  });
}

/** Checks what the agent says; a wrong answer is AGENT_UNREACHABLE, for such an agent cannot be worked with. */
export function checkAnswer<Schema extends z.ZodType>(schema: Schema, answer: unknown): z.output<Schema> {
  const result = schema.safeParse(answer);
  if (!result.success) throw new ProtocolError('The agent gave an answer that is not valid.');
  return result.data;
}

/** Runs the work, and turns failures of channel, stream and protocol into AppErrors. */
export async function mapFailures<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw toAppError(error);
  }
}

/** The AppError for a failure on a stream. */
export function toAppError(error: unknown): unknown {
  if (error instanceof ChannelError) {
    const code = error.code as ErrorCode;
    const known = code in ERROR_CATALOGUE && PASSED_ON.has(code);
    return new AppError(known ? code : 'AGENT_UNREACHABLE', { detail: error.message, cause: error });
  }
  if (error instanceof ProtocolError) {
    return new AppError('AGENT_UNREACHABLE', { detail: error.message, cause: error });
  }
  return error;
}
