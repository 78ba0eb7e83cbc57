import type { Session } from '#shared/contracts/session.ts';
import type { SessionDetails } from '#platform/db/repositories/sessionDetails.ts';
import type { SessionRecord } from '#platform/db/repositories/sessions.ts';

/** A session as its owner sees it. */
export function presentSession(session: SessionRecord, details: SessionDetails | undefined): Session {
  return {
    uuid: session.uuid,
    name: session.name,
    language: session.language,
    kind: session.kind,
    phase: session.phase,
    phaseReason: session.phaseReason,
    isActive: session.isActive,
    generation: session.generation,
    changeSeq: session.changeSeq,
    stages: (details?.stages ?? []).map((stage) => ({
      phase: stage.phase,
      startedAt: stage.startedAt.toISOString(),
      seconds: Math.max(0, Math.round(stage.seconds * 1_000) / 1_000),
    })),
    keptVolume: details?.keptVolume ? { until: details.keptVolume.until?.toISOString() ?? null } : null,
    openReviewId: details?.openReviewId ?? null,
    lastActivityAt: session.lastActivityAt.toISOString(),
    expiresAt: session.expiresAt?.toISOString() ?? null,
    createdAt: session.createdAt.toISOString(),
    updatedAt: session.updatedAt.toISOString(),
  };
}
