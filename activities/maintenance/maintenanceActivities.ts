import { Context } from '@temporalio/activity';
import { WorkflowNotFoundError } from '@temporalio/client';
import { sessionWorkflowId } from '#shared/domain/session.ts';
import { ACCEPTED_TOKEN, readHeartbeat, writeHeartbeat } from '#platform/db/repositories/installation.ts';
import { forgetVolume, listSettledLiveSessions, readLiveObjects } from '#platform/db/repositories/liveObjects.ts';
import {
  loseAbandonedRuns,
  removeExpiredIdempotencyKeys,
  removeExpiredRateLimits,
  removeExpiredWebSessions,
  removeOldEvents,
  removeOldGitFolders,
  removeOldUploads,
  removeOldRuns,
  removeUnreferencedBlobs,
  removeUnreferencedGitPacks,
} from '#platform/db/repositories/retention.ts';
import { removeEndedCopies } from '#platform/db/repositories/runningCopies.ts';
import { tellExpiringVolumes } from '#platform/db/repositories/volumeNotices.ts';
import { closeAbandonedSession } from '#platform/db/repositories/sessionRequests.ts';
import type { MaintenanceActivities, Orphan, ReapPass } from '#workflows/maintenance/maintenance.ports.ts';
import { distrust, findOrphanObjects, REAP_AGE_SECONDS, shareOfRun } from '#activities/maintenance/reapRules.ts';
import { purgeTrash, retainVersions } from '#activities/maintenance/retainFiles.ts';
import type { ActivityDeps } from '#activities/session/deps.ts';
import { wakeReviews } from '#activities/review/wakeReviews.ts';
import { whileBeating } from '#activities/whileBeating.ts';

type MaintenanceDeps = Pick<ActivityDeps, 'database' | 'runtime' | 'temporal' | 'log' | 'config'>;

/** Sessions whose objects are removed at the same time. */
const REMOVED_AT_ONCE = 10;
/** A clock of a review that is so late has no workflow to ring it, or one that does not know of it. */
const SILENT_REVIEW_SECONDS = 120;
/** How long what ended of a throw-away copy can still be looked at: why it failed, say. */
const COPY_KEPT_SECONDS = 3_600;
/** A pod may take its time to end. */
const BEAT_EVERY_MS = 5_000;

/** Activities that look after what no session's workflow does. */
export function createMaintenanceActivities(deps: MaintenanceDeps): MaintenanceActivities {
  const { database, runtime, log } = deps;
  return {
    async findOrphans({ lastToken }) {
      const objects = await runtime.list();
      const all = [...objects.pods, ...objects.volumes];
      const heartbeat = await readHeartbeat(database);
      const tokens = { last: lastToken, database: heartbeat?.token ?? null, accepted: ACCEPTED_TOKEN };
      const distrusted = distrust(tokens, all.length);
      if (distrusted !== null) return alarmed(distrusted, log);
      const closing = await closeAbandoned(deps);
      await wakeSilentReviews(deps);
      const live = await readLiveObjects(database);
      const accepted = tokens.database === ACCEPTED_TOKEN;
      const share = shareOfRun(findOrphanObjects(objects, live), { objects: all, expired: live.expired, accepted });
      if (share.alarm !== null) return { ...alarmed(share.alarm, log), closing };
      // What was accepted is accepted for all of it, however many runs it takes.
      return { orphans: share.orphans, closing, alarm: null, token: share.more ? ACCEPTED_TOKEN : null };
    },

    async removeOrphans({ orphans }) {
      const confirmed = findOrphanObjects(await runtime.list(), await readLiveObjects(database));
      const isConfirmed = ({ kind, uid }: Orphan): boolean =>
        confirmed.some((orphan) => orphan.kind === kind && orphan.uid === uid);
      return { removed: await whileBeating(BEAT_EVERY_MS, () => removeAll(deps, orphans.filter(isConfirmed))) };
    },

    recordHeartbeat: ({ token }) => writeHeartbeat(database, token),

    async retain() {
      return {
        events: await removeOldEvents(database),
        idempotencyKeys: await removeExpiredIdempotencyKeys(database),
        rateLimits: await removeExpiredRateLimits(database),
        webSessions: await removeExpiredWebSessions(database),
        volumes: await tellExpiringVolumes(database),
        versions: await whileBeating(BEAT_EVERY_MS, () => retainVersions(deps)),
        sessions: await whileBeating(BEAT_EVERY_MS, () => purgeTrash(deps)),
        uploads: await removeOldUploads(database),
        runningCopies: await removeEndedCopies(database, { ageSeconds: COPY_KEPT_SECONDS }),
        lostRuns: await loseAbandonedRuns(database),
        runs: await removeOldRuns(database),
        blobs: await removeUnreferencedBlobs(database),
        // The folders first: their packs go with the same run.
        gitFolders: await removeOldGitFolders(database),
        gitPacks: await removeUnreferencedGitPacks(database),
      };
    },
  };
}

