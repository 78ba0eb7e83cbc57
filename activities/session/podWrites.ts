import { setTimeout as delay } from 'node:timers/promises';
import type { TreeChanges, TreeEntry } from '#shared/domain/merge.ts';
import type { AgentChange, AgentClient, ChangeOutcome } from '#platform/agent/AgentClient.ts';
import { readBlobs } from '#platform/db/repositories/blobs.ts';
import type { BaseEntry } from '#platform/db/repositories/syncBase.ts';
import type { Cycle, SyncDeps } from '#activities/session/syncCycle.ts';

/** What goes to the agent in one request, which ends with one flush. */
export const POD_WRITE_BATCH = { changes: 2_000, bytes: 8 * 1024 * 1024 };
/** The agent lets go of a file that it replaced after a second, in milliseconds. */
const LINGERING_MS = 1_200;

/** What the volume took. Only what is listed here may move the base. */
export interface PodWriteResult {
  put: BaseEntry[];
  removed: string[];
  /** Something else was there, or was written meanwhile: look again. */
  unexpected: number;
  refused: Array<{ path: string; reason: string }>;
}

interface Step {
  path: string;
  size: number;
  /** Null removes. */
  entry: TreeEntry | null;
  change: (bytes: ReadonlyMap<string, Buffer>) => AgentChange | null;
}

/** Carries changes out on the volume, in batches, removals first. `present` is what the volume was found to hold. */
export async function writeToPod(
  { database }: Pick<SyncDeps, 'database'>,
  work: {
    client: AgentClient;
    cycle: Cycle;
    changes: TreeChanges;
    present: ReadonlyMap<string, TreeEntry>;
    bulk: boolean;
    fresh?: boolean;
  },
  heartbeat: () => void,
): Promise<PodWriteResult> {
  const result: PodWriteResult = { put: [], removed: [], unexpected: 0, refused: [] };
  const steps = planSteps(work.changes, work.present);
  await carryOut({ database }, { ...work, steps, result }, heartbeat);
  const waiting = takeNotEmpty(result, steps);
  if (waiting.length > 0) {
    await delay(LINGERING_MS);
    await carryOut({ database }, { ...work, steps: waiting, result }, heartbeat);
  }
  const put = new Set(result.put.map(({ path }) => path));
  result.removed = result.removed.filter((path) => !put.has(path));
  return result;
}

/** Folders that could not go because something is still in them: a file that was replaced a moment ago lingers for a second. */
function takeNotEmpty(result: PodWriteResult, steps: Step[]): Step[] {
  const notEmpty = new Set(result.refused.filter(({ reason }) => reason === 'not-empty').map(({ path }) => path));
  result.refused = result.refused.filter(({ reason }) => reason !== 'not-empty');
  return steps.filter(({ path, entry }) => entry === null && notEmpty.has(path));
}

async function carryOut(
  { database }: Pick<SyncDeps, 'database'>,
  work: { client: AgentClient; cycle: Cycle; bulk: boolean; fresh?: boolean; steps: Step[]; result: PodWriteResult },
  heartbeat: () => void,
): Promise<void> {
  const { result } = work;
  for (const steps of batches(work.steps)) {
    heartbeat();
    const digests = steps.flatMap(({ entry }) => entry?.sha256 ?? []);
    const blobs = digests.length === 0 ? new Map<string, Buffer>() : await readBlobs(database, digests);
    const sent = steps.flatMap((step) => {
      const change = step.change(blobs);
      return change === null ? [] : [{ step, change }];
    });
    // Bytes that the database no longer has belong to a version that was replaced meanwhile.
    result.unexpected += steps.length - sent.length;
    const outcomes = await work.client.apply(
      sent.map(({ change }) => change),
      { syncEpoch: work.cycle.syncEpoch, bulk: work.bulk, fresh: work.fresh ?? false },
    );
    sent.forEach(({ step }, index) => recordOutcome(result, step, outcomes[index]));
  }
}

function planSteps(changes: TreeChanges, present: ReadonlyMap<string, TreeEntry>): Step[] {
  const removed = new Set(changes.removed);
  const removals = changes.removed.map((path): Step => {
    const { type, sha256 } = present.get(path) ?? { type: 'file' as const, sha256: null };
    return { path, size: 0, entry: null, change: () => ({ op: 'remove', path, type, expected: sha256 }) };
  });
  const puts = changes.put.map(({ path, entry }): Step => {
    const expected = removed.has(path) ? null : (present.get(path)?.sha256 ?? null);
    return { path, size: entry.size, entry, change: (blobs) => putChange({ path, entry, expected }, blobs) };
  });
  return [...removals, ...puts];
}

function putChange(
  { path, entry, expected }: { path: string; entry: TreeEntry; expected: string | null },
  blobs: ReadonlyMap<string, Buffer>,
): AgentChange | null {
  if (entry.type === 'folder') return { op: 'mkdir', path };
  const { type, sha256, executable } = entry;
  const bytes = sha256 === null ? undefined : blobs.get(sha256);
  if (sha256 === null || bytes === undefined) return null;
  return { op: 'write', path, type, expected, bytes, sha256, executable };
}

function batches(steps: Step[]): Step[][] {
  const all: Step[][] = [];
  let batch: Step[] = [];
  let bytes = 0;
  for (const step of steps) {
    if (batch.length > 0 && (batch.length >= POD_WRITE_BATCH.changes || bytes + step.size > POD_WRITE_BATCH.bytes)) {
      all.push(batch);
      batch = [];
      bytes = 0;
    }
    batch.push(step);
    bytes += step.size;
  }
  if (batch.length > 0) all.push(batch);
  return all;
}

function recordOutcome(result: PodWriteResult, { path, entry }: Step, outcome: ChangeOutcome | undefined): void {
  if (outcome === undefined || outcome.outcome === 'unexpected') {
    result.unexpected += 1;
    return;
  }
  if (outcome.outcome === 'refused') {
    result.refused.push({ path, reason: outcome.reason });
    return;
  }
  if (outcome.outcome === 'displaced') result.unexpected += 1;
  if (entry === null) result.removed.push(path);
  else result.put.push({ path, type: entry.type, sha256: entry.sha256, executable: entry.executable });
}
