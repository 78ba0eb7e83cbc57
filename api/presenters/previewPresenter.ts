import type { PreviewLink } from '#shared/contracts/preview.ts';
import type { PreviewLinkRecord } from '#platform/db/repositories/previews.ts';

/** A share link as its session's owner sees it. `address` is where it leads, null while previews are off. */
export function presentPreviewLink(link: PreviewLinkRecord, address: string | null): PreviewLink {
  const isGood = link.revokedAt === null && link.expiresAt.getTime() > Date.now();
  return {
    id: link.id,
    port: link.port,
    address: isGood ? address : null,
    createdAt: link.createdAt.toISOString(),
    expiresAt: link.expiresAt.toISOString(),
    revokedAt: link.revokedAt?.toISOString() ?? null,
    uses: link.uses,
    lastUsedAt: link.lastUsedAt?.toISOString() ?? null,
  };
}
