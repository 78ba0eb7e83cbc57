import { DISK_FULL_REASON } from '#shared/domain/podCause.ts';
import type { GitLook } from '#shared/contracts/agentGit.ts';
import type { AgentClient } from '#platform/agent/AgentClient.ts';
import type { Tx } from '#platform/db/database.ts';
import { listGitFolders, noteRestoredGit, type GitFolderRecord } from '#platform/db/repositories/gitFolders.ts';
import { readGitPack } from '#platform/db/repositories/gitPacks.ts';
import type { Cycle, SyncDeps } from '#activities/session/syncCycle.ts';

/** A folder that went to the volume, and how the agent names it there; null: the volume does not take it. */
export interface RestoredGit {
  folder: GitFolderRecord;
  seen: Pick<GitLook, 'fingerprint' | 'identity'> | null;
}

/** The disk has no room for a `.git` folder. */
export class NoRoomForGit extends Error {}

/** Unpacks all `.git` folders of a session on a volume that nobody works on yet. Throws NoRoomForGit. */
export async function loadGitFolders(
  deps: SyncDeps,
  { client, cycle }: { client: AgentClient; cycle: Cycle },
  heartbeat: () => void,
): Promise<RestoredGit[]> {
  if (!client.packsGit) return [];
  const restored: RestoredGit[] = [];
  for (const folder of await listGitFolders(deps.database, cycle.ref.sessionId)) {
    if (folder.removedAt !== null) continue;
    heartbeat();
    const seen = await restoreGitFolder(deps, { client, cycle, folder });
    if (seen !== 'present') restored.push({ folder, seen });
  }
  return restored;
}

/**
 * Unpacks one `.git` folder where the volume has none. Null when the volume does not take it: a pack that was made by no
 * agent of ours must not keep its session from opening. Throws NoRoomForGit.
 */
export async function restoreGitFolder(
  deps: SyncDeps,
  { client, cycle, folder }: { client: AgentClient; cycle: Cycle; folder: GitFolderRecord },
): Promise<RestoredGit['seen'] | 'present'> {
  const { path, size, sha256, packId } = folder;
  const pieces = readGitPack(deps.database, packId);
  const answer = await client.unpackGit({ syncEpoch: cycle.syncEpoch, path, size, sha256, pieces });
  if (answer.outcome === 'present') return 'present';
  if (answer.outcome === 'unpacked') return answer;
  if (answer.reason === DISK_FULL_REASON) throw new NoRoomForGit(`The volume has no room for ${path}.`);
  deps.log.error({ session: cycle.ref.uuid, path, reason: answer.reason }, 'a .git folder could not be restored');
  return null;
}

/** Records where restored folders are now. Runs in the transaction that commitFenced gives. */
export async function recordRestored(
  { database }: Pick<SyncDeps, 'database'>,
  { volumeId, restored }: { volumeId: number; restored: RestoredGit[] },
  tx: Tx,
): Promise<void> {
  for (const { folder, seen } of restored) await noteRestoredGit(database, { id: folder.id, volumeId, seen }, tx);
}
