import { setTimeout as delay } from 'node:timers/promises';
import type { ApiDeps } from '#api/deps.ts';
import { DISK_FULL_REASON } from '#shared/domain/podCause.ts';
import { isReachablePhase } from '#shared/domain/session.ts';
import type { AgentChange } from '#platform/agent/AgentClient.ts';
import type { FileContent } from '#platform/db/content.ts';
import type { ItemRecord } from '#platform/db/repositories/items.ts';
import { writeDiskFull } from '#platform/db/repositories/sessionCauses.ts';
import type { SessionRecord } from '#platform/db/repositories/sessions.ts';
import { FOLDER } from '#shared/domain/mergeEntry.ts';
import { forgetSent, recordSent, recordSentRename, type SentChange } from '#platform/db/repositories/sentChanges.ts';
import {
  acknowledgeRemovals,
  acknowledgeRename,
  acknowledgeWrite,
  readHandOffState,
  type HandOffState,
} from '#platform/db/repositories/syncBase.ts';

const AGENT_DEADLINE_MS = 2_000;
const HAND_OFF_DEADLINE_MS = 10_000;
/** An answer waits so long for the volume: whoever saves and types `cat` right after sees the save. A slow agent holds nobody. */
const ANSWER_WAITS_MS = 150;

/** A file as it was written into the tree. */
export interface WrittenFile {
  path: string;
  executable: boolean;
  content: FileContent;
}

/** A committed change of a session's tree, as the volume is told. */
export type HandOff =
  | { kind: 'write'; item: ItemRecord; content: FileContent }
  | { kind: 'folder'; item: ItemRecord }
  /** Folders and files that came at once, folders before what is in them. */
  | { kind: 'arrivals'; folders: string[]; files: WrittenFile[] }
  /** Everything that went, folders before what was in them. */
  | { kind: 'removal'; items: ItemRecord[] }
  | { kind: 'rename'; from: string; item: ItemRecord };

type Deps = Pick<ApiDeps, 'database' | 'agentPool' | 'log'>;

/**
 * Hands a committed change to the agent of an open session; on its acknowledgement the base moves. Resolves at that, or
 * after a moment while the work goes on in the background. Never rejects: a change that was not handed on differs from
 * its base, and the next reconcile carries it.
 */
export async function handOffCommitted(deps: Deps, session: SessionRecord, change: HandOff): Promise<void> {
  const work = handOffChange(deps, session, change).catch((error: unknown) => {
    // The change is committed; only its way to the volume is slower now.
    deps.log.debug({ err: error, session: session.uuid, kind: change.kind }, 'a change was left to the reconcile');
  });
  underWay.add(work);
  const done = work.finally(() => underWay.delete(work));
  const moment = new AbortController();
  // Aborted as soon as the work is done: nobody waits for it any more.
  const waited = delay(ANSWER_WAITS_MS, undefined, { signal: moment.signal }).catch(() => undefined);
  await Promise.race([done, waited]);
  moment.abort();
}

const underWay = new Set<Promise<void>>();

/** Resolves once no hand-off of this process is under way: what an orderly shutdown waits for, within its own deadline. */
export async function handOffsSettled(): Promise<void> {
  while (underWay.size > 0) await Promise.all(underWay);
}

/** Hands a committed change to the agent and moves the base on its acknowledgement. Does nothing for a session that is not open. */
export async function handOffChange(deps: Deps, session: SessionRecord, change: HandOff): Promise<void> {
  if (!isReachablePhase(session.phase)) return;
  const timer = new AbortController();
  const late = delay(HAND_OFF_DEADLINE_MS, undefined, { signal: timer.signal, ref: false }).then(() => {
    throw new Error(`The agent took longer than ${HAND_OFF_DEADLINE_MS} ms.`);
  });
  const work = carry(deps, session, change);
  // Whichever loses the race has nobody left to tell.
  late.catch(() => undefined);
  work.catch(() => undefined);
  try {
    await Promise.race([work, late]);
  } finally {
    timer.abort();
  }
}

