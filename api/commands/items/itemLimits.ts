import { AppError } from '#shared/domain/errors.ts';
import type { Config } from '#platform/config/config.ts';
import type { Database, Tx } from '#platform/db/database.ts';
import { measureTree } from '#platform/db/repositories/items.ts';

type Limits = Pick<Config, 'MAX_FILE_BYTES' | 'MAX_SESSION_BYTES' | 'MAX_SESSION_ITEMS'>;

/** Throws FILE_TOO_LARGE when a file of that size is not saved. */
export function requireFileSize(config: Limits, size: number): void {
  if (size <= config.MAX_FILE_BYTES) return;
  throw new AppError('FILE_TOO_LARGE', {
    detail: `The file has ${size} bytes; files may have ${config.MAX_FILE_BYTES}.`,
    data: { limit: config.MAX_FILE_BYTES, size },
  });
}

/** Throws SESSION_TOO_LARGE when the session has no room for so many more items or bytes. Call under the session's row lock. */
export async function requireRoom(
  { database, config }: { database: Database; config: Limits },
  growth: { sessionId: number; items: number; bytes: number },
  tx: Tx,
): Promise<void> {
  if (growth.items <= 0 && growth.bytes <= 0) return;
  const present = await measureTree(database, growth.sessionId, tx);
  if (growth.items > 0 && present.items + growth.items > config.MAX_SESSION_ITEMS) {
    throw new AppError('SESSION_TOO_LARGE', {
      detail: `The session has ${present.items} files and folders; it may have ${config.MAX_SESSION_ITEMS}.`,
      data: { limit: config.MAX_SESSION_ITEMS, items: present.items },
    });
  }
  if (growth.bytes > 0 && present.bytes + growth.bytes > config.MAX_SESSION_BYTES) {
    throw new AppError('SESSION_TOO_LARGE', {
      detail: `The session's files would have ${present.bytes + growth.bytes} bytes; they may have ${config.MAX_SESSION_BYTES}.`,
      data: { limit: config.MAX_SESSION_BYTES, bytes: present.bytes },
    });
  }
}
