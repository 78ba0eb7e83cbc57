import { setTimeout as delay } from 'node:timers/promises';
import { AppError, isAppError } from '#shared/domain/errors.ts';
import { sessionLimits } from '#shared/domain/limits.ts';
import { judgeDeletions, planMerge, type MergePlan } from '#shared/domain/merge.ts';
import { pairRenames } from '#shared/domain/mergeRenames.ts';
import type { AgentClient } from '#platform/agent/AgentClient.ts';
import type { Tx } from '#platform/db/database.ts';
import { DISK_FULL_REASON } from '#shared/domain/podCause.ts';
import { writeDiskFull } from '#platform/db/repositories/sessionCauses.ts';
import { findSessionById } from '#platform/db/repositories/sessions.ts';
import { forgetSent, readTraces } from '#platform/db/repositories/sentChanges.ts';
import { moveBase } from '#platform/db/repositories/syncBase.ts';
import { setVolumeState } from '#platform/db/repositories/volumes.ts';
import type { SessionRef, SyncResult } from '#workflows/session/session.ports.ts';
import { carryRenames } from '#activities/session/carryRenames.ts';
import { commitMerge, type CommittedMerge } from '#activities/session/commitMerge.ts';
import { lookAtGit, openGitRun, settleGit, type GitRun } from '#activities/session/gitFolders.ts';
import { readNews } from '#activities/session/podReads.ts';
import { countMissed, digestTree, judgeManifest, unknownPaths, type PodTree } from '#activities/session/podTree.ts';
import { writeToPod } from '#activities/session/podWrites.ts';
import { beginCycle, commitFenced, isSuperseded, type Cycle, type SyncDeps } from '#activities/session/syncCycle.ts';

/** How long the second scan waits when very much is gone, and when a small tree is empty, in milliseconds. */
const SECOND_SCAN_MS = { large: 5_000, small: 500 };
const NOTHING: SyncResult = { changed: 0, conflicts: 0, notSaved: 0, more: false };
// While a session is being saved its saving alone reconciles; afterwards nobody may touch the volume.
const ENDING_PHASES: ReadonlySet<string> = new Set(['saving', 'closing', 'closed', 'failed']);

/** What one cycle did and found. */
export interface CycleResult extends SyncResult {
  /** The digest of all that was found on the volume. */
  scan: string;
  /** Nothing on the volume was missing in the database, and nothing was changing. */
  settled: boolean;
}

/** Called at every step of longer work; outside Temporal it may do nothing. */
export type Heartbeat = () => void;

/**
 * Brings a session's rows and its volume together, three ways, once. Works on a volume that was loaded; on any other, in
 * an ending session, and when a later cycle or opening has taken over, it changes nothing. Safe to run twice.
 */
export async function reconcile(
  deps: SyncDeps,
  ref: SessionRef & { cause: string },
  heartbeat: Heartbeat,
): Promise<SyncResult> {
  let cycle: Cycle | null = null;
  try {
    const client = await deps.agentPool.get(ref.uuid, ref.generation);
    cycle = await beginCycle(deps, ref, {
      states: ['live', 'kept', 'drained'],
      admits: (session) => !ENDING_PHASES.has(session.phase),
    });
    if (cycle === null) return NOTHING;
    const { changed, conflicts, notSaved, more } = await runCycle(
      deps,
      { client, cycle },
      {
        heartbeat,
        git: openGitRun(deps),
      },
    );
    return { changed, conflicts, notSaved, more };
  } catch (error) {
    if (!isSuperseded(error)) throw error;
    if (isAppError(error, 'STALE_GENERATION') && (await isStillOurs(deps, ref, cycle))) {
      throw new AppError('AGENT_UNREACHABLE', {
        detail: 'The agent tells of a later reconcile that the database does not know.',
        cause: error,
      });
    }
    deps.log.info({ session: ref.uuid, generation: ref.generation, cause: ref.cause }, 'a later reconcile took over');
    return NOTHING;
  }
}

/** What an agent says is a program's word: only the row knows whether a later opening or cycle has taken over. */
async function isStillOurs({ database }: SyncDeps, ref: SessionRef, cycle: Cycle | null): Promise<boolean> {
  const session = await findSessionById(database, ref.sessionId);
  if (session?.generation !== ref.generation) return false;
  return cycle === null || session.syncEpoch === cycle.syncEpoch;
}

/**
 * One cycle: rename on the volume what the editor renamed, scan, read what is new, decide and commit, write to the volume,
 * move the base, save `.git` folders that rest. `onSaved` runs in the transaction of the commit when the database was found to hold all that the volume holds. Throws Superseded.
 */
