import { allHandlersFinished, condition, isCancellation, workflowInfo } from '@temporalio/workflow';
import type { PhaseReason } from '#shared/domain/session.ts';
import type { RunningParts } from '#workflows/session/session.messages.ts';
import type { WatchEnd } from '#workflows/session/session.ports.ts';
import {
  enterPhase,
  showAttention,
  showExpiry,
  showOwner,
  showPhase,
  type SessionRun,
} from '#workflows/session/session.run.ts';

/** Replaying a longer history takes seconds, which a workflow task does not have. */
const HISTORY_EVENTS = 1_500;
/** How often pod and files are brought up before an open counts as failed. */
const OPEN_TRIES = 3;
/** A reconcile that found changes made meanwhile is repeated so often; the watch asks again for the rest. */
const SYNC_ROUNDS = 5;

/** How the live part ended by itself; a close or a cancellation makes it reject instead. */
export type LiveEnd = 'ended' | 'continue-as-new';

/** A step of opening or recovering failed for good. */
export class StepFailed extends Error {
  readonly reason: PhaseReason;

  constructor(reason: PhaseReason, cause: unknown) {
    super(explain(cause), { cause });
    this.name = 'StepFailed';
    this.reason = reason;
  }
}

/** Admits, provisions, loads and serves a session until it ends. Runs in a scope that a close cancels. */
export async function live(run: SessionRun): Promise<LiveEnd> {
  const taken = run.input.carried?.running;
  if (taken === undefined) {
    // A run that was started only to close has nothing to open.
    if (run.owns) return 'ended';
    if (!(await admit(run))) return 'ended';
    await open(run);
    if (!(await enterPhase(run, 'running', null))) return 'ended';
  } else {
    showPhase(run, 'running', null);
  }
  return serve(run);
}

async function admit(run: SessionRun): Promise<boolean> {
  const { admitted, summary, ownerId, idleSeconds, expiresAt } = await run.proxies.record.admit.executeWithOptions(
    { summary: `generation ${run.ref.generation}` },
    [run.ref],
  );
  if (!admitted) {
    run.machine.superseded = true;
    return false;
  }
  run.owns = true;
  Object.assign(run.parts, { summary, ownerId, idleSeconds, expiresAt });
  showOwner(ownerId);
  showPhase(run, 'provisioning', null);
  return true;
}

/** Brings up pod and files. A pod that is lost meanwhile is made again, on the same volume. */
async function open(run: SessionRun): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await provision(run);
      await bringFiles(run);
      return;
    } catch (error) {
      if (isCancellation(error) || attempt === OPEN_TRIES) throw error;
      run.machine.note(`try ${attempt} of ${OPEN_TRIES} to open failed: ${explain(error)}`, Date.now());
    }
  }
}

/** Volume, pod and agent; also after a loss, on the same volume. */
async function provision(run: SessionRun): Promise<void> {
  const { step, long } = run.proxies;
  const volume = await orFail('provisioning-failed', () =>
    step.ensureVolume.executeWithOptions({ summary: 'volume' }, [run.ref]),
  );
  run.parts.volumeId = volume.volumeId;
  run.parts.claimUid = volume.claimUid;
  await startPod(run, { volumeId: volume.volumeId, claimUid: volume.claimUid });
  const { bootId } = await orFail('agent-unreachable', () =>
    long.awaitAgent.executeWithOptions({ summary: 'agent answers' }, [run.ref]),
  );
  run.parts.bootId = bootId;
}

async function startPod(run: SessionRun, volume: { volumeId: number; claimUid: string }): Promise<void> {
  await orFail('provisioning-failed', () =>
    run.proxies.step.ensurePod.executeWithOptions({ summary: `pod on volume ${volume.volumeId}` }, [
      { ...run.ref, ...volume },
    ]),
  );
}

/** Loads a volume that never held all files, reconciles any other. */
async function bringFiles(run: SessionRun): Promise<void> {
  if (!(await enterPhase(run, 'loading', null))) return;
  const { state } = await run.proxies.record.inspectVolume(run.ref);
  if (state === 'new' || state === 'loading') {
    await orFail('load-failed', () =>
      run.proxies.long.loadFiles.executeWithOptions({ summary: 'all files' }, [run.ref]),
    );
  } else {
    await orFail('load-failed', () => reconcile(run, 'open'));
  }
}

/** Reconciles until nothing changed meanwhile, and answers how many files changed. */
async function reconcile(run: SessionRun, cause: string): Promise<number> {
  let changed = 0;
  for (let round = 1; round <= SYNC_ROUNDS; round += 1) {
    const result = await run.proxies.long.reconcile.executeWithOptions(
      { summary: `sync #${run.machine.syncSeq + 1}: ${cause}` },
      [{ ...run.ref, cause }],
    );
    changed += result.changed;
    if (!result.more) break;
  }
  return changed;
}

