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

/** Why so many orphans are more likely a mistake than litter; null when they are few enough. */
export function tooMany(orphans: Orphan[], objects: RuntimeObject[]): string | null {
  const sessions = new Set(orphans.map((orphan) => orphan.uuid)).size;
  const all = new Set(objects.map((object) => object.uuid)).size;
  const allowed = Math.max(REAP_AT_LEAST, Math.floor(all * REAP_SHARE));
  if (sessions <= allowed) return null;
  return `${sessions} of ${all} sessions with objects would be cleaned up; at most ${allowed} are in one run. Check the database.`;
}
