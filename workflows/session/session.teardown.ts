import type { PodCause } from '#shared/domain/podCause.ts';
import type { PhaseReason } from '#shared/domain/session.ts';
import { explain, readCause } from '#workflows/session/session.failures.ts';
import { volumeFate, type PhaseWhy } from '#workflows/session/session.machine.ts';
import { outlastSilence } from '#workflows/session/session.silence.ts';
import { enterPhase, showAttention, showEnd, showPhase, type SessionRun } from '#workflows/session/session.run.ts';

/** How many days a volume is kept on which only files remain that are not saved by rule. */
const KEPT_DAYS = 7;

/** Reasons that people are told together with: everything was saved. */
const CALLS_IT_SAVED: ReadonlySet<PhaseReason> = new Set<PhaseReason>(['user', 'operator', 'idle', 'expired']);

/** What the last save left. `kept`: the volume stays until a person decides. */
type Saved = 'removable' | 'kept' | 'kept-week' | 'superseded';

/** How the run shall be recorded. */
export interface End extends PhaseWhy {
  phase: 'closed' | 'failed';
  reason: PhaseReason;
}

/**
 * Saves what is on the volume and removes pod and volume. Runs where nothing cancels it, and each step until it is done. A
 * superseded run saves nothing, removes its pod and a drained volume, and leaves the rest to the next generation.
 */
export async function teardown(run: SessionRun, end: End): Promise<void> {
  if (!run.owns) return;
  const current = !run.machine.superseded && (await enterPhase(run, 'saving', end));
  const { saved, cause } = current ? await save(run, end) : { saved: 'superseded' as const, cause: null };
  if (saved === 'superseded') {
    run.machine.superseded = true;
    await removePod(run);
    await run.proxies.cleanup.deleteVolume.executeWithOptions({ summary: 'only if drained' }, [run.ref]);
    return;
  }
  // A volume that has to wait for a person tells why; after a good save there is nothing left to say.
  const kept = saved === 'kept';
  const recorded = {
    ...end,
    reason: kept && CALLS_IT_SAVED.has(end.reason) ? ('save-failed' as const) : end.reason,
    cause: kept || end.phase === 'failed' ? (cause ?? end.cause) : null,
  };
  if (!(await enterPhase(run, 'closing', { ...recorded, cause: cause ?? end.cause }))) {
    await removePod(run);
    return;
  }
  await removePod(run);
  if (saved === 'removable') {
    await run.proxies.cleanup.deleteVolume.executeWithOptions({ summary: 'volume' }, [run.ref]);
  } else {
    await keep(run, saved === 'kept' ? null : KEPT_DAYS);
  }
  // Operators look for who ended it; people are told what became of their changes.
  if (await recordEnd(run, recorded)) showEnd(end.reason);
}

async function removePod(run: SessionRun): Promise<void> {
  await run.proxies.cleanup.deletePod.executeWithOptions({ summary: 'pod' }, [run.ref]);
}

async function keep(run: SessionRun, days: number | null): Promise<void> {
  await run.proxies.cleanup.keepVolume.executeWithOptions(
    { summary: days === null ? 'until saved or discarded' : `for ${days} days` },
    [{ ...run.ref, days }],
  );
  if (days === null) showAttention(run, true);
}

/** False: superseded. */
async function recordEnd(run: SessionRun, end: End): Promise<boolean> {
  const { current } = await run.proxies.cleanup.recordEnd.executeWithOptions(
    { summary: `${end.phase}: ${end.reason}` },
    [{ ...run.ref, ...end }],
  );
  if (!current) {
    run.machine.superseded = true;
    return false;
  }
  showPhase(run, end.phase, end);
  return true;
}

/** Saves what is on the volume, if it ever held all files and is no throw-away copy's. Starts a recovery pod when the agent cannot be reached. */
async function save(run: SessionRun, end: End): Promise<{ saved: Saved; cause: PodCause | null }> {
  const { state, throwAway = false } = await run.proxies.cleanup.inspectVolume(run.ref);
  if (throwAway || (state !== 'live' && state !== 'kept')) return { saved: 'removable', cause: null };
  let cause: PodCause | null;
  try {
    return { saved: await quiesceAndSave(run), cause: null };
  } catch (error) {
    run.machine.note(`the last save failed: ${explain(error)}`, Date.now());
    cause = readCause(error).cause;
  }
  // An open that failed has shown that no pod can be had.
  if (end.phase === 'failed') return { saved: 'kept', cause };
  try {
    await outlastSilence(run, () => startRecoveryPod(run));
    return { saved: await quiesceAndSave(run), cause: null };
  } catch (error) {
    run.machine.note(`the recovery pod could not save either: ${explain(error)}`, Date.now());
    return { saved: 'kept', cause: readCause(error).cause ?? cause };
  }
}

/** While nothing can be known of the pod, nothing is given up either: a save waits like every other step of the end. */
function quiesceAndSave(run: SessionRun): Promise<Saved> {
  return outlastSilence(run, () => tryToSave(run));
}

async function tryToSave(run: SessionRun): Promise<Saved> {
  await run.proxies.step.quiesce.executeWithOptions({ summary: 'end processes' }, [run.ref]);
  const result = await run.proxies.long.saveFiles.executeWithOptions({ summary: 'last save' }, [run.ref]);
  if (result.superseded) return 'superseded';
  const fate = volumeFate(result);
  return fate === 'remove' ? 'removable' : fate === 'keep' ? 'kept' : 'kept-week';
}

async function startRecoveryPod(run: SessionRun): Promise<void> {
  const { step, long } = run.proxies;
  const { volumeId, claimUid } = await step.ensureVolume.executeWithOptions({ summary: 'volume' }, [run.ref]);
  await step.ensurePod.executeWithOptions({ summary: 'recovery pod' }, [{ ...run.ref, volumeId, claimUid }]);
  await long.awaitAgent.executeWithOptions({ summary: 'recovery agent answers' }, [run.ref]);
}
