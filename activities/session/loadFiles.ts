import { ApplicationFailure } from '@temporalio/activity';
import { sessionLimits } from '#shared/domain/limits.ts';
import { diffTrees, type Tree } from '#shared/domain/merge.ts';
import { DISK_FULL_REASON } from '#shared/domain/podCause.ts';
import type { AgentClient, Manifest } from '#platform/agent/AgentClient.ts';
import type { Tx } from '#platform/db/database.ts';
import { replaceBase } from '#platform/db/repositories/syncBase.ts';
import { findVolume, setVolumeState } from '#platform/db/repositories/volumes.ts';
import type { CauseDetail, SessionRef } from '#workflows/session/session.ports.ts';
import { loadGitFolders, NoRoomForGit, recordRestored, type RestoredGit } from '#activities/session/gitRestore.ts';
import type { Heartbeat } from '#activities/session/reconcile.ts';
import { judgeManifest, unknownPaths, type PodTree } from '#activities/session/podTree.ts';
import { writeToPod } from '#activities/session/podWrites.ts';
import { beginCycle, commitFenced, type Cycle, type SyncDeps } from '#activities/session/syncCycle.ts';

const TRIES = 3;

/**
 * Fills a volume that is `new` or `loading` from the database and makes it `live` once its manifest equals the rows that
 * were sent. A volume in any other state is left alone. The base is recorded after the agent flushed the files, so what
 * a crash left half written is never taken for an edit. Rows saved meanwhile differ from the base and are handed on by
 * the first reconcile. Rejects when the volume does not come to hold the files. Safe to run twice.
 */
export async function loadFiles(deps: SyncDeps, ref: SessionRef, heartbeat: Heartbeat): Promise<{ files: number }> {
  for (let count = 0; count < TRIES; count += 1) {
    const cycle = await beginCycle(deps, ref, { states: ['new', 'loading'] });
    if (cycle === null) return { files: await countLoaded(deps, ref) };
    await commitFenced(deps, cycle, (tx) =>
      setVolumeState(deps.database, { id: cycle.volume.id, state: 'loading' }, tx),
    );
    const client = await deps.agentPool.get(ref.uuid, ref.generation);
    await fillVolume(deps, { client, cycle }, heartbeat);
    heartbeat();
    const loaded = await readVolume(deps, { client, cycle });
    // What the agent refuses to name, as a file beyond a limit that was lowered, is there but gets no base.
    const isUnknown = unknownPaths(loaded);
    const difference = diffTrees(loaded.entries, cycle.rows, (path) => loaded.entries.has(path) || !isUnknown(path));
    if (difference.put.length + difference.removed.length === 0) {
      const restored = await loadGit(deps, { client, cycle }, heartbeat);
      await commitFenced(deps, cycle, (tx) => recordLoaded(deps, { cycle, loaded, restored }, tx));
      return { files: countFiles(loaded.entries) };
    }
    deps.log.warn(
      { session: ref.uuid, missing: difference.put.length, extra: difference.removed.length },
      'the volume does not hold what was sent; loading again',
    );
  }
  throw new Error(`The volume of session ${ref.uuid} did not hold its files after ${TRIES} tries.`);
}

async function countLoaded({ database }: SyncDeps, ref: SessionRef): Promise<number> {
  const volume = await findVolume(database, ref.sessionId);
  if (volume === null) return 0;
  const rows = await database.query<{ files: number }>(
    `SELECT count(*)::integer AS files FROM sync_base WHERE volume_id = $1 AND type <> 'folder'`,
    [volume.id],
  );
  return rows[0]?.files ?? 0;
}

function countFiles(tree: Tree): number {
  return [...tree.values()].filter((entry) => entry.type !== 'folder').length;
}

async function readVolume(deps: SyncDeps, { client, cycle }: { client: AgentClient; cycle: Cycle }): Promise<PodTree> {
  const manifest = await scanWithDigests(client, cycle);
  if (!manifest.complete) throw new Error(`The volume of session ${cycle.ref.uuid} could not be read whole.`);
  if (manifest.volumeId !== cycle.volume.id) {
    throw new Error(
      `The volume of session ${cycle.ref.uuid} carries the mark ${manifest.volumeId}, not ${cycle.volume.id}.`,
    );
  }
  const limits = { ...sessionLimits(deps.config), maxSessionItems: Infinity, maxSessionBytes: Infinity };
  return judgeManifest(manifest, { volumeId: cycle.volume.id, limits, database: cycle.rows });
}

/** What an earlier try left can only be removed by its digest, which new files come without: they are asked for by name. */
async function scanWithDigests(client: AgentClient, { syncEpoch, rows }: Cycle): Promise<Manifest> {
  const manifest = await client.manifest({ syncEpoch, keep: [...rows.keys()] });
  const undigested = manifest.entries.filter(({ type, sha256 }) => type === 'file' && sha256 === null);
  if (undigested.length === 0) return manifest;
  return client.manifest({ syncEpoch, keep: [...rows.keys(), ...undigested.map(({ path }) => path)] });
}

/** Nobody has worked on a volume that was never loaded: what is on it comes from an earlier try and gives way. */
async function fillVolume(
  deps: SyncDeps,
  { client, cycle }: { client: AgentClient; cycle: Cycle },
  heartbeat: Heartbeat,
): Promise<void> {
  const { entries: present } = await readVolume(deps, { client, cycle });
  const changes = diffTrees(present, cycle.rows, () => true);
  const written = await writeToPod(deps, { client, cycle, changes, present, bulk: true, fresh: true }, heartbeat);
  if (written.refused.length === 0) return;
  const [first] = written.refused;
  const message = `The volume of session ${cycle.ref.uuid} refused ${first?.path}: ${first?.reason}.`;
  throw first?.reason === DISK_FULL_REASON ? diskFull(message) : new Error(message);
}

/** There is nothing else on the volume that could make room. */
function diskFull(message: string): ApplicationFailure {
  const told: CauseDetail = { cause: 'disk-full', hopeless: true };
  return ApplicationFailure.create({ message, type: 'DISK_FULL', nonRetryable: true, details: [told] });
}

/** Comes last: what an earlier try has unpacked stays, and no file goes to where it is any more. */
async function loadGit(
  deps: SyncDeps,
  work: { client: AgentClient; cycle: Cycle },
  heartbeat: Heartbeat,
): Promise<RestoredGit[]> {
  try {
    return await loadGitFolders(deps, work, heartbeat);
  } catch (error) {
    throw error instanceof NoRoomForGit ? diskFull(error.message) : error;
  }
}

async function recordLoaded(
  { database }: SyncDeps,
  { cycle, loaded, restored }: { cycle: Cycle; loaded: PodTree; restored: RestoredGit[] },
  tx: Tx,
): Promise<void> {
  const put = [...loaded.entries].map(([path, { type, sha256, executable }]) => ({ path, type, sha256, executable }));
  await replaceBase(database, { volumeId: cycle.volume.id, put }, tx);
  await recordRestored({ database }, { volumeId: cycle.volume.id, restored }, tx);
  await setVolumeState(database, { id: cycle.volume.id, state: 'live' }, tx);
}
