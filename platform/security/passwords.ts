import { availableParallelism } from 'node:os';
import { hash, verify } from '@node-rs/argon2';

// OWASP's floor: 19 MiB, two passes, one lane. The algorithm is argon2id unless told otherwise.
const OPTIONS = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };

/** Each hash takes 19 MiB and a core, so a burst of logins waits in line. */
const MAX_AT_ONCE = Math.max(1, Math.min(4, availableParallelism()));
const MAX_WAITING = 200;

let running = 0;
const waiting: (() => void)[] = [];

async function inLine<T>(work: () => Promise<T>): Promise<T> {
  if (running >= MAX_AT_ONCE) {
    if (waiting.length >= MAX_WAITING) throw new PasswordQueueFullError();
    await new Promise<void>((resolve) => waiting.push(resolve));
  } else running += 1;
  try {
    return await work();
  } finally {
    // The place is handed on, so that nobody who comes in between takes it.
    const next = waiting.shift();
    if (next) next();
    else running -= 1;
  }
}

/** More logins than this process can check wait already. */
export class PasswordQueueFullError extends Error {
  constructor() {
    super('too many passwords are being checked');
    this.name = 'PasswordQueueFullError';
  }
}

/** The argon2id hash of a password. */
export function hashPassword(password: string): Promise<string> {
  return inLine(() => hash(password, OPTIONS));
}

let dummy: Promise<string> | undefined;

/**
 * True when the password belongs to the hash. For an unknown person pass null: the same work is done, so that the time
 * of the answer does not tell whether the name exists.
 */
export async function verifyPassword(passwordHash: string | null, password: string): Promise<boolean> {
  dummy ??= hashPassword('the password of nobody');
  const stored = passwordHash ?? (await dummy);
  const matches = await inLine(() => verify(stored, password));
  return matches && passwordHash !== null;
}