/** The watch beside the queue of requests, until the session ends or the history is long. */
async function serve(run: SessionRun): Promise<LiveEnd> {
  const { machine } = run;
  let watched = startWatch(run, false);
  while (!machine.ending) {
    await condition(() => machine.hasWork || watched.ended !== null || machine.ending || mayContinueAsNew(run));
    if (machine.ending) break;
    await serveExtensions(run);
    await serveSyncs(run);
    if (watched.ended !== null) {
      const again = await afterWatch(run, watched.ended);
      if (again === null) break;
      watched = startWatch(run, again.nodeLost);
    } else if (mayContinueAsNew(run) && !machine.hasWork && !machine.ending) {
      return 'continue-as-new';
    }
  }
  return 'ended';
}

/** The history is long and no handler is under way: one that waits would be lost, and looping for it would never yield. */
function mayContinueAsNew(run: SessionRun): boolean {
  const info = workflowInfo();
  const long = info.continueAsNewSuggested || info.historyLength > (run.input.limits?.historyEvents ?? HISTORY_EVENTS);
  return long && allHandlersFinished();
}

/** Starts the watch; `ended` is set when it returns. A watch that fails for good counts as a lost pod. */
function startWatch(run: SessionRun, nodeLost: boolean): { ended: WatchEnd | null } {
  const watched: { ended: WatchEnd | null } = { ended: null };
  const { idleSeconds, bootId } = run.parts as RunningParts;
  run.proxies.watch.watchSession
    .executeWithOptions({ summary: `idle after ${idleSeconds} s` }, [{ ...run.ref, idleSeconds, bootId, nodeLost }])
    .then(
      ({ end }) => {
        watched.ended = end;
      },
      (error: unknown) => {
        // The scope's cancellation is the main loop's to see.
        if (isCancellation(error)) return;
        run.machine.note(`the watch failed: ${explain(error)}`, Date.now());
        watched.ended = 'pod-lost';
      },
    );
  return watched;
}

/** Acts on the watch's end. Null: the session ends; otherwise how to watch on. */
async function afterWatch(run: SessionRun, end: WatchEnd): Promise<{ nodeLost: boolean } | null> {
  if (end === 'idle' || end === 'expired') {
    run.machine.requestEnd({ reason: end, actor: 'Berth' });
    return null;
  }
  if (end === 'node-lost' || end === 'node-back') {
    const lost = end === 'node-lost';
    if (!(await enterPhase(run, 'running', lost ? 'node-lost' : null))) return null;
    showAttention(run, lost);
    return { nodeLost: lost };
  }
  await recover(run);
  return run.machine.ending ? null : { nodeLost: false };
}

/** Makes a lost pod again on the same volume. Rejects with StepFailed when that is hopeless. */
async function recover(run: SessionRun): Promise<void> {
  for (;;) {
    if (!run.machine.mayRecover(Date.now()))
      throw new StepFailed('pod-lost', new Error('the pod was lost again and again'));
    if (!(await enterPhase(run, 'recovering', 'pod-lost'))) return;
    try {
      await provision(run);
      await reconcile(run, 'recovery');
      await enterPhase(run, 'running', null);
      return;
    } catch (error) {
      if (isCancellation(error)) throw error;
      run.machine.note(`recovering failed: ${explain(error)}`, Date.now());
    }
  }
}

async function serveExtensions(run: SessionRun): Promise<void> {
  for (;;) {
    const until = run.machine.takeExtension(Date.now(), (run.parts.idleSeconds ?? 0) * 1000);
    if (until === null) return;
    const iso = new Date(until).toISOString();
    await run.proxies.record.recordExtension.executeWithOptions({ summary: `held open until ${iso}` }, [
      { ...run.ref, until: iso },
    ]);
    run.parts.expiresAt = iso;
    showExpiry(until);
  }
}

/** One reconcile for all the syncs that wait. A failed one is told to those who wait; the watch asks again. */
async function serveSyncs(run: SessionRun): Promise<void> {
  const tickets = run.machine.takeSyncs();
  if (tickets.length === 0) return;
  try {
    const changed = await reconcile(
      run,
      tickets
        .map((ticket) => ticket.cause)
        .join(', ')
        .slice(0, 100),
    );
    run.machine.syncDone(tickets, { changed });
  } catch (error) {
    run.machine.syncDone(tickets, { failed: explain(error) });
    if (isCancellation(error)) throw error;
    run.machine.note(`a sync failed: ${explain(error)}`, Date.now());
  }
}

async function orFail<T>(reason: PhaseReason, step: () => Promise<T>): Promise<T> {
  try {
    return await step();
  } catch (error) {
    if (isCancellation(error)) throw error;
    throw new StepFailed(reason, error);
  }
}

/** The innermost message of a failure, which says what went wrong; the outer ones say only which activity it was. */
export function explain(error: unknown): string {
  let innermost = error;
  while (innermost instanceof Error && innermost.cause instanceof Error) innermost = innermost.cause;
  return innermost instanceof Error ? innermost.message : String(innermost);
}
