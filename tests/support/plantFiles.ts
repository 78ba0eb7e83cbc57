import { describeFile } from '#platform/db/content.ts';
import type { Database } from '#platform/db/database.ts';
import { storeBlobs } from '#platform/db/repositories/blobs.ts';
import { readTree, writeTree } from '#platform/db/repositories/itemBatches.ts';
import { lockSessionById } from '#platform/db/repositories/sessions.ts';
import { ancestorPaths } from '#shared/domain/paths.ts';

/** A file or link that a test puts into a session; a path that ends in a slash is a folder. */
export interface PlantedFile {
  path: string;
  bytes?: Buffer;
  executable?: boolean;
  /** Makes it a link to there. */
  target?: string;
}

/** Puts many files into a session at once, with the folders above them. */
export async function plantFiles(database: Database, sessionId: number, planted: PlantedFile[]): Promise<void> {
  const contents = planted.flatMap(({ path, bytes, target, executable = false }) => {
    if (path.endsWith('/')) return [];
    const content = describeFile(target === undefined ? (bytes ?? Buffer.from(path)) : Buffer.from(target));
    const encoding = target === undefined ? content.encoding : ('symlink' as const);
    return [{ ...content, path, encoding, executable, source: 'terminal' as const }];
  });
  const named = planted.map(({ path }) => (path.endsWith('/') ? path.slice(0, -1) : path));
  const above = named.flatMap(ancestorPaths);
  const empty = named.filter((path, index) => planted[index]!.path.endsWith('/'));
  await storeBlobs(database, contents);
  await database.transaction(async (tx) => {
    await lockSessionById(database, sessionId, tx);
    const rows = await readTree(database, sessionId, tx);
    const folders = [...new Set([...above, ...empty])];
    await writeTree(database, { sessionId, rows, removed: [], folders, files: contents }, tx);
  });
}
