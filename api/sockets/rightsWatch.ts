import type { Logger } from 'pino';
import type { Database } from '#platform/db/database.ts';
import { findCredentialRights, type CredentialRights } from '#platform/db/repositories/credentials.ts';

/** Rights that end must be felt within 5 s on every replica; two looks fit into that even when one is slow. */
const LOOK_EVERY_MS = 2_000;

/** A connected socket as the watch sees it. */
export interface WatchedSocket {
  readonly credentialId: string;
  /** The credential ended, expired, or its account was disabled. */
  rightsEnded(): void;
  /** The credential's rights as they are now; called at every look. */
  rightsAre(rights: CredentialRights): void;
}

/** Looks at the rights behind all sockets of this process, again and again. */
export interface RightsWatch {
  add(socket: WatchedSocket): () => void;
  close(): void;
}

/** Starts the watch. */
export function createRightsWatch(database: Database, log: Logger): RightsWatch {
  const sockets = new Set<WatchedSocket>();
  let looking = false;

  async function look(): Promise<void> {
    const watched = [...sockets];
    if (watched.length === 0) return;
    const ids = [...new Set(watched.map((socket) => socket.credentialId))];
    const rights = new Map((await findCredentialRights(database, ids)).map((one) => [one.credentialId, one]));
    for (const socket of watched) {
      const present = rights.get(socket.credentialId);
      if (present) socket.rightsAre(present);
      else socket.rightsEnded();
    }
  }

  const timer = setInterval(() => {
    if (looking) return;
    looking = true;
    look()
      .catch((error: unknown) => log.warn({ err: error }, 'the rights of sockets could not be looked at'))
      .finally(() => (looking = false));
  }, LOOK_EVERY_MS).unref();

  return {
    add(socket) {
      sockets.add(socket);
      return () => void sockets.delete(socket);
    },
    close: () => clearInterval(timer),
  };
}
