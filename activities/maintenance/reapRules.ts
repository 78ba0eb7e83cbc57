import type { RuntimeObject } from '#platform/runtime/Runtime.ts';
import type { LiveObjects } from '#platform/db/repositories/liveObjects.ts';
import type { Orphan } from '#workflows/maintenance/maintenance.ports.ts';

/** Objects younger than this, in seconds, may belong to a row that is being written. */
export const REAP_AGE_SECONDS = 600;
/** So many sessions may be cleaned up in one run whatever their share is. */
export const REAP_AT_LEAST = 5;
/** The share of all sessions with objects that one run may clean up. */
export const REAP_SHARE = 0.1;

/** The tokens of the heartbeat: what the last completed run returned, and what the database says. */
export interface Heartbeats {
  last: string | null;
  database: string | null;
  accepted: string;
}

/** Why nothing may be removed: this database may not be the one that the objects belong to. Null when it is. */
export function distrust(heartbeats: Heartbeats, objects: number): string | null {
  if (heartbeats.database === heartbeats.accepted) return null;
  if (heartbeats.last === heartbeats.database && heartbeats.last !== null) return null;
  if (objects === 0 && (heartbeats.last === null || heartbeats.database === null)) return null;
  return (
    'The database is not the one that the last completed run served: it is empty, was restored, or Temporal’s was lost. ' +
    'Check it, then run `berth admin accept-database`.'
  );
}

/** Objects that no row stands for and that are old enough. A pod is needed by a live session, a volume also when it is held. */
export function findOrphanObjects(
  objects: { pods: RuntimeObject[]; volumes: RuntimeObject[] },
  live: LiveObjects,
): Orphan[] {
  const old = (object: RuntimeObject): boolean => object.ageSeconds > REAP_AGE_SECONDS;
  const orphan = (kind: Orphan['kind'], { uuid, uid }: RuntimeObject): Orphan => ({ kind, uuid, uid });
  return [
    ...objects.pods.filter((pod) => old(pod) && !live.active.has(pod.uuid)).map((pod) => orphan('pod', pod)),
    ...objects.volumes
      .filter((volume) => old(volume) && !live.active.has(volume.uuid) && !live.held.has(volume.uuid))
      .map((volume) => orphan('volume', volume)),
  ];
}

/** What one run removes of what it found. */
export interface ReapShare {
  orphans: Orphan[];
  /** Litter is left for the runs to come. */
  more: boolean;
  /** Why nothing is removed: so much is more likely a mistake than litter. Null when there is no reason. */
  alarm: string | null;
}

/** What a run looks at: all objects that there are, and the uids of claims that were kept for a time which is over. */
export interface ReapSight {
  objects: RuntimeObject[];
  expired: Set<string>;
  /** An operator vouches for the database. */
  accepted: boolean;
}

/**
 * Bounds what one run removes. A kept volume whose time is over goes by what its row says, however many there are: they
 * count apart, and the rest waits for the next run. So does the rest of the litter once an operator accepted the database.
 */
export function shareOfRun(orphans: Orphan[], { objects, expired, accepted }: ReapSight): ReapShare {
  const isExpired = ({ kind, uid }: Orphan): boolean => kind === 'volume' && expired.has(uid);
  const litter = orphans.filter((orphan) => !isExpired(orphan));
  const sessions = countSessions(litter);
  const all = countSessions(objects);
  const allowed = Math.max(REAP_AT_LEAST, Math.floor(all * REAP_SHARE));
  const more = sessions > allowed;
  if (more && !accepted) {
    const alarm =
      `${sessions} of ${all} sessions with objects would be cleaned up; at most ${allowed} are in one run. ` +
      'Check the database; when it is the right one, run `berth admin accept-database`.';
    return { orphans: [], more, alarm };
  }
  const chosen = [...ofSessions(litter, allowed), ...ofSessions(orphans.filter(isExpired), allowed)];
  return { orphans: chosen, more, alarm: null };
}

function countSessions(objects: { uuid: string }[]): number {
  return new Set(objects.map(({ uuid }) => uuid)).size;
}

/** Those of the first `count` sessions. */
function ofSessions(orphans: Orphan[], count: number): Orphan[] {
  const sessions = [...new Set(orphans.map(({ uuid }) => uuid))].slice(0, count);
  return orphans.filter(({ uuid }) => sessions.includes(uuid));
}