export async function runCycle(
  deps: SyncDeps,
  { client, cycle }: { client: AgentClient; cycle: Cycle },
  run: { heartbeat: Heartbeat; git: GitRun; onSaved?: (scan: string, tx: Tx) => Promise<void> },
): Promise<CycleResult> {
  run.heartbeat();
  const carried = await carryRenames(deps, { client, cycle }, run.heartbeat);
  const traces = await readTraces(deps.database, cycle.volume.id);
  const tree = await scanTwiceIfNeeded(deps, { client, cycle }, run.heartbeat);
  const found = await lookAtGit(deps, { client, cycle, tree, run: run.git });
  const encodings = await readNews(deps, { client, cycle, tree });
  run.heartbeat();
  const scan = digestTree(tree);
  const missed = countMissed(tree.notSaved);
  const { plan, renamed, sentIds, settled } = await commitFenced(deps, cycle, async (tx) => {
    const { plan, renamed, sentIds } = await commitMerge(deps, { cycle, findings: { tree, encodings, traces } }, tx);
    const settled = renamed === 0 && isSettled(plan, tree) && !found.pending;
    if (cycle.volume.state === 'drained')
      await setVolumeState(deps.database, { id: cycle.volume.id, state: 'live' }, tx);
    // Where an absence says nothing, a row without its file may be an unsaved deletion: such a volume is not done with.
    if (settled && missed === 0 && tree.absenceCounts) await run.onSaved?.(scan, tx);
    return { plan, renamed, sentIds, settled };
  });
  const written = await writeAndAcknowledge(deps, { client, cycle, plan, sentIds, tree }, run.heartbeat);
  await settleGit(deps, { client, cycle, tree, run: run.git, findings: found }, run.heartbeat);
  return {
    changed: carried + renamed + countChanges(plan),
    conflicts: plan.conflicts.length,
    notSaved: countMissed(tree.notSaved),
    more: written.unexpected > 0 || tree.changing.size > 0,
    scan,
    settled,
  };
}

function countChanges({ databaseChanges, podChanges }: MergePlan): number {
  return [databaseChanges, podChanges].reduce((sum, { put, removed }) => sum + put.length + removed.length, 0);
}

function isSettled(plan: MergePlan, tree: PodTree): boolean {
  const { put, removed } = plan.databaseChanges;
  return put.length === 0 && removed.length === 0 && tree.changing.size === 0;
}

/** One scan; a second one, a while later, when the first would delete so much that it may be a mistake. */
async function scanTwiceIfNeeded(
  deps: SyncDeps,
  { client, cycle }: { client: AgentClient; cycle: Cycle },
  heartbeat: Heartbeat,
): Promise<PodTree> {
  const scan = async (): Promise<PodTree> => {
    const manifest = await client.manifest({ syncEpoch: cycle.syncEpoch, keep: [...cycle.rows.keys()] });
    return judgeManifest(manifest, {
      volumeId: cycle.volume.id,
      limits: sessionLimits(deps.config),
      database: cycle.rows,
    });
  };
  const first = await scan();
  const deletions = wouldDelete(cycle, first);
  if (deletions === null) return first;
  deps.log.warn({ session: cycle.ref.uuid }, 'most files are gone from the volume; looking again before believing it');
  await delay(deps.secondScanMs ?? SECOND_SCAN_MS[deletions]);
  heartbeat();
  const second = await scan();
  // What only one of the two scans missed is not gone.
  for (const path of first.entries.keys()) if (!second.entries.has(path)) second.changing.add(path);
  second.absenceCounts &&= first.absenceCounts;
  return second;
}

function wouldDelete(cycle: Cycle, tree: PodTree): ReturnType<typeof judgeDeletions> {
  const trees = { base: cycle.base, database: cycle.rows, pod: tree.entries };
  const unknown = unknownPaths(tree);
  // What was only renamed is not gone.
  const renames = pairRenames({ ...trees, unknown, movedFrom: tree.movedFrom });
  const plan = planMerge({
    base: renames.apply(trees.base),
    database: renames.apply(trees.database),
    pod: trees.pod,
    unknown,
    notSaved: tree.notSaved.map((entry) => entry.path),
    merged: new Map(),
    at: new Date(0),
  });
  return judgeDeletions(cycle.rows, plan);
}

function isDiskFull({ reason }: { reason: string }): boolean {
  return reason === DISK_FULL_REASON;
}

async function writeAndAcknowledge(
  deps: SyncDeps,
  {
    client,
    cycle,
    plan,
    sentIds,
    tree,
  }: Pick<CommittedMerge, 'plan' | 'sentIds'> & {
    client: AgentClient;
    cycle: Cycle;
    tree: PodTree;
  },
  heartbeat: Heartbeat,
): Promise<{ unexpected: number }> {
  const { put, removed } = plan.podChanges;
  if (put.length + removed.length === 0) {
    await writeDiskFull(deps.database, cycle.ref, false);
    return { unexpected: 0 };
  }
  const work = { client, cycle, changes: plan.podChanges, present: tree.entries, bulk: put.length > 20 };
  const written = await writeToPod(deps, work, heartbeat);
  if (written.refused.length > 0) {
    deps.log.warn({ session: cycle.ref.uuid, refused: written.refused.slice(0, 20) }, 'the volume refused changes');
  }
  await writeDiskFull(deps.database, cycle.ref, written.refused.some(isDiskFull));
  const volumeId = cycle.volume.id;
  await commitFenced(deps, cycle, async (tx) => {
    await moveBase(deps.database, { volumeId, put: written.put, removed: written.removed }, tx);
    const applied = [...written.put.map(({ path }) => path), ...written.removed];
    await forgetSent(deps.database, { volumeId, ids: sentIds, applied }, tx);
  });
  return { unexpected: written.unexpected };
}
