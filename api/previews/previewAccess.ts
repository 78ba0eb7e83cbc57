import type { ApiDeps } from '#api/deps.ts';
import { readClaim, type PreviewClaim } from '#api/previews/previewTokens.ts';
import { findCredentialRights } from '#platform/db/repositories/credentials.ts';
import { isPreviewLinkGood, type PreviewPlace } from '#platform/db/repositories/previews.ts';
import { findCopyRefusal } from '#platform/db/repositories/runningCopies.ts';
import { findSession, type SessionRecord } from '#platform/db/repositories/sessions.ts';

/** A page loads many files at once; what was revoked is felt within this and the look at what is open, 5 s together. */
const KNOWN_MS = 2_000;
const MAX_KNOWN = 2_000;

/** Whether a cookie lets its bearer see a place. */
export interface PreviewAccess {
  /** The session, or null for a cookie that is worth nothing, or no longer, for that place. */
  sessionFor(place: PreviewPlace, cookie: string | null): Promise<SessionRecord | null>;
}

/** Looks into the database for what a cookie is worth; an answer is kept for two seconds. */
export function createPreviewAccess({ config, database }: Pick<ApiDeps, 'config' | 'database'>): PreviewAccess {
  const known = new Map<string, { until: number; session: Promise<SessionRecord | null> }>();

  async function look(claim: PreviewClaim): Promise<SessionRecord | null> {
    const session = await findSession(database, claim.uuid);
    if (session === null) return null;
    // The right to a throw-away copy ends with the review, or sooner.
    if (session.kind === 'review_run' && (await findCopyRefusal(database, session)) !== null) return null;
    const { grant } = claim;
    if ('linkId' in grant) return (await isPreviewLinkGood(database, grant.linkId, claim)) ? session : null;
    if (session.userId !== grant.userId) return null;
    // Whoever signs out, or loses the token, has no preview any more.
    return (await findCredentialRights(database, [grant.credentialId])).length > 0 ? session : null;
  }

  return {
    async sessionFor({ uuid, port }, cookie) {
      const claim = cookie === null ? null : readClaim(config.BERTH_SECRET, 'cookie', cookie);
      if (claim?.uuid !== uuid || claim.port !== port) return null;
      const key = JSON.stringify(claim.grant) + uuid + String(port);
      const now = Date.now();
      const present = known.get(key);
      if (present !== undefined && present.until > now) return present.session;
      const session = look(claim);
      known.delete(key);
      known.set(key, { until: now + KNOWN_MS, session });
      session.catch(() => known.delete(key));
      const [oldest] = known.keys();
      if (known.size > MAX_KNOWN && oldest !== undefined) known.delete(oldest);
      return session;
    },
  };
}
