import type { ReviewActivities } from '#workflows/review/review.ports.ts';
import type { RunActivities, RunWaitActivities } from '#workflows/run/run.ports.ts';
import type { SessionActivities, WatchActivities } from '#workflows/session/session.ports.ts';
import type { MaintenanceActivities } from '#workflows/maintenance/maintenance.ports.ts';
import type { PoolActivities } from '#workflows/maintenance/pool.ports.ts';
import { mapFailures } from '#activities/failures.ts';
import { createMaintenanceActivities } from '#activities/maintenance/maintenanceActivities.ts';
import { adoptWarmPod } from '#activities/pool/claimedPod.ts';
import { createPoolActivities } from '#activities/pool/poolActivities.ts';
import { createReviewActivities } from '#activities/review/reviewActivities.ts';
import { createRunActivities, createRunWaitActivities } from '#activities/run/runActivities.ts';
import type { ActivityDeps } from '#activities/session/deps.ts';
import { createPhaseActivities } from '#activities/session/phaseActivities.ts';
import { endWhenPodIsGone } from '#activities/session/podGone.ts';
import { createPodActivities } from '#activities/session/podActivities.ts';
import { createSyncActivities } from '#activities/session/syncActivities.ts';
import { createVolumeActivities } from '#activities/session/volumeActivities.ts';
import { createWatchActivities as createWatch } from '#activities/session/watchSession.ts';

/** The short activities, which the runtime role runs. */
export function createRuntimeActivities(
  deps: ActivityDeps,
): SessionActivities & ReviewActivities & RunActivities & MaintenanceActivities & PoolActivities {
  const pods = createPodActivities(deps);
  return {
    ...mapFailures({
      ...createPhaseActivities(deps),
      ...createVolumeActivities(deps),
      ...pods,
      ensurePod: adoptWarmPod(deps, pods.ensurePod),
      ...endWhenPodIsGone(deps.runtime, createSyncActivities(deps)),
      ...createMaintenanceActivities(deps),
      ...createPoolActivities(deps),
    } satisfies SessionActivities & MaintenanceActivities & PoolActivities),
    ...mapFailures(createReviewActivities(deps)),
    ...mapFailures(createRunActivities(deps)),
  };
}

/** The long activities, which the watch role runs. */
export function createWatchActivities(deps: ActivityDeps): WatchActivities & RunWaitActivities {
  return {
    ...mapFailures(createWatch({ ...deps, reconcile: createSyncActivities(deps).reconcile })),
    ...mapFailures(createRunWaitActivities(deps)),
  };
}
