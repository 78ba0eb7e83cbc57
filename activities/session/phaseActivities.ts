import { extendSession } from '#platform/db/repositories/sessionActivity.ts';
import { admitSession, writePhase } from '#platform/db/repositories/sessionPhases.ts';
import { resumeKeptVolume } from '#platform/db/repositories/sessionVolumes.ts';
import { findUserById } from '#platform/db/repositories/users.ts';
import type { SessionActivities } from '#workflows/session/session.ports.ts';
import type { ActivityDeps } from '#activities/session/deps.ts';

type PhaseActivities = Pick<SessionActivities, 'admit' | 'recordPhase' | 'recordEnd' | 'recordExtension'>;

/** Activities that write the session's row, each fenced by the generation. */
export function createPhaseActivities({
  database,
  config,
}: Pick<ActivityDeps, 'database' | 'config'>): PhaseActivities {
  return {
    async admit(ref) {
      const session = await admitSession(database, ref);
      if (session === null) {
        return { admitted: false, summary: '', ownerId: 0, idleSeconds: 0, expiresAt: null, kind: 'workspace' };
      }
      const owner = await findUserById(database, session.userId);
      return {
        admitted: true,
        summary: `${owner?.username ?? 'nobody'} · ${session.language} · ${JSON.stringify(session.name)}`,
        ownerId: session.userId,
        idleSeconds: session.kind === 'review_run' ? config.RUNNING_COPY_IDLE_SECONDS : config.SESSION_IDLE_SECONDS,
        expiresAt: session.expiresAt?.toISOString() ?? null,
        kind: session.kind,
      };
    },

    async recordPhase({ sessionId, generation, phase, reason, cause = null }) {
      const written = await writePhase(database, { sessionId, generation, phase, reason, cause });
      if (written === null) return { current: false };
      // A volume that was kept is in use again, and its saving is this session's business.
      if (phase === 'running') await resumeKeptVolume(database, { sessionId, generation });
      return { current: true };
    },

    async recordEnd({ sessionId, generation, phase, reason, cause = null }) {
      return { current: (await writePhase(database, { sessionId, generation, phase, reason, cause })) !== null };
    },

    async recordExtension({ sessionId, generation, until }) {
      await extendSession(database, { sessionId, generation, until: new Date(until) });
    },
  };
}
