import { AppError } from '#shared/domain/errors.ts';
import { hashPassword, PasswordQueueFullError, verifyPassword } from '#platform/security/passwords.ts';

/** verifyPassword, with a full queue told as RATE_LIMITED. */
export function checkPassword(passwordHash: string | null, password: string): Promise<boolean> {
  return verifyPassword(passwordHash, password).catch(tellFullQueue);
}

/** hashPassword, with a full queue told as RATE_LIMITED. */
export function protectPassword(password: string): Promise<string> {
  return hashPassword(password).catch(tellFullQueue);
}

function tellFullQueue(error: unknown): never {
  if (!(error instanceof PasswordQueueFullError)) throw error;
  throw new AppError('RATE_LIMITED', { detail: 'Too many people sign in just now.', data: { retryAfterSeconds: 5 } });
}
