import { allHandlersFinished, condition, isCancellation, patched, sleep, workflowInfo } from '@temporalio/workflow';
import type { PodCause } from '#shared/domain/podCause.ts';
import type { PhaseReason } from '#shared/domain/session.ts';
import { explain, readCause, StepFailed } from '#workflows/session/session.failures.ts';
import { ALL_WELL, type PhaseWhy } from '#workflows/session/session.machine.ts';
import type { RunningParts } from '#workflows/session/session.messages.ts';
import type { WatchActivities } from '#workflows/session/session.ports.ts';
import { outlastSilence } from '#workflows/session/session.silence.ts';
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
/** A sync that failed is done again after this time, in milliseconds: the hint that asked for it does not come again. */
const SYNC_AGAIN_MS = 20_000;
/** A reconcile that found changes made meanwhile is repeated so often; the watch asks again for the rest. */
const SYNC_ROUNDS = 5;

const NODE_LOST: PhaseWhy = { reason: 'node-lost', cause: 'node-lost' };

/** How the live part ended by itself; a close or a cancellation makes it reject instead. */
export type LiveEnd = 'ended' | 'continue-as-new';

/** Admits, provisions, loads and serves a session until it ends. Runs in a scope that a close cancels. */
export async function live(run: SessionRun): Promise<LiveEnd> {
  const taken = run.input.carried?.running;
  if (taken === undefined) {
    // A run that was started only to close has nothing to open.
    if (run.owns) return 'ended';
    if (!(await admit(run))) return 'ended';
    await open(run);
    if (!(await enterPhase(run, 'running', ALL_WELL))) return 'ended';
    showAttention(run, false);
  } else {
    showPhase(run, 'running', taken.nodeLost === true ? NODE_LOST : ALL_WELL);
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
  showPhase(run, 'provisioning', ALL_WELL);
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
      if (isCancellation(error) || attempt === OPEN_TRIES || readCause(error).hopeless) throw error;
      run.machine.note(`try ${attempt} of ${OPEN_TRIES} to open failed: ${explain(error)}`, Date.now());
    }
  }
}

/** Volume, pod and agent; also after a loss, on the same volume. */
async function provision(run: SessionRun): Promise<void> {
  const { step, long } = run.proxies;
  const volume = await orFail(run, 'provisioning-failed', () =>
    step.ensureVolume.executeWithOptions({ summary: 'volume' }, [run.ref]),
  );
  run.parts.volumeId = volume.volumeId;
  run.parts.claimUid = volume.claimUid;
  await startPod(run, { volumeId: volume.volumeId, claimUid: volume.claimUid });
  const { bootId } = await orFail(run, 'agent-unreachable', () =>
    long.awaitAgent.executeWithOptions({ summary: 'agent answers' }, [run.ref]),
  );
  run.parts.bootId = bootId;
}

async function startPod(run: SessionRun, volume: { volumeId: number; claimUid: string }): Promise<void> {
  await orFail(run, 'provisioning-failed', () =>
    run.proxies.step.ensurePod.executeWithOptions({ summary: `pod on volume ${volume.volumeId}` }, [
      { ...run.ref, ...volume },
    ]),
  );
}

