import { z } from 'zod';
import type { AgentRequest } from '#shared/contracts/agentProtocol.ts';
import { AgentRunMessage, MAX_OUTPUT_LIMIT_BYTES, RunPart } from '#shared/contracts/agentRuns.ts';
import { AppError } from '#shared/domain/errors.ts';
import { ProtocolError } from '#shared/domain/frames.ts';
import type { Multiplexer } from '#shared/domain/multiplexer.ts';
import type { RunStream } from '#shared/domain/run.ts';
import type { AgentRun, AgentRunPart, AgentRuns, AgentRunStart } from '#platform/agent/AgentClient.ts';
import { ask, checkAnswer, mapFailures, startRequest, toAppError } from '#platform/agent/agentRequests.ts';

/** The runs of an agent. `known` false: it is of a release that has none, and everything is refused. */
export function createAgentRuns(multiplexer: Multiplexer, known: boolean): AgentRuns {
  const check = (): void => {
    if (known) return;
    const detail = 'The session was opened by an older release of Berth. Close it and open it again.';
    throw new AppError('RUN_REFUSED', { detail });
  };
  const request = async <Schema extends z.ZodType>(wanted: AgentRequest, schema: Schema): Promise<z.output<Schema>> => {
    check();
    return ask(multiplexer, wanted, schema);
  };
  return {
    async start(run) {
      check();
      return mapFailures(() => startRun(multiplexer, run));
    },
    wait: (id) => request({ kind: 'runs.wait', id }, AgentRunMessage),
    stop: (id) => request({ kind: 'runs.stop', id }, z.undefined()),
    forget: (id) => request({ kind: 'runs.forget', id }, z.undefined()),
    async *follow(id, from, leave) {
      check();
      try {
        yield* followRun(multiplexer, { id, from, leave });
      } catch (error) {
        throw toAppError(error);
      }
    },
  };
}

async function startRun(multiplexer: Multiplexer, { stdin, ...run }: AgentRunStart): Promise<AgentRun> {
  const { channel, answers } = startRequest(multiplexer, { kind: 'runs.start', ...run });
  const sending = channel.sendData(stdin).then(() => channel.end());
  // Its failure is the channel's, which the answers meet as well.
  sending.catch(() => undefined);
  let answer: unknown;
  for await (const part of answers) answer = 'message' in part ? part.message : answer;
  return checkAnswer(AgentRunMessage, answer);
}

async function* followRun(
  multiplexer: Multiplexer,
  { id, from, leave }: { id: string; from: Readonly<Record<RunStream, number>>; leave?: AbortSignal },
): AsyncGenerator<AgentRunPart> {
  const offsets = { stdout: from.stdout, stderr: from.stderr };
  const { channel, answers } = startRequest(multiplexer, { kind: 'run', id, ...offsets });
  const stop = (): void => answers.closed();
  leave?.addEventListener('abort', stop);
  let announced: { stream: RunStream; bytes: number } | null = null;
  try {
    if (leave?.aborted) return;
    for await (const part of answers) {
      if ('data' in part) {
        if (announced?.bytes !== part.data.byteLength) throw new ProtocolError('The agent sent output of no run.');
        const { stream } = announced;
        const offset = offsets[stream];
        offsets[stream] += part.data.byteLength;
        // Nothing of a run is longer, whatever its agent says.
        if (offsets[stream] > MAX_OUTPUT_LIMIT_BYTES) throw new ProtocolError('The output of a run has no end.');
        announced = null;
        yield { stream, offset, bytes: part.data };
        continue;
      }
      const message = checkAnswer(RunPart, part.message);
      if ('ended' in message) {
        yield message;
        return;
      }
      announced = message;
    }
    throw new ProtocolError('The output of a run ended without its end.');
  } finally {
    leave?.removeEventListener('abort', stop);
    // Whoever stops taking early leaves nothing under way.
    channel.close();
  }
}
