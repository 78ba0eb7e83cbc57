import { setTimeout as delay } from 'node:timers/promises';
import { collectRecordings } from '#platform/agent/collectRecordings.ts';
import { listUnderWay } from '#platform/db/repositories/recordings.ts';
import { findSessionById } from '#platform/db/repositories/sessions.ts';
import { findVolume, setVolumeState } from '#platform/db/repositories/volumes.ts';
import type { SessionRef } from '#workflows/session/session.ports.ts';
import { endingGitRun } from '#activities/session/gitFolders.ts';
import { runCycle, type Heartbeat } from '#activities/session/reconcile.ts';
import { beginCycle, isSuperseded, type SyncDeps } from '#activities/session/syncCycle.ts';

/** What a saving came to; see the port. */
export interface SaveResult {
  drained: boolean;
  superseded: boolean;
  notSaved: number;
}

const MAX_CYCLES = 200;
/** Between two scans, in milliseconds: long enough for a program that still writes to show. */
const PAUSE_MS = 150;

/**
 * Saves what the volume holds until two scans agree that nothing is missing in the database; then marks the volume as
 * drained in the very transaction that found so. A volume that was never loaded saves nothing; a superseded generation
 * saves no more. Files that nobody can save, and a volume that cannot show whose it is, are not drained. Rejects when the volume never comes to
 * rest. Safe to run twice.
 */
export async function saveFiles(deps: SyncDeps, ref: SessionRef, heartbeat: Heartbeat): Promise<SaveResult> {
  try {
    await bringInRecordings(deps, ref);
    heartbeat();
    return await saveUntilAtRest(deps, ref, heartbeat);
  } catch (error) {
    if (!isSuperseded(error)) throw error;
    const session = await findSessionById(deps.database, ref.sessionId);
    // Only a later opening ends the duty to save; a cycle of this one that came in between does not.
    if (session?.generation === ref.generation) throw error;
    return { drained: false, superseded: true, notSaved: 0 };
  }
}

/** Recordings lie on the volume, which goes with the save. What cannot be had must not hold up the files. */
async function bringInRecordings(deps: SyncDeps, { sessionId, uuid, generation }: SessionRef): Promise<void> {
  if ((await listUnderWay(deps.database, sessionId)).length === 0) return;
  try {
    const agent = await deps.agentPool.get(uuid, generation);
    await collectRecordings(deps.database, { sessionId, agent });
  } catch (error) {
    deps.log.warn({ err: error, session: uuid }, 'the recordings of a session could not be brought in');
  }
}

async function saveUntilAtRest(deps: SyncDeps, ref: SessionRef, heartbeat: Heartbeat): Promise<SaveResult> {
  let lastScan: string | null = null;
  const git = endingGitRun();
  for (let count = 0; count < MAX_CYCLES; count += 1) {
    const cycle = await beginCycle(deps, ref, { states: ['live', 'kept'] });
    if (cycle === null) {
      const volume = await findVolume(deps.database, ref.sessionId);
      return { drained: volume?.state === 'drained', superseded: false, notSaved: 0 };
    }
    const client = await deps.agentPool.get(ref.uuid, ref.generation);
    let drained = false;
    const expectedScan = lastScan;
    const result = await runCycle(
      deps,
      { client, cycle },
      {
        heartbeat,
        git,
        onSaved: async (scan, tx) => {
          if (scan !== expectedScan) return;
          await setVolumeState(deps.database, { id: cycle.volume.id, state: 'drained' }, tx);
          drained = true;
        },
      },
    );
    const agree = result.settled && result.scan === expectedScan;
    if (agree) return { drained, superseded: false, notSaved: result.notSaved };
    lastScan = result.scan;
    await delay(deps.savePauseMs ?? PAUSE_MS);
  }
  throw new Error(`The volume of session ${ref.uuid} did not come to rest in ${MAX_CYCLES} scans.`);
}
