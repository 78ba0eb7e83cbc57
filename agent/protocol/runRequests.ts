import { MAX_STDIN_BYTES, type RunPart } from '#shared/contracts/agentRuns.ts';
import { DATA_PIECE_BYTES, type Channel } from '#shared/domain/channel.ts';
import type { FrameQueue } from '#shared/domain/frameQueue.ts';
import { RUN_STREAMS, type RunStream } from '#shared/domain/run.ts';
import { AgentFailure } from '#agent/failure.ts';
import type { Run } from '#agent/runs/run.ts';
import type { Runs, StartRequest } from '#agent/runs/runs.ts';

/** Starts a run once its standard input is here, and tells it. Fails as Runs.start does. */
export async function startRun(
  runs: Runs,
  { channel, incoming, request }: { channel: Channel; incoming: FrameQueue; request: StartRequest },
): Promise<void> {
  const stdin: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of incoming) {
    if (!('data' in part)) throw new AgentFailure('INVALID_INPUT', 'Only the standard input belongs here.');
    bytes += part.data.byteLength;
    if (bytes > MAX_STDIN_BYTES) throw new AgentFailure('INVALID_INPUT', 'The standard input is too long.');
    stdin.push(part.data);
  }
  await channel.send(runs.start(request, Buffer.concat(stdin)));
}

/**
 * Sends what the run has put out from those offsets on, then what comes, then its end. Resolves early when the caller has
 * left. A slow caller stalls nobody: what is kept stays where it is.
 */
export async function sendRun(
  run: Run,
  { channel, incoming, offsets }: { channel: Channel; incoming: FrameQueue; offsets: Record<RunStream, number> },
): Promise<void> {
  let left = false;
  let wake = (): void => undefined;
  void untilLeft(incoming).then(() => {
    left = true;
    wake();
  });
  while (!left) {
    const { news, running } = run;
    for (const stream of RUN_STREAMS) offsets[stream] = await sendKept(run, { channel, stream, from: offsets[stream] });
    if (!running) {
      await channel.send({ ended: run.describe() } satisfies RunPart);
      return;
    }
    // Not a race with the leaving: that would keep something of each piece of news until the caller leaves.
    await new Promise<void>((resolve) => {
      wake = resolve;
      if (left) resolve();
      void news.then(resolve);
    });
  }
}

/** Sends the held output after `from`; resolves with the offset after it. */
async function sendKept(
  run: Run,
  { channel, stream, from }: { channel: Channel; stream: RunStream; from: number },
): Promise<number> {
  const capture = run.capture(stream);
  let offset = from;
  while (offset < capture.kept) {
    const piece = capture.slice(offset, offset + DATA_PIECE_BYTES);
    await channel.send({ stream, bytes: piece.byteLength } satisfies RunPart);
    await channel.sendData(piece);
    offset += piece.byteLength;
  }
  return offset;
}

async function untilLeft(incoming: FrameQueue): Promise<void> {
  try {
    for await (const part of incoming) void part;
  } catch {
    // Closed or broken: the caller has left either way.
  }
}
