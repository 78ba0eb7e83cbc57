import { createHash, randomBytes } from 'node:crypto';

/** A new secret of 256 random bits, safe in cookies and headers. */
export function newSecret(): string {
  return randomBytes(32).toString('base64url');
}

/** How a random secret is stored. A fast digest is right here: 256 random bits cannot be guessed. */
export function digestOf(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}