/** Loads a volume that never held all files, reconciles any other. */
async function bringFiles(run: SessionRun): Promise<void> {
  if (!(await enterPhase(run, 'loading', ALL_WELL))) return;
  const { state } = await run.proxies.record.inspectVolume(run.ref);
  if (state === 'new' || state === 'loading') {
    await orFail(run, 'load-failed', () =>
      run.proxies.long.loadFiles.executeWithOptions({ summary: 'all files' }, [run.ref]),
    );
  } else {
    await orFail(run, 'load-failed', () => reconcile(run, 'open'));
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
  let watched = startWatch(run);
  while (!machine.ending) {
    await condition(() => machine.hasWork || watched.ended !== null || machine.ending || mayContinueAsNew(run));
    if (machine.ending) break;
    await serveExtensions(run);
    await serveSyncs(run);
    if (watched.ended !== null) {
      if (!(await afterWatch(run, watched.ended))) break;
      watched = startWatch(run);
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

type Watched = Awaited<ReturnType<WatchActivities['watchSession']>>;

/** Starts the watch; `ended` is set when it returns. A watch that fails for good counts as a lost pod. */
function startWatch(run: SessionRun): { ended: Watched | null } {
  const watched: { ended: Watched | null } = { ended: null };
  const { idleSeconds, bootId, nodeLost = false } = run.parts as RunningParts;
  run.proxies.watch.watchSession
    .executeWithOptions({ summary: `idle after ${idleSeconds} s` }, [{ ...run.ref, idleSeconds, bootId, nodeLost }])
    .then(
      (ended) => {
        watched.ended = ended;
      },
      (error: unknown) => {
        // The scope's cancellation is the main loop's to see.
        if (isCancellation(error)) return;
        run.machine.note(`the watch failed: ${explain(error)}`, Date.now());
        watched.ended = { end: 'pod-lost' };
      },
    );
  return watched;
}

/** Acts on the watch's end. False: the session ends; otherwise it is watched on. */
async function afterWatch(run: SessionRun, { end, cause = null }: Watched): Promise<boolean> {
  if (end === 'idle' || end === 'expired' || end === 'copy-over') {
    run.machine.requestEnd({ reason: end, actor: 'Berth' });
    return false;
  }
  if (end === 'node-lost' || end === 'node-back') {
    const lost = end === 'node-lost';
    run.parts.nodeLost = lost;
    const why = lost ? { ...NODE_LOST, cause: cause ?? NODE_LOST.cause } : ALL_WELL;
    if (!(await enterPhase(run, 'running', why))) return false;
    showAttention(run, lost);
    return true;
  }
  run.parts.nodeLost = false;
  await recover(run, cause);
  return !run.machine.ending;
}

/** Makes a lost pod again on the same volume. Rejects with StepFailed when that is hopeless. */
async function recover(run: SessionRun, lostBy: PodCause | null): Promise<void> {
  let failed: unknown = new Error('the pod was lost again and again');
  for (let cause = lostBy; ; cause = readCause(failed).cause ?? cause) {
    if (!run.machine.mayRecover(Date.now()) || readCause(failed).hopeless) throw new StepFailed('pod-lost', failed);
    if (!(await enterPhase(run, 'recovering', { reason: 'pod-lost', cause }))) return;
    try {
      await provision(run);
      await orFail(run, 'load-failed', () => reconcile(run, 'recovery'));
      await enterPhase(run, 'running', ALL_WELL);
      showAttention(run, false);
      return;
    } catch (error) {
      if (isCancellation(error)) throw error;
      run.machine.note(`recovering failed: ${explain(error)}`, Date.now());
      failed = error;
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

/** One reconcile for all the syncs that wait. A failed one is told to those who wait, and done again after a while. */
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
    if (patched('sync-again')) syncAgainLater(run);
  }
}

/** Once for all the syncs that fail meanwhile. On a lost node there is nothing to sync; its return is a new watch's. */
function syncAgainLater(run: SessionRun): void {
  if (run.syncsAgain || run.parts.nodeLost === true) return;
  run.syncsAgain = true;
  sleep(SYNC_AGAIN_MS, { summary: 'until the sync that failed is done again' }).then(
    () => {
      run.syncsAgain = false;
      run.machine.enqueueSync(null, 'again after a failure');
    },
    // The session ends, and saves in another way.
    () => undefined,
  );
}

async function orFail<T>(run: SessionRun, reason: PhaseReason, step: () => Promise<T>): Promise<T> {
  try {
    return await outlastSilence(run, step);
  } catch (error) {
    if (isCancellation(error)) throw error;
    throw new StepFailed(reason, error);
  }
}
