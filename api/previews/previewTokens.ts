import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';

/** By what somebody sees a preview: as the session's owner who is signed in, or by a share link. */
export const PreviewGrant = z.union([
  z.strictObject({ userId: z.int(), credentialId: z.string() }),
  z.strictObject({ linkId: z.uuid() }),
]);
/** By what somebody sees a preview. */
export type PreviewGrant = z.infer<typeof PreviewGrant>;

/** What a signed text says: who may see which port, until when (milliseconds since 1970). */
const Claim = z.strictObject({ uuid: z.uuid(), port: z.int(), grant: PreviewGrant, until: z.int() });
/** What a signed text says. */
export type PreviewClaim = z.infer<typeof Claim>;

/** What the text is for; one for the one thing is worth nothing for the other. */
export type PreviewTokenUse = 'cookie' | 'link';

/** A text that only holders of the master secret can make. */
export function signClaim(secret: string, use: PreviewTokenUse, claim: PreviewClaim): string {
  const text = Buffer.from(JSON.stringify(claim)).toString('base64url');
  return `${text}.${signatureOf(secret, use, text)}`;
}

/** The claim of a text that was signed for that use and has not expired; null for every other. */
export function readClaim(secret: string, use: PreviewTokenUse, token: string): PreviewClaim | null {
  const [text = '', signature = '', ...rest] = token.split('.');
  if (rest.length > 0 || !isEqual(signature, signatureOf(secret, use, text))) return null;
  const claim = Claim.parse(JSON.parse(Buffer.from(text, 'base64url').toString()));
  return claim.until > Date.now() ? claim : null;
}

function signatureOf(secret: string, use: PreviewTokenUse, text: string): string {
  const key = Buffer.from(hkdfSync('sha256', secret, 'berth-preview', `preview/${use}`, 32));
  return createHmac('sha256', key).update(text).digest('base64url');
}

function isEqual(left: string, right: string): boolean {
  const [a, b] = [Buffer.from(left), Buffer.from(right)];
  return a.byteLength === b.byteLength && timingSafeEqual(a, b);
}
