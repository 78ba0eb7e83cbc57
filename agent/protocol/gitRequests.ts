import { closeSync } from 'node:fs';
import type { GitLook, GitPacked, GitUnpacked } from '#shared/contracts/agentGit.ts';
import type { AgentRequest } from '#shared/contracts/agentProtocol.ts';
import type { Channel } from '#shared/domain/channel.ts';
import { isGitPath } from '#shared/domain/gitFolders.ts';
import type { FrameQueue } from '#shared/domain/frameQueue.ts';
import { AgentFailure, systemCode } from '#agent/failure.ts';
import { measureGit, openGit } from '#agent/git/measure.ts';
import { packGit } from '#agent/git/pack.ts';
import { unpackGit } from '#agent/git/unpack.ts';
import { pathsOf } from '#agent/protocol/fileRequests.ts';
import type { AgentSession } from '#agent/session.ts';

type Request<Kind extends AgentRequest['kind']> = Extract<AgentRequest, { kind: Kind }>;

/** Names that are no `.git` are none of these requests' business, whatever a caller says. */
function checkGitPath(path: string): void {
  if (isGitPath(path)) return;
  throw new AgentFailure('INVALID_INPUT', 'The path is not that of a .git folder.');
}

/** Answers a `git.look` request. What is no folder any more is left out. */
export async function lookAtGit(
  { workspace, epochs }: AgentSession,
  { channel, incoming, request }: { channel: Channel; incoming: FrameQueue; request: Request<'git.look'> },
): Promise<void> {
  epochs.checkSyncEpoch(request.syncEpoch);
  for await (const path of pathsOf(incoming)) {
    checkGitPath(path);
    const folder = openIfThere(() => openGit(workspace, path));
    if (folder === null) continue;
    try {
      const { fingerprint, identity, size, changedAt, locked, refusal } = await measureGit(folder, request.maxBytes);
      const quietMs = Math.max(0, Date.now() - changedAt);
      await channel.send({ path, fingerprint, identity, size, quietMs, locked, refusal } satisfies GitLook);
    } finally {
      closeSync(folder);
    }
  }
}

/** Answers a `git.pack` request. */
export async function sendGit(
  { workspace, epochs, flush }: AgentSession,
  { channel, request }: { channel: Channel; request: Request<'git.pack'> },
): Promise<void> {
  checkGitPath(request.path);
  epochs.checkSyncEpoch(request.syncEpoch);
  const folder = openIfThere(() => openGit(workspace, request.path));
  if (folder === null) return channel.send({ outcome: 'moving' } satisfies GitPacked);
  try {
    // What is saved must not be newer than what a crash leaves on the disk, which would count as a later edit.
    await flush.flushAll();
    await channel.send(await packGit(folder, request, (bytes) => channel.sendData(bytes)));
  } finally {
    closeSync(folder);
  }
}

/** Answers a `git.unpack` request. */
export async function takeGit(
  { workspace, epochs, changes }: AgentSession,
  { channel, incoming, request }: { channel: Channel; incoming: FrameQueue; request: Request<'git.unpack'> },
): Promise<void> {
  checkGitPath(request.path);
  epochs.checkSyncEpoch(request.syncEpoch);
  const { path, size, sha256 } = request;
  await changes.take(async () => {
    // A later reconcile may have come while this one waited.
    epochs.checkSyncEpoch(request.syncEpoch);
    const answer = await unpackGit(workspace, { path, size, sha256, pieces: piecesOf(incoming) });
    await channel.send(answer satisfies GitUnpacked);
  });
}

function openIfThere(open: () => number): number | null {
  try {
    return open();
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'ELOOP', 'EACCES'].includes(systemCode(error))) return null;
    throw error;
  }
}

async function* piecesOf(incoming: FrameQueue): AsyncGenerator<Uint8Array> {
  for await (const part of incoming) {
    if (!('data' in part)) throw new AgentFailure('INVALID_INPUT', 'Only the data of a pack may come.');
    yield part.data;
  }
}