/** A review that is asked in vain is no reason to leave objects lying; the next run asks again. */
async function wakeSilentReviews(deps: MaintenanceDeps): Promise<void> {
  try {
    const woken = await wakeReviews(deps, SILENT_REVIEW_SECONDS);
    if (woken > 0) deps.log.warn({ reviews: woken }, 'reviews whose clocks did not ring were asked to look again');
  } catch (error) {
    deps.log.error({ err: error }, 'reviews whose clocks did not ring could not be asked');
  }
}

/** Removes session by session, several at once. Resolves with how many objects went; throws the first failure after all were tried. */
async function removeAll(deps: MaintenanceDeps, orphans: Orphan[]): Promise<number> {
  const waiting = [...new Set(orphans.map(({ uuid }) => uuid))];
  const failures: unknown[] = [];
  let removed = 0;
  async function work(): Promise<void> {
    for (let uuid = waiting.shift(); uuid !== undefined; uuid = waiting.shift()) {
      const objects = orphans.filter((orphan) => orphan.uuid === uuid);
      try {
        const gone = await removeObjects(deps, objects);
        // Not in one with the await, which reads the sum before it waits.
        removed += gone;
      } catch (error) {
        deps.log.error({ err: error, session: uuid }, 'an object that no row stands for could not be removed');
        failures.push(error);
      }
    }
  }
  await Promise.all(Array.from({ length: REMOVED_AT_ONCE }, work));
  if (failures.length > 0) throw failures[0];
  return removed;
}

/** The pod goes first: a volume does not go while a pod holds it. Resolves with how many went. */
async function removeObjects({ database, runtime, log }: MaintenanceDeps, orphans: Orphan[]): Promise<number> {
  let removed = 0;
  for (const { kind, uuid, uid } of orphans.toSorted((left, right) => left.kind.localeCompare(right.kind))) {
    // The row before the volume: a session that is opened in between must not find one that goes.
    if (kind === 'volume' && !(await forgetVolume(database, { uuid, claimUid: uid }))) continue;
    log.info({ kind, session: uuid, uid }, 'removing an object that no row stands for');
    await (kind === 'pod' ? runtime.destroyPod(uuid, uid) : runtime.destroyVolume(uuid, uid));
    removed += 1;
  }
  return removed;
}

function alarmed(alarm: string, log: ActivityDeps['log']): ReapPass {
  log.error({ alarm }, 'the reaper removes nothing');
  return { orphans: [], closing: [], alarm, token: null };
}

/**
 * Asks for the close of live sessions that no workflow owns (one was terminated, say): the run that the close starts saves
 * what is on the volume and tears down in order.
 */
async function closeAbandoned({ database, temporal, log }: MaintenanceDeps): Promise<string[]> {
  const closing: string[] = [];
  for (const session of await listSettledLiveSessions(database, REAP_AGE_SECONDS)) {
    Context.current().heartbeat();
    if (await hasWorkflow(temporal, session.uuid)) continue;
    log.warn({ session: session.uuid, phase: session.phase }, 'a live session has no workflow; closing it');
    await database.transaction((tx) =>
      closeAbandonedSession(database, session, { actor: 'the reaper', reason: 'operator' }, tx),
    );
    closing.push(session.uuid);
  }
  return closing;
}

async function hasWorkflow(temporal: ActivityDeps['temporal'], uuid: string): Promise<boolean> {
  const handle = temporal.client.workflow.getHandle(sessionWorkflowId(uuid));
  try {
    const { status } = await temporal.within(5_000, () => handle.describe());
    return status.name === 'RUNNING' || status.name === 'CONTINUED_AS_NEW';
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return false;
    throw error;
  }
}
