import { setTimeout as pause } from 'node:timers/promises';
import { Context } from '@temporalio/activity';
import { ERROR_CATALOGUE } from '#shared/domain/errorCatalogue.ts';
import { isAppError } from '#shared/domain/errors.ts';
import { CAUSE_ADVICE } from '#shared/domain/podCause.ts';
import { isEndedRun } from '#shared/domain/run.ts';
import { isLivePhase } from '#shared/domain/session.ts';
import { requireRoomForLiveSession } from '#platform/db/repositories/liveLimit.ts';
import { findRunById } from '#platform/db/repositories/runs.ts';
import { touchActivity } from '#platform/db/repositories/sessionActivity.ts';
import { requestOpen } from '#platform/db/repositories/sessionRequests.ts';
import { findSession, type SessionRecord } from '#platform/db/repositories/sessions.ts';
import type { ActivityDeps } from '#activities/session/deps.ts';

type OpenDeps = Pick<ActivityDeps, 'database' | 'config'>;

const LOOK_EVERY_MS = 200;
const BEAT_EVERY_MS = 1_000;
/** The start of a pod is tried three times; before it, a session that is closing may still have something to save. */
const PATIENCE_BESIDE_STARTS_MS = 120_000;

/** What an attempt leaves to the next one, should its worker end. */
interface Progress {
  /** The opening that was asked for; null while the session was not asked to open. */
  asked: number | null;
  deadline: number;
}

/**
 * Waits until the run's session runs, and asks it to open when it is closed or closing; once, so that a person who closes it
 * again has their way. `refused` says why it will not run.
 */
export async function openForRun(deps: OpenDeps, runId: number): Promise<{ refused: string | null }> {
  const context = Context.current();
  const progress = readProgress(deps, context);
  const beat = setInterval(() => context.heartbeat(progress), BEAT_EVERY_MS);
  try {
    for (;;) {
      context.cancellationSignal.throwIfAborted();
      const answer = await look(deps, runId, progress);
      if (answer !== null) return answer;
      await pause(LOOK_EVERY_MS, undefined, { signal: context.cancellationSignal });
    }
  } finally {
    clearInterval(beat);
  }
}

function readProgress({ config }: OpenDeps, context: Context): Progress {
  const before = context.info.heartbeatDetails as Progress | undefined;
  const patience = 3 * config.POD_START_SECONDS * 1_000 + PATIENCE_BESIDE_STARTS_MS;
  return before ?? { asked: null, deadline: Date.now() + patience };
}

/** One look at the row: an answer, or null when there is nothing to say yet. */
async function look(deps: OpenDeps, runId: number, progress: Progress): Promise<{ refused: string | null } | null> {
  const run = await findRunById(deps.database, runId);
  if (run === null || isEndedRun(run.status)) return { refused: 'The run has ended.' };
  const session = await findSession(deps.database, run.sessionUuid);
  if (session === null) return { refused: 'The session was deleted.' };
  if (session.phase === 'running') {
    // From here on the run keeps it open by itself.
    await touchActivity(deps.database, session.uuid);
    return { refused: null };
  }
  if (Date.now() > progress.deadline) return { refused: `The session did not start in time; it is ${session.phase}.` };
  if (isLivePhase(session.phase) && session.phase !== 'saving' && session.phase !== 'closing') return null;
  // A throw-away copy is opened once; whoever wants another asks for it on the review.
  if (session.kind === 'review_run') return { refused: whyEnded(session) };
  if (progress.asked !== null && session.generation >= progress.asked) return { refused: whyEnded(session) };
  return ask(deps, session, progress);
}

async function ask(
  { database, config }: OpenDeps,
  session: SessionRecord,
  progress: Progress,
): Promise<{ refused: string } | null> {
  try {
    const opened = await database.transaction(async (tx) => {
      await requireRoomForLiveSession({ database, config }, { userId: session.userId, exceptUuid: session.uuid }, tx);
      return (await requestOpen(database, session, tx)).session;
    });
    progress.asked = opened.generation;
    return null;
  } catch (error) {
    if (!isAppError(error, 'SESSION_LIMIT')) throw error;
    return { refused: `The session could not be opened. ${error.message} ${ERROR_CATALOGUE.SESSION_LIMIT.remedy}` };
  }
}

function whyEnded({ phase, phaseReason, phaseCause }: SessionRecord): string {
  if (phase !== 'failed') return 'The session was closed before the run could begin.';
  const why = phaseCause === null ? (phaseReason ?? 'no reason is known') : CAUSE_ADVICE[phaseCause].sentence;
  return `The session could not be opened: ${why}`;
}
