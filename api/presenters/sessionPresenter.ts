import { CAUSE_ADVICE, type PodCause } from '#shared/domain/podCause.ts';
import type { Discarded, Session } from '#shared/contracts/session.ts';
import type { NewestSave } from '#platform/db/repositories/sessionDiscards.ts';
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
    cause: session.phaseCause === null ? null : presentCause(session.phaseCause),
    isActive: session.isActive,
    generation: session.generation,
    changeSeq: session.changeSeq,
    stages: (details?.stages ?? []).map((stage) => ({
      phase: stage.phase,
      startedAt: stage.startedAt.toISOString(),
      seconds: Math.max(0, Math.round(stage.seconds * 1_000) / 1_000),
    })),
    keptVolume: details?.keptVolume ? { until: details.keptVolume.until?.toISOString() ?? null } : null,
    discardable: details?.discardable ? { newestSave: presentNewestSave(details.discardable.newestSave) } : null,
    openReviewId: details?.openReviewId ?? null,
    repository: details?.repository ?? null,
    runningCopy: details?.runningCopy ?? null,
    lastActivityAt: session.lastActivityAt.toISOString(),
    expiresAt: session.expiresAt?.toISOString() ?? null,
    createdAt: session.createdAt.toISOString(),
    updatedAt: session.updatedAt.toISOString(),
  };
}

function presentCause(code: PodCause): Session['cause'] {
  const { sentence, remedy, who } = CAUSE_ADVICE[code];
  return { code, sentence, remedy, who };
}

/** The newest save as its owner sees it; null when there is none. */
export function presentNewestSave(save: NewestSave | null): Discarded['newestSave'] {
  return save === null ? null : { path: save.path, at: save.at.toISOString() };
}
