import { PtyAnswer } from '#shared/contracts/agentProtocol.ts';
import { HIGH_WATER, type TerminalSize } from '#shared/contracts/terminal.ts';
import type { Channel } from '#shared/domain/channel.ts';
import { AppError } from '#shared/domain/errors.ts';
import { ProtocolError } from '#shared/domain/frames.ts';
import type { Multiplexer } from '#shared/domain/multiplexer.ts';
import type { TerminalAttachment, TerminalListener } from '#platform/agent/AgentClient.ts';
import { checkAnswer, openChannel, toAppError } from '#platform/agent/agentRequests.ts';

/** How to join a terminal. */
export interface AttachRequest {
  id: string;
  clientId: string;
  offset: number | null;
  size: TerminalSize;
  counts: boolean;
}

/** Joins a terminal. Resolves once the agent has told where the output starts; output may come in the same moment. */
export async function attachTerminal(
  multiplexer: Multiplexer,
  request: AttachRequest,
  listener: TerminalListener,
): Promise<TerminalAttachment> {
  const joined = Promise.withResolvers<Joined>();
  let offset = 0;
  let acked = 0;
  let isJoined = false;
  function lose(why: unknown): void {
    if (isJoined) listener.closed();
    else joined.reject(why);
  }
  const channel: Channel = openChannel(
    multiplexer,
    { kind: 'pty', ...request },
    {
      message: (value, bytes) => {
        channel.grant(bytes);
        const answer = checkAnswer(PtyAnswer, value);
        if ('joined' in answer) {
          isJoined = true;
          offset = acked = answer.joined.offset;
          joined.resolve(answer.joined);
        } else if ('reset' in answer) {
          offset = acked = answer.reset;
          listener.reset(answer.reset);
        } else if ('taken' in answer) listener.taken?.(answer.taken);
        else listener.exit(answer.exit);
      },
      output: (bytes) => {
        if (offset + bytes.byteLength > acked + HIGH_WATER)
          throw new ProtocolError('The agent sent beyond the window.');
        const start = offset;
        offset += bytes.byteLength;
        listener.output(start, bytes);
      },
      closed: () => lose(new AppError('AGENT_UNREACHABLE')),
      ended: () => {
        channel.close();
        lose(new AppError('AGENT_UNREACHABLE'));
      },
      failed: (error) => lose(toAppError(error)),
    },
  );
  const { offset: start, ...told } = await joined.promise;
  return {
    ...told,
    offset: start,
    input: (seq, data) => channel.sendInput(seq, data),
    resize: (size) => channel.post({ resize: size }),
    ack: (taken) => {
      // Nobody can have taken what was not sent: such a word comes from a broken or lying page, and counts for nothing.
      if (taken > offset) return;
      acked = Math.max(acked, taken);
      channel.post({ ack: taken });
    },
    counts: (counting) => channel.post({ counts: counting }),
    detach: () => channel.close(),
    drop: () => channel.fail('READER_LOST', 'The reader was lost.'),
  };
}

interface Joined {
  offset: number;
  reset: boolean;
  end: number;
  lastInputSeq: number;
  inputWindow?: number;
}