async function carry(deps: Deps, session: SessionRecord, change: HandOff): Promise<void> {
  const paths = changedPaths(change);
  const state = await readHandOffState(deps.database, { sessionId: session.id, paths });
  if (state === null) return;
  const client = await deps.agentPool.get(session.uuid, session.generation, AGENT_DEADLINE_MS);
  const steps = planSteps(change, state);
  if (steps.length === 0) return;
  const ids = await recordSteps(deps, state.volumeId, steps);
  const outcomes = await client.apply(steps, { syncEpoch: null, bulk: false });
  const isFull = outcomes.some((outcome) => outcome.outcome === 'refused' && outcome.reason === DISK_FULL_REASON);
  if (isFull) await writeDiskFull(deps.database, { sessionId: session.id, generation: session.generation }, true);
  const applied = steps.filter((_, index) => ['applied', 'displaced'].includes(outcomes[index]?.outcome ?? ''));
  await acknowledge(deps, { change, state, applied });
  await forgetSent(deps.database, { volumeId: state.volumeId, ids, applied: applied.map(pathOf) });
}

/** Should this process die before it hears of them, no reconcile takes them for a program's edits. */
async function recordSteps({ database }: Deps, volumeId: number, steps: AgentChange[]): Promise<number[]> {
  const [first] = steps;
  if (first?.op === 'rename') return recordSentRename(database, { volumeId, from: first.from, to: first.to });
  return recordSent(database, {
    volumeId,
    changes: steps.map((step) => ({ path: pathOf(step), entry: entryOf(step) })),
  });
}

function pathOf(step: AgentChange): string {
  return step.op === 'rename' ? step.to : step.path;
}

function entryOf(step: AgentChange): SentChange['entry'] {
  if (step.op === 'mkdir') return FOLDER;
  if (step.op !== 'write') return null;
  return { type: step.type, sha256: step.sha256, executable: step.executable };
}

function changedPaths(change: HandOff): string[] {
  if (change.kind === 'removal') return change.items.map((item) => item.path);
  if (change.kind === 'rename') return [change.from];
  if (change.kind === 'arrivals') return [...change.folders, ...change.files.map((file) => file.path)];
  return [change.item.path];
}

/** What is sent. A step expects what the volume last agreed to hold, so a program's newer bytes are never replaced. */
function planSteps(change: HandOff, state: HandOffState): AgentChange[] {
  switch (change.kind) {
    case 'write': {
      const { path, executable } = change.item;
      return planWrite({ path, executable, content: change.content }, state);
    }
    case 'arrivals': {
      const folders = change.folders.map((path): AgentChange => ({ op: 'mkdir', path }));
      return [...folders, ...change.files.flatMap((file) => planWrite(file, state))];
    }
    case 'folder':
      return [{ op: 'mkdir', path: change.item.path }];
    case 'removal':
      return [...change.items].reverse().flatMap(({ path }): AgentChange[] => {
        const base = state.base.get(path);
        return base === undefined ? [] : [{ op: 'remove', path, type: base.type, expected: base.sha256 }];
      });
    case 'rename': {
      const base = state.base.get(change.from);
      if (base === undefined) return [];
      return [{ op: 'rename', from: change.from, to: change.item.path, expected: base.sha256 }];
    }
  }
}

function planWrite({ path, executable, content }: WrittenFile, state: HandOffState): AgentChange[] {
  const { bytes, sha256, encoding } = content;
  // A later save is on its way itself; this one must not overtake it.
  if (state.current.get(path) !== sha256) return [];
  const type = encoding === 'symlink' ? 'symlink' : 'file';
  return [{ op: 'write', path, type, expected: state.base.get(path)?.sha256 ?? null, bytes, sha256, executable }];
}

async function acknowledge(
  { database }: Deps,
  { change, state, applied }: { change: HandOff; state: HandOffState; applied: AgentChange[] },
): Promise<void> {
  const { volumeId } = state;
  const removals: Array<{ path: string; sha256: string | null }> = [];
  for (const step of applied) {
    if (step.op === 'rename') await acknowledgeRename(database, { volumeId, from: step.from, to: step.to });
    else if (step.op === 'remove') removals.push({ path: step.path, sha256: step.expected });
    else {
      const isFolder = step.op === 'mkdir';
      const entry = {
        path: step.path,
        type: isFolder ? ('folder' as const) : step.type,
        sha256: isFolder ? null : step.sha256,
        executable: isFolder ? false : step.executable,
      };
      await acknowledgeWrite(database, { volumeId, entry, expected: isFolder ? null : step.expected });
    }
  }
  if (change.kind === 'removal') await acknowledgeRemovals(database, { volumeId, entries: removals });
}
