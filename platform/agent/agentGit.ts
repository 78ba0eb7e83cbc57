import { createHash } from 'node:crypto';
import { GitLook, GitPacked, GitUnpacked } from '#shared/contracts/agentGit.ts';
import type { Channel } from '#shared/domain/channel.ts';
import { ProtocolError } from '#shared/domain/frames.ts';
import type { Multiplexer } from '#shared/domain/multiplexer.ts';
import type { GitPackOrder, GitPackToSend } from '#platform/agent/AgentClient.ts';
import { sendPaths } from '#platform/agent/agentFiles.ts';
import { checkAnswer, mapFailures, startRequest } from '#platform/agent/agentRequests.ts';

/** Looks at `.git` folders; what is none any more is left out. */
export async function requestGitLooks(
  multiplexer: Multiplexer,
  paths: string[],
  options: { syncEpoch: number; maxBytes: number },
): Promise<GitLook[]> {
  return mapFailures(async () => {
    const { channel, answers } = startRequest(multiplexer, { kind: 'git.look', ...options });
    const asked = new Set(paths);
    const sending = sendPaths(channel, paths);
    // Its failure is the channel's, which the answers meet as well.
    sending.catch(() => undefined);
    const looks: GitLook[] = [];
    try {
      for await (const part of answers) {
        const look = checkAnswer(GitLook, 'message' in part ? part.message : null);
        if (!asked.delete(look.path)) throw new ProtocolError('The agent told of a folder nobody asked for.');
        looks.push(look);
      }
      return looks;
    } finally {
      channel.close();
    }
  });
}

/** Receives a packed `.git` folder piece by piece, verified by length and digest. A piece is only good until `take` has resolved. */
export async function requestGitPack(
  multiplexer: Multiplexer,
  order: GitPackOrder,
  take: (piece: Uint8Array) => Promise<void>,
): Promise<GitPacked> {
  return mapFailures(async () => {
    const { channel, answers } = startRequest(multiplexer, { kind: 'git.pack', ...order });
    channel.end();
    const hash = createHash('sha256');
    let size = 0;
    try {
      for await (const part of answers) {
        if ('message' in part) {
          const packed = checkAnswer(GitPacked, part.message);
          if (packed.outcome === 'packed' && (packed.size !== size || packed.sha256 !== hash.digest('hex'))) {
            throw new ProtocolError('A pack does not match its digest.');
          }
          return packed;
        }
        size += part.data.byteLength;
        if (size > order.maxBytes) throw new ProtocolError('A pack has no end.');
        hash.update(part.data);
        await take(part.data);
      }
      throw new ProtocolError('A pack ended early.');
    } finally {
      // Whoever stops taking early leaves nothing under way.
      channel.close();
    }
  });
}

/** Sends a pack, and tells what became of it. Throws what `pieces` throws. */
export async function requestGitUnpack(
  multiplexer: Multiplexer,
  { pieces, ...head }: GitPackToSend,
): Promise<GitUnpacked> {
  return mapFailures(async () => {
    const { channel, answers } = startRequest(multiplexer, { kind: 'git.unpack', ...head });
    let failure: unknown = null;
    const sending = sendPieces(channel, pieces).catch((error: unknown) => {
      // A channel that broke is told by the answers; bytes that could not be read are told by this alone.
      if (!channel.over) failure = error;
      channel.close();
      answers.ended();
    });
    try {
      for await (const part of answers) return checkAnswer(GitUnpacked, 'message' in part ? part.message : null);
      if (failure !== null) throw failure;
      throw new ProtocolError('The agent did not tell what became of a pack.');
    } finally {
      channel.close();
      await sending;
    }
  });
}

async function sendPieces(channel: Channel, pieces: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const piece of pieces) await channel.sendData(piece);
  channel.end();
}
