import type { ApiDeps } from '#api/deps.ts';
import { agentOf } from '#api/commands/terminals.ts';
import type { Caller } from '#api/http/route.ts';
import { previewDomain } from '#api/previews/previewHost.ts';
import { entryAddress } from '#api/previews/previewEntry.ts';
import { signClaim } from '#api/previews/previewTokens.ts';
import { AppError } from '#shared/domain/errors.ts';
import type { ListeningPort } from '#shared/contracts/agentPorts.ts';
import type { OpenPreview } from '#shared/contracts/preview.ts';
import {
  insertPreviewCode,
  insertPreviewLink,
  listPreviewLinks,
  revokePreviewLink,
  type PreviewLinkRecord,
} from '#platform/db/repositories/previews.ts';
import { touchActivity } from '#platform/db/repositories/sessionActivity.ts';
import type { SessionRecord } from '#platform/db/repositories/sessions.ts';
import { digestOf, newSecret } from '#platform/security/digests.ts';

/** How long a code waits for the browser that was sent to it. */
const CODE_SECONDS = 60;
/** Good share links of one session. */
const MAX_LINKS = 50;

/** The ports that the session's programs listen on. Throws PREVIEW_REFUSED, and as any request to an agent. */
export async function listPorts(deps: ApiDeps, session: SessionRecord): Promise<ListeningPort[]> {
  return (await agentOf(deps, session)).ports.list();
}

/**
 * An address that lets its first visitor see a port, as long as the caller stays signed in. Throws PREVIEWS_OFF, SESSION_NOT_OPEN,
 * SESSION_NOT_RUNNING or AGENT_UNREACHABLE; whether anything listens is seen at the visit.
 */
export async function openPreview(
  deps: ApiDeps,
  caller: Pick<Caller, 'id' | 'credentialId'>,
  { session, wanted }: { session: SessionRecord; wanted: OpenPreview },
): Promise<string> {
  requirePreviews(deps);
  await agentOf(deps, session);
  const { port, path } = wanted;
  const code = newSecret();
  const holder = { userId: caller.id, credentialId: caller.credentialId };
  await insertPreviewCode(deps.database, {
    codeHash: digestOf(code),
    sessionId: session.id,
    port,
    seconds: CODE_SECONDS,
    ...holder,
  });
  await touchActivity(deps.database, session.uuid);
  return entryAddress(deps.config, { uuid: session.uuid, port }, { code, path })!;
}

/** A link by which whoever has it sees a port. Throws PREVIEWS_OFF or PREVIEW_LINK_LIMIT. */
export async function createPreviewLink(
  deps: ApiDeps,
  caller: Pick<Caller, 'id'>,
  { session, port, seconds }: { session: SessionRecord; port: number; seconds: number },
): Promise<PreviewLinkRecord> {
  requirePreviews(deps);
  const wanted = { sessionId: session.id, port, createdBy: caller.id, seconds, limit: MAX_LINKS };
  const link = await insertPreviewLink(deps.database, wanted);
  if (link === null) {
    throw new AppError('PREVIEW_LINK_LIMIT', { detail: `A session has at most ${MAX_LINKS} links that are good.` });
  }
  return link;
}

/** The session's share links, newest first; what ended a week ago is gone. */
export function listSessionLinks(deps: ApiDeps, session: SessionRecord): Promise<PreviewLinkRecord[]> {
  return listPreviewLinks(deps.database, session.id);
}

/** Ends a share link, and within 5 s all that was opened by it. Throws NOT_FOUND. */
export async function endPreviewLink(
  deps: ApiDeps,
  { session, port, id }: { session: SessionRecord; port: number; id: string },
): Promise<PreviewLinkRecord> {
  const link = await revokePreviewLink(deps.database, { sessionId: session.id, port, id });
  if (link === null) throw new AppError('NOT_FOUND');
  return link;
}

/** Where a link leads; it is made anew from the secret, and stored nowhere. Null while previews are off. */
export function addressOfLink(
  { config }: Pick<ApiDeps, 'config'>,
  { uuid }: Pick<SessionRecord, 'uuid'>,
  { id, port, expiresAt }: PreviewLinkRecord,
): string | null {
  const claim = { uuid, port, grant: { linkId: id }, until: expiresAt.getTime() };
  return entryAddress(config, { uuid, port }, { link: signClaim(config.BERTH_SECRET, 'link', claim) });
}

function requirePreviews({ config }: Pick<ApiDeps, 'config'>): void {
  if (previewDomain(config) === null) throw new AppError('PREVIEWS_OFF');
}
